"""Every corpus with every encoding that fits it: decoding a store gives back the music that was encoded."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from corpora import published
from etude.config.conf_files import conf_dir
from etude.corpora.preparation import encode_file
from etude.corpora.prepared import PreparedCorpus
from etude.encodings import CharactersEncoding
from etude.errors import EtudeError
from etude.formats.abc.writer import abc_text
from etude.formats.midi.writer import midi_bytes
from etude.formats.musicxml.writer import musicxml_bytes
from etude.music import Key, Metre, Piece
from midi_corpus import mozart_files
from prepared_corpora import in_place_of, prepared_corpus, tokens_of

Composed = Callable[[tuple[str, ...], str], PreparedCorpus]

PERFORMANCES = (
    "performance",
    "performance_oore413",
    "performance_magenta388",
    "performance_huang310",
)
MELODIES = ("grid", "note_duration", "voices", "pitch_set", *PERFORMANCES)
FITTING = {
    ("data=erk",): (*MELODIES, "characters"),
    ("data=erk", "data.source=kern"): MELODIES,
    ("data=mozart",): ("pitch_set", *PERFORMANCES),
    ("data=cobb",): ("characters", *MELODIES),
    ("data=cobb", "data.transpose=true"): MELODIES,
    ("data=kern_folder",): MELODIES,
    ("data=abc_file",): (*MELODIES, "characters"),
    ("data=midi_folder",): MELODIES,
    ("data=musicxml_folder",): MELODIES,
}
KERN = """**kern
*G:
*M3/4
4d
=1
4g
8g
8a
4r
=2
2.b
=3
2.g
==
*-
"""
TUNE = Piece.from_notes(
    [(0, 1, 67), (1, 2, 71), (4, 1, 74), (5, 3, 67)], key=Key("G"), metres=[(0, Metre(4, 4))], title="Tune"
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compositions")
    (folder / "own").mkdir()
    (folder / "own" / "song.krn").write_text(KERN)
    (folder / "own" / "tunes.abc").write_text(abc_text(TUNE))
    (folder / "own" / "tune.mid").write_bytes(midi_bytes(TUNE))
    (folder / "own" / "tune.musicxml").write_bytes(musicxml_bytes(TUNE))
    return folder


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The first tunes and the shortest files of the published corpora, so that each combination is quick."""
    folder = tmp_path_factory.mktemp("stand-ins")
    book = folder / "Music_of_Ireland.abc"
    book.write_bytes(b"X:".join(published(book.name).read_bytes().split(b"X:")[:13]))
    works = folder / "mozart_sonatas.tar.gz"
    with tarfile.open(works, "w:gz") as archive:
        for name, data in sorted(mozart_files().items(), key=lambda file: len(file[1]))[:2]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return {"cobb": in_place_of(book), "mozart": in_place_of(works)}


@pytest.fixture
def composed(request: pytest.FixtureRequest, data_dir: Path) -> Composed:
    """Compose a corpus with an encoding, in the folder that all these tests share."""

    def module(choice: tuple[str, ...], encoding: str) -> PreparedCorpus:
        corpus = choice[0].removeprefix("data=")
        more: list[str] = []
        if corpus in ("cobb", "mozart"):
            more = request.getfixturevalue("stand_ins")[corpus]
        elif "data.source=kern" in choice:
            more = [f"data.mirror={published('erk.zip').parent}"]
        elif corpus != "erk":
            more = [f"data.path={data_dir / 'own'}"]
        return prepared_corpus(data_dir, *choice, f"data/encoding={encoding}", "data.max_pieces=2", *more)

    return module


def test_every_choice_is_here() -> None:
    essen = "data=essen"  # 8,500 songs like erk's: test_essen.py has them
    assert {f"data={path.stem}" for path in (conf_dir() / "data").glob("*.yaml")} == {
        essen,
        *(choice[0] for choice in FITTING),
    }
    encodings = {path.stem for path in (conf_dir() / "data" / "encoding").glob("*.yaml")}
    # MidiTok's need an extra: tests/encodings/test_miditok.py
    assert encodings == {"miditok", *(name for names in FITTING.values() for name in names)}


@pytest.mark.parametrize(
    ("choice", "name"), [(choice, name) for choice, names in FITTING.items() for name in names], ids=str
)
def test_a_corpus_in_an_encoding_comes_back(choice: tuple[str, ...], name: str, composed: Composed) -> None:
    data = composed(choice, name)
    assert len(data.store) >= 1
    for index in range(len(data.store)):
        tokens = tokens_of(data.store, index)
        music = data.encoding.decode(tokens)
        if isinstance(data.encoding, CharactersEncoding):
            assert len(music.piece)
            assert not music.repairs
        else:
            again = data.encoding.encode(music.piece)
            assert data.encoding.decode(again).piece == music.piece
            if not name.startswith("performance"):
                assert (again, +music.repairs) == (tokens, {})


@pytest.mark.parametrize("name", ["grid", "note_duration", "voices", "performance_magenta388"])
def test_a_melody_comes_back_note_for_note(name: str, composed: Composed) -> None:
    """Through the files themselves: read, moved to C, encoded, stored, looked up, decoded."""
    in_c = TUNE.transposed(-7)
    for corpus, length in (("abc_file", 8), ("midi_folder", None), ("musicxml_folder", 8)):
        data = composed((f"data={corpus}", "data.transpose=true"), name)
        piece = data.encoding.decode(tokens_of(data.store, 0)).piece
        assert [note[:3] for note in piece.notes] == [note[:3] for note in in_c.notes]
        assert length in (None, piece.quarters)


@pytest.mark.parametrize(
    ("choice", "name", "reason"),
    [
        (("data=mozart",), "grid", "notes sound at once"),
        (("data=mozart",), "characters", "binary"),
        (("data=kern_folder",), "characters", "no tune begins in it"),
    ],
)
def test_what_does_not_fit_says_why(
    choice: tuple[str, ...], name: str, reason: str, composed: Composed
) -> None:
    with pytest.raises(EtudeError, match=reason):
        _ = composed(choice, name).store


def test_presets_have_the_sizes_of_their_names(composed: Composed) -> None:
    sizes = {"oore413": 413, "magenta388": 388, "huang310": 308}  # 308 and two special tokens
    for preset, size in sizes.items():
        data = composed(("data=midi_folder",), f"performance_{preset}")
        assert len(data.vocabulary) == size + 1


RECEIVE = """
import pickle, sys
for name, sent in zip(sys.argv[1::2], sys.argv[2::2]):
    pickle.loads(bytes.fromhex(sent))
    if slow := {"torch", "music21", "hydra", "requests"} & set(sys.modules):
        print(name, slow)
"""


def test_what_travels_to_other_processes_imports_nothing_slow(composed: Composed) -> None:
    sent = []
    for choice in FITTING:
        corpus = composed(choice, "pitch_set").corpus()
        sent += [str(choice), pickle.dumps((corpus.read, corpus.treat, encode_file)).hex()]
    done = subprocess.run([sys.executable, "-c", RECEIVE, *sent], capture_output=True, text=True, check=True)
    assert done.stdout == ""
