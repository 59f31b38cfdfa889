"""The versions that a corpus fingerprint holds move with the code that they stand for.

``reader_version`` and the like stand for how files become pieces, an encoding's ``version`` for how pieces
become tokens. All are raised by hand; versions.json pins them beside a hash of the meaning of their code.
After a change run

    PYTHONPATH=tests python tests/corpora/test_versions.py

which pins anew; before that raise the version if some file or piece would now give other tokens.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from etude import encodings
from etude.corpora.preparation import encode_file
from etude.encodings.miditok import MidiTokEncoding
from etude.runs.code_hash import ROOT, meanings
from midi_bytes import midi, notes, track
from prepared_corpora import prepared_corpus

PINS = Path(__file__).with_name("versions.json")

READING = (
    "etude.corpora.archives",
    "etude.corpora.essen_books",
    "etude.corpora.preparation",
    "etude.corpora.splits",  # the hash of a tune
    "etude.corpora.treatment",
    "etude.encodings.fitting",
    "etude.formats.",
    "etude.music.",
)
ENCODING = ("etude.encodings.", "etude.formats.", "etude.music.")


def files_of(module: str) -> dict[str, str]:
    """Hashes of a module's file and of its imports from some rooms.

    Not of settings, which the fingerprint covers.
    """
    rooms = ENCODING if module.startswith("etude.encodings.") else READING
    return meanings(
        [module],
        lambda name: name == module or (name.startswith(rooms) and not name.endswith(".settings")),
    )


def versions_in(path: Path) -> Iterator[tuple[str, int]]:
    """Names and values of the numbers that a file calls a version."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        pairs: list[tuple[Any, Any]] = []
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Assign):
            pairs = [(getattr(each, "slice", each), node.value) for each in node.targets]
        for key, value in pairs:
            name = str(getattr(key, "value", getattr(key, "id", "")))
            named = name.lower().endswith("version") or name == "infer_key"
            if named and isinstance(value, ast.Constant) and type(value.value) is int:
                yield name, value.value


def versions() -> Iterator[tuple[str, dict[str, int]]]:
    """Modules of corpora and of encodings, and their versions."""
    for path in sorted((ROOT / "corpora").glob("*.py")):
        if found := dict(versions_in(path)):
            yield f"etude.corpora.{path.stem}", found
    named = [getattr(encodings, name) for name in encodings.__all__]
    for encoding in (*named, MidiTokEncoding):
        if isinstance(getattr(encoding, "version", None), int):
            yield encoding.__module__, {"version": encoding.version}


VERSIONS = dict(versions())


def today(module: str) -> dict[str, Any]:
    code = hashlib.sha256(json.dumps(files_of(module)).encode()).hexdigest()[:12]
    return {"versions": VERSIONS[module], "code": code}


@pytest.mark.parametrize("module", sorted(VERSIONS))
def test_code_and_version_move_together(module: str) -> None:
    pin, now = json.loads(PINS.read_text()).get(module), today(module)
    assert now == pin, (
        f"{module}: code {'as pinned' if pin and now['code'] == pin['code'] else 'changed'}, versions "
        f"{pin and pin['versions']} then, {now['versions']} now. If some file or piece gives other tokens "
        "than before, raise the version. Then run PYTHONPATH=tests python tests/corpora/test_versions.py"
    )


def test_each_pin_is_of_something() -> None:
    assert json.loads(PINS.read_text()).keys() == VERSIONS.keys()


PERFORMED = midi(track(notes((3, 470, 60), (490, 950, 62), (960, 1440, 64), (960, 1440, 67))))
MELODY = ("data.melody=highest", "data.quantise=nearest", "data.transpose=true", "data.infer_key=true")


@pytest.mark.parametrize("words", [("data=erk", "data.source=bundled"), ("data=midi_folder", *MELODY)])
def test_all_that_makes_tokens_of_a_file_is_pinned(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "played.mid").write_bytes(PERFORMED)
    path = [f"data.path={tmp_path}", "data/encoding=grid"] if "data=midi_folder" in words else []
    data = prepared_corpus(tmp_path / "data", *words, *path)
    ran: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        ran.add(frame.f_code.co_filename)

    corpus = data.corpus()
    sys.setprofile(note)
    try:
        file = next(iter(corpus.files()))
        found = encode_file(file, corpus=corpus, encoding=data.encoding)
    finally:
        sys.setprofile(None)
    assert found
    ours = {Path(name).relative_to(ROOT).as_posix() for name in ran if Path(name).is_relative_to(ROOT)}
    pinned = {*files_of(type(data).__module__), *files_of(type(data.encoding).__module__)}
    assert ours - pinned == set()


if __name__ == "__main__":
    pins = {module: today(module) for module in VERSIONS}
    PINS.write_text(json.dumps(pins, indent=2, sort_keys=True) + "\n")
