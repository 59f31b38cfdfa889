"""Samples that are ABC text: kept as they were generated; the tune that the other files play beside it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from etude.encodings.characters import CharactersEncoding
from etude.evaluation.samples_file import write_samples
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.midi.reader import read_midi_bytes
from etude.sampling.samples import Sample

TUNE = "X:1\nT:one\nM:4/4\nL:1/4\nK:C\n|:CDEF:|\n"
BROKEN = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|[CE\n"


def written(text: str, folder: Path) -> dict[str, bytes]:
    encoding = CharactersEncoding()
    decoded = encoding.decode(encoding.split(text))
    sample = Sample(1, encoding.split(text), decoded.piece, decoded.repairs, Fraction(0))
    files = write_samples([sample], encoding, folder, ["abc", "midi"])
    assert sorted(files) == sorted(folder.iterdir())
    return {path.name.removeprefix("sample-1"): path.read_bytes() for path in files}


@pytest.mark.parametrize("text", [TUNE, f"{BROKEN}\n{TUNE}", f"{TUNE}\n{BROKEN}", f"M:3/4\n\n{TUNE}"])
def test_text_is_kept_and_abc_and_midi_play_the_same_tune(text: str, tmp_path: Path) -> None:
    files = written(text, tmp_path)
    assert files[".raw.abc"] == text.encode()
    assert b"|:CDEF:|" in files[".abc"]
    [tune] = read_abc_bytes(files[".abc"], "a.abc").pieces
    assert read_midi_bytes(files[".mid"], "a.mid").pieces[0].pitch.tolist() == tune.pitch.tolist()
    assert tune.title == "one"


@pytest.mark.parametrize(
    ("music", "is_stated"),
    [("^FDfD|", True), ("^fDFD|", True), ("^FDFd|", False), ("^Fd|f2|", False), ("^F=f|", False)],
)
def test_the_reach_of_accidentals_is_stated_where_programs_differ(
    music: str, is_stated: bool, tmp_path: Path
) -> None:
    text = f"X:1\nM:4/4\nL:1/4\nK:C\n{music}\n"
    files = written(text, tmp_path)
    assert (b"\nI:propagate-accidentals pitch\nK:C\n" in files[".abc"]) == is_stated
    assert files[".raw.abc"] == text.encode()
    [tune] = read_abc_bytes(files[".abc"], "a.abc").pieces
    assert read_midi_bytes(files[".mid"], "a.mid").pieces[0].pitch.tolist() == tune.pitch.tolist()


def test_a_rule_that_the_network_wrote_stays(tmp_path: Path) -> None:
    text = "X:1\nI:propagate-accidentals octave\nM:4/4\nL:1/4\nK:C\n^FDfD|\n"
    assert written(text, tmp_path)[".abc"] == text.encode()


def test_text_that_cannot_be_read_is_kept_alone(tmp_path: Path) -> None:
    files = written(BROKEN, tmp_path)
    assert files[".raw.abc"] == BROKEN.encode()
    assert ".abc" not in files
