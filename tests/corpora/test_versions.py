"""The versions that a corpus fingerprint holds move with the code that they stand for.

``reader_version`` stands for how files become pieces, an encoding's ``version`` for how pieces become tokens.
Both are raised by hand; versions.json pins each beside a hash of the meaning of its code. After a change run

    python tests/corpora/test_versions.py

which pins anew; before that raise the version if some file or piece would now give other tokens.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etude import encodings
from etude.runs.code_hash import ROOT, meanings

PINS = Path(__file__).with_name("versions.json")

READING = ("etude.corpora.preparation", "etude.formats.", "etude.music.")
ENCODING = ("etude.encodings.", "etude.music.")


def pinned(start: str, rooms: tuple[str, ...]) -> str:
    """Hash of a module and its imports from some rooms, without settings, which the fingerprint covers."""

    def counts(module: str) -> bool:
        return module == start or (module.startswith(rooms) and not module.endswith(".settings"))

    return hashlib.sha256(json.dumps(meanings([start], counts)).encode()).hexdigest()[:12]


def reader_versions() -> Iterator[tuple[str, int]]:
    """Modules of corpora that say a ``reader_version``, and that."""
    for path in sorted((ROOT / "corpora").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "reader_version":
                        yield f"etude.corpora.{path.stem}", ast.literal_eval(value)


def encoding_versions() -> Iterator[tuple[str, int]]:
    """Modules of encodings, and their ``version``."""
    for name in encodings.__all__:
        if name.endswith("Encoding") and name not in ("Encoding", "SourceEncoding"):
            encoding = getattr(encodings, name)
            yield encoding.__module__, encoding.version


VERSIONS = dict(reader_versions()) | dict(encoding_versions())


def today(module: str) -> dict[str, Any]:
    rooms = ENCODING if module.startswith("etude.encodings.") else READING
    return {"version": VERSIONS[module], "code": pinned(module, rooms)}


@pytest.mark.parametrize("module", sorted(VERSIONS))
def test_code_and_version_move_together(module: str) -> None:
    pin, now = json.loads(PINS.read_text()).get(module), today(module)
    assert now == pin, (
        f"{module}: code {'as pinned' if pin and now['code'] == pin['code'] else 'changed'}, version "
        f"{pin and pin['version']} then, {now['version']} now. If some file or piece gives other tokens than "
        "before, raise the version. Then run python tests/corpora/test_versions.py"
    )


def test_each_pin_is_of_something() -> None:
    assert json.loads(PINS.read_text()).keys() == VERSIONS.keys()


if __name__ == "__main__":
    pins = {module: today(module) for module in VERSIONS}
    PINS.write_text(json.dumps(pins, indent=2, sort_keys=True) + "\n")
