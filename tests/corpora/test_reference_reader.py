"""`data.reader=music21` beside our own readers: the same tokens, through whole data modules."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from corpora import published
from etude.corpora import essen_books
from etude.corpora.archives import read_archive
from etude.corpora.essen_books import bundled_tunebooks
from etude.corpora.store import Store
from etude.encodings import music21_midi
from etude.formats.abc import playback
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.kern.reader import read_kern_bytes
from etude.formats.music21_child import call
from etude.formats.music21_reader import read_tunebook_with_music21_bytes
from etude.music.piece import Piece
from midi_corpus import mozart_files
from prepared_corpora import in_place_of, prepared_corpus, tokens_of

Tokens = dict[str, list[str]]


def both(data_dir: Path, *overrides: str) -> tuple[Tokens, Tokens]:
    """Each piece's tokens by its name, once read by us and once by music21."""
    modules = [
        prepared_corpus(data_dir, *overrides, f"data.reader={reader}", "data.max_rejected=1")
        for reader in ("fast", "music21")
    ]
    assert ["music21" in repr(module.corpus().read) for module in modules] == [False, True]
    stores = [module.store for module in modules]
    assert stores[0].folder != stores[1].folder
    return tokens_by_name(stores[0]), tokens_by_name(stores[1])


def tokens_by_name(store: Store) -> Tokens:
    assert len(set(store.names)) == len(store)
    return {name: tokens_of(store, index) for index, name in enumerate(store.names)}


def test_twenty_kern_songs(tmp_path: Path) -> None:
    songs = [song for song in read_archive(published("erk.zip")) if song[0].endswith(".krn")]
    with zipfile.ZipFile(tmp_path / "erk.zip", "w") as archive:
        for name, data in songs[::85]:
            archive.writestr(name, data)
    ours, theirs = both(tmp_path / "data", "data=erk", "data.source=kern", *in_place_of(tmp_path / "erk.zip"))
    assert len(ours) == 20
    assert ours == theirs


def test_two_mozart_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def music21_asked(function: Callable[[bytes], list[str]], data: bytes) -> list[str]:
        asked.append(len(data))
        return call(function, data)

    monkeypatch.setattr(music21_midi, "call", music21_asked)
    with tarfile.open(tmp_path / "mozart_sonatas.tar.gz", "w:gz") as archive:
        for name, data in sorted(mozart_files().items(), key=lambda file: len(file[1]))[:2]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    ours, theirs = both(tmp_path / "data", "data=mozart", *in_place_of(tmp_path / "mozart_sonatas.tar.gz"))
    assert sum(map(len, ours.values())) > 1000
    assert asked  # the second file may be read in another process
    assert ours == theirs


@pytest.fixture
def every_60th(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tunes = [tune for book in bundled_tunebooks() for tune in re.split(r"(?m)^(?=X:)", book.read_text())[1:]]
    book = tmp_path / "erk.abc"
    book.write_text("".join(re.sub(r"^X:.*", f"X:{n}", tune) for n, tune in enumerate(tunes[::60])))
    monkeypatch.setattr(essen_books, "bundled_tunebooks", lambda names: [book])
    return tmp_path / "data"


def test_bundled_tunes_differ_in_their_repeats_alone(every_60th: Path) -> None:
    """music21 gives the notes as they are written; we write the repeats out, as they are sung."""
    ours, theirs = both(every_60th, "data=erk")
    book = (every_60th.parent / "erk.abc").read_text()
    repeated = {
        f"erk.abc X:{n}"
        for n, tune in enumerate(re.split(r"(?m)^X:", book)[1:])
        if re.search(r":\||\|:|::", tune)
    }
    assert len(ours) >= 25
    assert {name for name in ours if ours[name] != theirs[name]} <= repeated
    assert len(ours.keys() - repeated) > 10


def test_bundled_tunes_as_written(every_60th: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "played", lambda events, metre, tempo: events)
    ours, theirs = both(every_60th, "data=erk")
    assert ours == theirs


@pytest.mark.parametrize(
    ("book", "tune", "song"),
    [
        ("erk10.abc", "280", "deut0833"),  # a tie carries an accidental over the bar line
        ("erk30.abc", "531", "deut2061"),  # the same
        ("erk10.abc", "657", "deut1199"),  # an accidental reaches the other octave
    ],
)
def test_kern_agrees_with_us_where_music21_does_not(book: str, tune: str, song: str) -> None:
    """In 1,778 of the 1,781 tunes music21 reads the notes that we read; here are the other three."""
    [path] = bundled_tunebooks([book])
    text = re.split(r"(?m)^(?=X:)", path.read_text())[int(tune)].encode()
    kern = next(data for name, data in read_archive(published("erk.zip")) if name == f"erk/{song}.krn")
    [ours] = read_abc_bytes(text, book).pieces
    [theirs] = read_tunebook_with_music21_bytes(text, book).pieces
    [edition] = read_kern_bytes(kern, song).pieces
    assert ours.name == f"{book} X:{tune}"
    assert _onsets_and_pitches(ours) == _onsets_and_pitches(edition) != _onsets_and_pitches(theirs)


def _onsets_and_pitches(piece: Piece) -> list[tuple[float, int]]:
    return list(zip((piece.onset / piece.division).tolist(), piece.pitch.tolist(), strict=True))


def test_cobb_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "played", lambda events, metre, tempo: events)
    text = published("Music_of_Ireland.abc").read_bytes().decode()
    tunes = re.split(r"(?m)^(?=X:)", text)[1::50]
    book = tmp_path / "Music_of_Ireland.abc"
    book.write_bytes("".join(re.sub(r"^X:\d+", f"X:{n}", tune) for n, tune in enumerate(tunes)).encode())
    ours, theirs = both(tmp_path / "data", "data=cobb", "data/encoding=note_duration", *in_place_of(book))
    assert len(ours) > 10
    assert ours == theirs
