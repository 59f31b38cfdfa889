"""The store: pieces come back unchanged; damage is noticed; many processes make it once."""

import json
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.corpora.preparation import Corpus, RawFile, prepare
from etude.corpora.store import (
    EncodedPiece,
    StoreDamagedError,
    manifest_sha256,
    open_store,
)
from etude.encodings import GridEncoding
from etude.encodings.vocabulary import TERMINATOR, Vocabulary
from etude.errors import EtudeError, ReadError
from etude.formats.base import ReadResult
from etude.music import Piece
from prepared_corpora import write_store


@given(
    pieces=st.lists(st.lists(st.text(min_size=1, max_size=3), min_size=1), min_size=1, max_size=8),
    at_a_time=st.sampled_from([1, 2, 5, 7, 2**20]),
)
@settings(max_examples=40)
def test_what_goes_in_comes_out(
    pieces: list[list[str]], at_a_time: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("store") / "corpus"
    encoded = [EncodedPiece(str(index), index, tokens) for index, tokens in enumerate(pieces)]
    with pytest.MonkeyPatch.context() as patch:  # ids of a large corpus are written in parts
        patch.setattr("etude.corpora.store_writer.REMAPPED_AT_A_TIME", at_a_time)
        write_store(folder, encoded, {"fingerprint": "f"})
    store = open_store(folder)
    assert len(store) == len(pieces)
    assert store.num_tokens == sum(map(len, pieces))
    assert store.vocabulary == Vocabulary.of(token for piece in pieces for token in piece)
    for index, tokens in enumerate(pieces):
        assert store.vocabulary.look_up(store.piece(index)) == tokens
    assert (store.ids[store.offsets] == store.vocabulary.terminator).all()


@given(tokens=st.lists(st.text(max_size=3), max_size=300))
def test_a_piece_keeps_its_tokens_on_the_way_between_processes(tokens: list[str]) -> None:
    piece = pickle.loads(pickle.dumps(EncodedPiece("one", 7, tokens)))
    assert (piece.name, piece.tune, list(piece.tokens)) == ("one", 7, tokens)
    assert len(piece.tokens) == len(tokens)
    assert piece.tokens[1:] == tokens[1:]
    assert [piece.tokens[index] for index in range(len(tokens))] == tokens
    assert list(pickle.loads(pickle.dumps(piece)).tokens) == tokens


def test_a_store_is_the_same_whichever_way_its_pieces_came(tmp_path: Path) -> None:
    pieces = [EncodedPiece(str(n), n, [f"{(k * n) % 300}" for k in range(1, 400)]) for n in range(9)]
    for name, taken in (("here", pieces), ("there", pickle.loads(pickle.dumps(pieces)))):
        write_store(tmp_path / name, taken, {"fingerprint": "f"})
    content = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("here", "there")
    ]
    assert content[0] == content[1]


def test_the_vocabulary_is_the_terminator_then_sorted_strings() -> None:
    assert Vocabulary.of(["r", "_", "9", "60", "9"]).tokens == (TERMINATOR, "60", "9", "_", "r")


def test_unknown_tokens_are_named_with_the_nearest_known_ones() -> None:
    vocabulary = Vocabulary.of(["60", "62", "64", "_", "r"])
    with pytest.raises(EtudeError, match=r"unknown token '61'; the nearest known ones are 60 62 64"):
        vocabulary.ids(["60", "61"])


@pytest.fixture
def small_store(tmp_path: Path) -> Path:
    folder = tmp_path / "store" / "small"
    write_store(folder, [EncodedPiece("one", 1, ["60", "_", "r"])], {"fingerprint": "f"})
    return folder


@pytest.mark.parametrize(
    "name", ["ids.npy", "offsets.npy", "tunes.npy", "names.txt", "rejected.json", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_any_damage_to_any_file_is_noticed(small_store: Path, name: str, damage: str) -> None:
    path = small_store / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-2])
    else:
        path.write_bytes(content[:-3] + bytes([content[-3] ^ 0x5A]) + content[-2:])
    with pytest.raises(StoreDamagedError):
        open_store(small_store)


def read_counted(data: bytes, name: str) -> ReadResult:
    """A reader that leaves a mark, where its content says, each time it is called."""
    with Path(data.decode()).open("a") as marks:
        marks.write("x")
    piece = Piece.from_notes([(0, 1, 60)], name="good")
    triplet = Piece.from_notes([(0, 1, 60), (1, 1, 60)], name="chord", length=3)
    chord = Piece.from_notes([(0, 1, 60), (0, 1, 64)], name="chord")
    return ReadResult([piece, triplet, chord], [ReadError("no notes", path="bad.krn", place="line 3")])


def corpus_in(folder: Path) -> Corpus:
    raw = folder / "raw"
    if not raw.exists():
        raw.mkdir()
        (raw / "tunes").write_text(str(raw / "times-read"))
    return Corpus("toy", lambda: [RawFile("tunes", raw / "tunes")], "sha", read_counted, {})


def prepare_toy(folder: Path) -> None:
    prepare(corpus_in(folder), GridEncoding(), folder / "store", max_rejected=1.0)


def test_processes_that_start_at_once_read_the_corpus_once(tmp_path: Path) -> None:
    corpus_in(tmp_path)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=prepare_toy, args=(tmp_path,)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert (tmp_path / "raw" / "times-read").read_text() == "x"


def test_a_damaged_store_is_made_again_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = prepare(corpus_in(tmp_path), GridEncoding(), tmp_path / "store", max_rejected=1.0)
    (store.folder / "ids.npy").write_bytes(b"")
    again = prepare(corpus_in(tmp_path), GridEncoding(), tmp_path / "store", max_rejected=1.0)
    assert "is damaged" in caplog.text
    assert np.array_equal(again.piece(0), [1, 2, 2, 2])


