"""Variants of a melody are one group; other melodies are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from etude.corpora import cobb, essen, tunebooks
from etude.corpora.variants import Song, alignment_scores, melody_steps, variant_groups
from etude.music import Piece
from prepared_corpora import prepared_corpus

TIMES = np.array([2, 1, 1, 4])


def melody(seed: int, notes: int = 40) -> Piece:
    """A random walk over a scale, with a rhythm."""
    random = np.random.default_rng(seed)
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    degree = 14 + np.cumsum(random.integers(-3, 4, notes)) % 14
    pitch = 36 + 12 * (degree // 7) + scale[degree % 7]
    return of(pitch, random.choice(TIMES, notes))


def of(pitch: np.ndarray, duration: np.ndarray) -> Piece:
    onsets = np.concatenate([[0], np.cumsum(duration)[:-1]])
    return Piece.from_notes(zip(onsets.tolist(), duration.tolist(), np.asarray(pitch).tolist(), strict=True))


def together(*pieces: Piece) -> bool:
    """Whether the pieces are one group among songs of others."""
    groups = variant_groups([melody(90), *pieces, melody(91)])
    assert groups[0] == 0
    assert groups[-1] == len(groups) - 1
    return len(set(groups[1:-1].tolist())) == 1


SONG = melody(1)


@pytest.mark.parametrize(
    "variant",
    [
        SONG.transposed(5),
        replace(SONG, onset=3 * SONG.onset, duration=3 * SONG.duration),
        of([*SONG.pitch[:30], *melody(2).pitch[:10]], SONG.duration),  # another ending
        of(np.concatenate([melody(3).pitch[:10], SONG.pitch]), np.tile(TIMES, 13)[:50]),  # a phrase before it
        of(np.delete(SONG.pitch, 20), np.delete(SONG.duration, 20)),  # a note is missing
        of(np.insert(SONG.pitch, 11, 40), np.insert(SONG.duration, 11, 1)),  # a note is added
        of(SONG.pitch, np.ones(40, dtype=int)),  # another rhythm
    ],
    ids=["key", "note values", "ending", "phrase", "note less", "note more", "rhythm"],
)
def test_a_variant_is_in_the_group_of_its_song(variant: Piece) -> None:
    assert together(SONG, variant)


def test_other_songs_are_groups_of_their_own() -> None:
    assert variant_groups([melody(seed) for seed in range(30)]).tolist() == list(range(30))


def test_a_short_formula_in_common_makes_no_variants() -> None:
    assert not together(SONG, of([*SONG.pitch[:12], *melody(2).pitch[:28]], SONG.duration))


def test_variants_of_variants_are_one_group() -> None:
    pitches = np.concatenate([melody(seed).pitch[:20] for seed in range(4)])
    ends, middle = pitches[:40], pitches[20:60]
    times = np.tile(TIMES, 10)
    first, second, third = of(ends, times), of(middle, times), of(pitches[40:], times)
    assert not together(first, third)
    assert together(first, second, third)
    assert together(first, third, second)


def test_pieces_without_steps_are_alone() -> None:
    assert variant_groups([]).tolist() == []
    assert variant_groups([of([60], np.array([1])), Piece.from_notes([]), SONG]).tolist() == [0, 1, 2]


def plain_score(one: Piece, other: Piece) -> float:
    """The best local alignment, cell by cell."""
    rows, columns = melody_steps(one), melody_steps(other)
    table = np.zeros((len(rows.interval) + 1, len(columns.interval) + 1))
    for i in range(1, len(table)):
        for j in range(1, table.shape[1]):
            same = rows.interval[i - 1] == columns.interval[j - 1]
            rhythm = rows.ratio[i - 1] == columns.ratio[j - 1]
            step = (1 if rhythm else 0.5) if same else -1
            table[i, j] = max(0, table[i - 1, j - 1] + step, table[i - 1, j] - 1, table[i, j - 1] - 1)
    return float(table.max())


def test_scores_are_those_of_the_plain_algorithm() -> None:
    songs = [melody(seed, 10 + 3 * seed) for seed in range(12)]
    first, second = np.triu_indices(12, 1)
    found = alignment_scores([melody_steps(song) for song in songs], first, second)
    wanted = [plain_score(songs[i], songs[j]) for i, j in zip(first, second, strict=True)]
    assert found.tolist() == wanted


def test_groups_of_an_earlier_reader_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    def remembered(folder: Path, made_of: str, read: Callable[[], Iterable[Piece]]) -> list[Song]:
        keys.append(made_of)
        return []

    book = tmp_path / "book.abc"
    book.touch()
    data = prepared_corpus(tmp_path, "data=cobb", "data.related_books=true")
    assert isinstance(data, cobb.CobbCorpus)
    for module in (cobb, essen):
        monkeypatch.setattr(module, "remembered_songs", remembered)
    monkeypatch.setattr(cobb, "tunebook_files", lambda: [book])
    monkeypatch.setattr(essen, "bundled_tunebooks", lambda files: [book])
    for versions in ((1, 1), (2, 1), (2, 2)):
        for module, version in zip((cobb, tunebooks), versions, strict=True):
            monkeypatch.setitem(module.RULES, "reader_version", version)
        data._unlike(set())
    for version in (1, 2):
        monkeypatch.setitem(essen.RULES, "reader_version", version)
        essen._remembered_songs(tmp_path)
    assert len(set(keys)) == len(keys) == 5
