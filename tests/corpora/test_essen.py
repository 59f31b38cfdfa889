"""The Essen corpus: its books, its groups of variants, and the erk split inside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpora import published
from etude.corpora import essen, variants
from etude.corpora.essen import EssenCorpus, deciding_tunes
from etude.corpora.shuffle import uniform
from etude.corpora.splits import tune_hash
from etude.corpora.variants import Song
from etude.errors import EtudeError
from etude.music import Piece
from prepared_corpora import prepared_corpus, tokens_of


def opened(data_dir: Path, *overrides: str) -> EssenCorpus:
    data = prepared_corpus(data_dir, "data=essen", *overrides)
    assert isinstance(data, EssenCorpus)
    return data


@pytest.fixture(scope="module")
def whole(data_dir: Path) -> EssenCorpus:
    return opened(data_dir)


def test_all_books_are_read(whole: EssenCorpus) -> None:
    assert (len(whole.store), whole.store.num_rejected, len(whole.vocabulary)) == (8371, 143, 43)
    assert len(whole.songs) == 8504
    assert set(whole.store.names) < set(whole.songs)


def test_no_group_is_in_two_sets(whole: EssenCorpus) -> None:
    groups = [{whole.songs[whole.store.names[index]].group for index in one.pieces} for one in whole.split]
    assert not (groups[0] & groups[1])
    assert not (groups[0] & groups[2])
    assert not (groups[1] & groups[2])
    sizes = np.bincount([song.group for song in whole.songs.values()])
    assert (int((sizes > 1).sum()), int(sizes[sizes > 1].sum()), int(sizes.max())) == (1004, 2759, 61)


def test_songs_of_one_title_are_often_found_as_variants(whole: EssenCorpus) -> None:
    for one, other in (("altdeu10.abc X:34", "ballad10.abc X:99"), ("erk10.abc X:288", "erk10.abc X:289")):
        assert whole.songs[one].group == whole.songs[other].group


def test_the_songs_that_erk_tests_are_tested(whole: EssenCorpus, data_dir: Path) -> None:
    kern = prepared_corpus(
        data_dir, "data=erk", "data.source=kern", f"data.mirror={published('erk.zip').parent}"
    )
    tune_of = {name: song.tune for name, song in whole.songs.items() if name.startswith("erk")}
    tested = {tune_of[whole.store.names[index]] for index in whole.test_parts()["erk songs"].pieces}
    missing = [
        kern.store.names[index] for index in kern.split.test.pieces if kern.store.tunes[index] not in tested
    ]
    assert (len(kern.split.test.pieces), missing) == (182, [])
    trained = {whole.songs[whole.store.names[index]].tune for index in whole.split.train.pieces}
    assert trained.isdisjoint(kern.store.tunes[kern.split.test.pieces].tolist())
    # the same notes, but for three songs: two of another edition, one with another mode
    texts = {tuple(tokens_of(whole.store, index)) for index in whole.split.test.pieces}
    assert sum(tuple(tokens_of(kern.store, index)) not in texts for index in kern.split.test.pieces) == 3


def test_songs_without_variants_have_none(whole: EssenCorpus) -> None:
    parts = whole.test_parts()
    assert {name: len(part.pieces) for name, part in parts.items()} == {
        "songs without variants": 540, "erk songs": 195, "erk songs without variants": 113,
    }  # fmt: skip
    groups = [song.group for song in whole.songs.values()]
    for index in parts["songs without variants"].pieces:
        assert groups.count(whole.songs[whole.store.names[index]].group) == 1


def test_without_groups_only_copies_stay_together(data_dir: Path) -> None:
    data = opened(data_dir, "data.group_variants=false")
    names = data.store.names
    assert data.tunes.tolist() == [data.songs[name].tune for name in names]
    trained, tested = (
        {data.songs[names[i]].group for i in one.pieces} for one in (data.split[0], data.split[2])
    )
    assert trained & tested


def test_a_few_books_have_the_songs_and_sets_of_all(whole: EssenCorpus, data_dir: Path) -> None:
    few = opened(data_dir, "data.collections=[zuccal0,fink0]")
    assert {name.split()[0] for name in few.store.names} == {"zuccal0.abc", "fink0.abc"}
    sets = {whole.store.names[index]: one for one, part in enumerate(whole.split) for index in part.pieces}
    assert all(
        sets[few.store.names[index]] == one for one, part in enumerate(few.split) for index in part.pieces
    )
    assert "erk songs" not in few.test_parts()


def test_unknown_and_no_collections_are_named(data_dir: Path) -> None:
    with pytest.raises(
        EtudeError, match=r"data.collections: there is no erk40; the collections are altdeu10, "
    ):
        opened(data_dir, "data.collections=[erk10,erk40]")
    with pytest.raises(EtudeError, match="choose at least one"):
        opened(data_dir, "data.collections=[]")


def test_groups_come_from_the_cache_and_a_damaged_one_is_made_again(
    whole: EssenCorpus, data_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def one_group(pieces: list[Piece]) -> np.ndarray:
        return np.zeros(len(pieces), dtype=np.int64)

    monkeypatch.setattr(variants, "variant_groups", one_group)
    assert opened(data_dir).songs == whole.songs
    monkeypatch.setattr(essen, "COLLECTIONS", ("fink0",))  # soon read
    few = opened(tmp_path).songs
    [memory] = (tmp_path / "store").glob(".variants-*.json")
    for damaged in ("[[1]]", "[" * 100_000, '{"name": ["a"], "title": ["b"], "tune": [1], "group": []}'):
        memory.write_text(damaged)
        assert opened(tmp_path).songs == few
    assert {song.group for song in few.values()} == {0}


def test_the_last_erk_song_decides_for_its_group() -> None:
    tunes = list(range(1, 200))
    position = dict(zip(tunes, uniform(np.array(tunes), 0).tolist(), strict=True))
    low, middle, high = sorted(tunes[:3], key=position.__getitem__)
    erk = {
        "erk10.abc X:1": Song("", "", low, 0),
        "erk5.abc X:1": Song("", "", middle, 0),
        "fink0.abc X:1": Song("", "", high, 0),
    }
    assert deciding_tunes(erk, 0) == {0: middle}
    assert deciding_tunes({"lot.abc X:1": Song("", "", 9, 1), "lux.abc X:1": Song("", "", 5, 1)}, 0) == {1: 5}


def test_the_hashes_of_the_kern_edition_are_those_of_its_files(data_dir: Path) -> None:
    mirror = f"data.mirror={published('erk.zip').parent}"
    kern = prepared_corpus(data_dir, "data=erk", "data.source=kern", mirror)
    assert set(essen.KERN_TUNES.values()) < set(kern.store.tunes.tolist())
    bundled = prepared_corpus(data_dir, "data=erk")
    both = set(bundled.store.tunes.tolist()) | set(essen.KERN_TUNES.values())
    assert set(kern.store.tunes.tolist()) <= both
    assert tune_hash(Piece.from_notes([])) not in both
