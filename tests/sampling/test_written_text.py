"""Samples that are ABC text: kept as they were drawn, and mended beside it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from etude.encodings.characters import CharactersEncoding
from etude.formats.abc.reader import read_abc
from etude.sampling.generation import Sample, write_samples


def test_text_is_written_as_drawn_and_mended(tmp_path: Path) -> None:
    encoding, text = CharactersEncoding(), "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|[CE\n"
    decoded = encoding.decode(encoding.split(text))
    drawn = Sample(1, encoding.split(text), decoded.piece, decoded.repairs, Fraction(0))
    files = write_samples([drawn], encoding, tmp_path, ["abc", "midi"])
    assert sorted(path.name for path in files) == [
        "sample-1.abc", "sample-1.mid", "sample-1.raw.abc", "sample-1.tokens.txt",
    ]  # fmt: skip
    assert (tmp_path / "sample-1.raw.abc").read_text() == text
    assert read_abc(tmp_path / "sample-1.abc").pieces == [decoded.piece]
