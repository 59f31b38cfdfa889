"""A preparation that is interrupted continues after its last mark, and ends with the same bytes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from etude.corpora import store_writer
from etude.corpora.preparation import Corpus, RawFile, prepare
from etude.corpora.store import EncodedPiece, Store
from etude.corpora.store_writer import MARK, StoreWriter
from etude.encodings import GridEncoding
from etude.errors import ReadError
from etude.formats.base import ReadResult
from etude.music import Piece

FILES = 6
FORMS = [{}, {"section_tokens": 2}, {"max_pieces": 7}, {"one_text": True}]


class Reader:
    """Gives each file two pieces, a chord and an error; is interrupted at one file."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.interrupted_at: int | None = None

    def __call__(self, data: bytes, name: str) -> ReadResult:
        number = int(data)
        if number == self.interrupted_at:
            raise KeyboardInterrupt
        self.read.append(name)
        melody = [Piece.from_notes([(0, 1, 60 + number), (1, 1, 40)], name=f"{name} {n}") for n in range(2)]
        chord = Piece.from_notes([(0, 1, 60), (0, 1, 64)], name=f"{name} chord")
        return ReadResult([melody[0], chord, melody[1]], [ReadError("no notes", path=name)])


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(store_writer, "MARK_SECONDS", 0.0)
    return Reader()


def corpus(reader: Reader, **form: object) -> Corpus:
    def files() -> Iterator[RawFile]:
        return (RawFile(f"{number}.krn", str(number).encode()) for number in range(FILES))

    return replace(Corpus("toy", files, "sha", reader, {}), **form)  # type: ignore[arg-type]


def prepared(folder: Path, reader: Reader, **form: object) -> Store:
    return prepare(corpus(reader, **form), GridEncoding(), folder, max_rejected=1.0)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def partial(folder: Path) -> Path:
    [found] = folder.glob(".making-*")
    return found


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_an_interrupted_preparation_ends_like_an_undisturbed_one(
    form: dict[str, object], reader: Reader, tmp_path: Path
) -> None:
    whole = prepared(tmp_path / "whole", reader, **form)
    needed = list(reader.read)
    for stop in range(len(needed)):
        folder = tmp_path / f"{stop}"
        reader.read, reader.interrupted_at = [], stop
        with pytest.raises(KeyboardInterrupt):
            prepared(folder, reader, **form)
        reader.interrupted_at = None
        assert content(prepared(folder, reader, **form).folder) == content(whole.folder)
        assert not list(folder.glob(".making-*"))
        again = needed[:stop] if form.get("one_text") else []  # which joins all, so it has no marks
        assert reader.read == [*needed[:stop], *again, *needed[stop:]]


def test_it_may_be_interrupted_again_and_again(
    reader: Reader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = prepared(tmp_path / "whole", reader)
    for stop in (1, 1, 4):
        reader.interrupted_at = stop
        with pytest.raises(KeyboardInterrupt):
            prepared(tmp_path / "again", reader)
        for name in store_writer.APPENDED:
            with (partial(tmp_path / "again") / name).open("ab") as file:
                file.write(1000 * b"what a killed writer wrote after its mark")
        (partial(tmp_path / "again") / "ids.npy").write_bytes(b"half")
        (partial(tmp_path / "again") / f".{'a' * 32}.tmp").write_bytes(b"half")
    reader.interrupted_at = None
    assert content(prepared(tmp_path / "again", reader).folder) == content(whole.folder)
    assert "interrupted after 4 files" in caplog.text


@pytest.mark.parametrize("name", [*store_writer.APPENDED, MARK])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_part_is_read_again(name: str, damage: str, reader: Reader, tmp_path: Path) -> None:
    whole = prepared(tmp_path / "whole", reader)
    reader.interrupted_at = 3
    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path / "again", reader)
    path = partial(tmp_path / "again") / name
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "truncated" else bytes([data[0] ^ 1]) + data[1:])
    reader.read, reader.interrupted_at = [], None
    assert content(prepared(tmp_path / "again", reader).folder) == content(whole.folder)
    assert len(reader.read) == FILES


def write_and_fail(folder: Path, fingerprint: str, error: BaseException) -> None:
    """Write and mark one file of a store that has no part yet, then fail."""
    with StoreWriter(folder, {"fingerprint": fingerprint}) as writer:
        assert writer.tally.files == 0
        writer.add(EncodedPiece("piece", 1, ["60"]))
        writer.mark(1, 1)
        raise error


@pytest.mark.usefixtures("reader")
def test_the_part_of_another_corpus_is_not_continued(tmp_path: Path) -> None:
    for fingerprint in ("one", "other"):
        with pytest.raises(KeyboardInterrupt):
            write_and_fail(tmp_path / "toy", fingerprint, KeyboardInterrupt())


@pytest.mark.usefixtures("reader")
def test_an_error_that_would_come_again_leaves_no_part_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk"):
        write_and_fail(tmp_path / "toy", "f", OSError("the disk is full"))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("reader")
def test_every_changed_byte_of_a_mark_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path / "toy", "f", KeyboardInterrupt())
    folder = partial(tmp_path)
    marked = store_writer._marked(folder, "f")
    assert marked is not None
    data = (folder / MARK).read_bytes()
    for place in range(len(data)):
        (folder / MARK).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert store_writer._marked(folder, "f") in (None, marked), place  # marked: white space alone