def test_what_a_killed_process_left_is_removed_and_no_other_store_touched(tmp_path: Path) -> None:
    leftover, other = tmp_path / ".making-toy", tmp_path / ".making-toy-2"
    for folder in (leftover, other):
        folder.mkdir()
        (folder / "provisional").write_bytes(b"half a")
    write_store(tmp_path / "toy", [EncodedPiece("one", 1, ["60"])], {"fingerprint": "f"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".making-toy-2", "toy"]
    assert sorted(path.name for path in (tmp_path / "toy").iterdir()) == [
        "ids.npy", "manifest.json", "names.txt", "offsets.npy", "rejected.json", "tunes.npy",
    ]  # fmt: skip


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def pieces() -> Iterator[EncodedPiece]:
        yield EncodedPiece("one", 1, ["60"])
        raise EtudeError("no more")

    with pytest.raises(EtudeError):
        write_store(tmp_path / "toy", pieces(), {"fingerprint": "f"})
    assert not list(tmp_path.iterdir())


def test_rejected_pieces_are_listed_with_place_and_reason(tmp_path: Path) -> None:
    store = prepare(corpus_in(tmp_path), GridEncoding(), tmp_path / "store", max_rejected=1.0)
    manifest = json.loads((store.folder / "manifest.json").read_text())
    assert store.rejected == (("bad.krn", "line 3", "no notes"), ("chord", "", "notes sound at once"))
    assert manifest["reasons"] == {"no notes": 1, "notes sound at once": 1}
    assert store.names == ("good", "chord")
    assert manifest["counts"] == {"pieces": 2, "tokens": 16, "vocabulary": 4, "rejected": 2}


def test_too_many_rejections_stop_with_the_commonest_reason(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"2 of 4 pieces were rejected.*max_rejected=0.2"):
        prepare(corpus_in(tmp_path), GridEncoding(), tmp_path / "store", max_rejected=0.2)


def test_another_encoding_makes_another_store(tmp_path: Path) -> None:
    first = prepare(corpus_in(tmp_path), GridEncoding("1/16"), tmp_path / "store", max_rejected=1.0)
    second = prepare(corpus_in(tmp_path), GridEncoding("1/4"), tmp_path / "store", max_rejected=1.0)
    assert first.folder != second.folder
    assert open_store(first.folder).num_tokens == 16
    assert second.num_tokens == 4


@given(sections=st.integers(1, 9))
@settings(max_examples=9, deadline=None)
def test_sections_are_cut_and_joined_without_loss(
    sections: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sections")
    corpus = corpus_in(folder)
    whole = prepare(corpus, GridEncoding(), folder / "store", max_rejected=1.0)
    tokens = [whole.vocabulary.look_up(whole.piece(index)) for index in range(len(whole))]
    cut = prepare(
        replace(corpus, section_tokens=sections), GridEncoding(), folder / "store", max_rejected=1.0
    )
    parts = [cut.vocabulary.look_up(cut.piece(index)) for index in range(len(cut))]
    assert all(len(part) <= sections for part in parts)
    assert list(chain(*parts)) == list(chain(*tokens))
    joined = prepare(replace(corpus, one_text=True), GridEncoding(), folder / "store", max_rejected=1.0)
    assert joined.vocabulary.look_up(joined.piece(0)) == list(chain(*tokens))
    first = prepare(replace(corpus, max_pieces=1), GridEncoding(), folder / "store", max_rejected=1.0)
    assert len(first) == 1


def test_every_changed_byte_of_a_manifest_is_noticed(small_store: Path) -> None:
    path = small_store / "manifest.json"
    whole = path.read_bytes()
    told = json.loads(whole)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            used = open_store(small_store)
        except StoreDamagedError:
            continue
        assert json.loads(path.read_bytes()) == told, place  # white space alone
        assert used.vocabulary.tokens == (TERMINATOR, "60", "_", "r")


def test_files_of_another_count_than_the_manifest_says_are_damage(small_store: Path) -> None:
    path = small_store / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["counts"]["pieces"] += 1
    manifest["sha256"] = manifest_sha256(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(StoreDamagedError, match="differ from its manifest"):
        open_store(small_store)


def test_a_large_file_is_read_ahead_whole_if_memory_has_room_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path / "corpus", [EncodedPiece("one", 0, ["a", "b"] * 500)], {"fingerprint": "f"})
    store = open_store(tmp_path / "corpus")
    size = (tmp_path / "corpus" / "ids.npy").stat().st_size
    read: list[int] = []
    monkeypatch.setattr("etude.corpora.store.READ_BYTES", 300)
    monkeypatch.setattr("etude.corpora.store.Path.open", counting(read))
    assert store.read_ahead() is None  # it is small
    monkeypatch.setattr("etude.corpora.store.SMALL_BYTES", 100)
    thread = store.read_ahead()
    assert thread is not None
    thread.join()
    assert sum(read) == size
    monkeypatch.setattr("etude.corpora.store.memory_bytes", lambda: size)
    assert store.read_ahead() is None  # memory has no room for it


def counting(read: list[int]) -> Callable[..., BinaryIO]:
    """Return an open of files that notes how many bytes each read gives."""

    class Counting(FileIO):
        def readinto(self, buffer: Any) -> int | None:
            given = super().readinto(buffer)
            read.append(given or 0)
            return given

    return lambda path, *_, **__: Counting(path)
