"""Advice on rejected pieces: what to type when one reason rejects most of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from etude.corpora.cures import cure
from etude.errors import EtudeError
from midi_bytes import midi, notes, track
from prepared_corpora import prepared_corpus

PLAYED = midi(track(notes((55, 430, 60), (530, 900, 62), (930, 1400, 64))))
THIRTY_SECONDS = midi(track(notes((0, 60, 60), (60, 120, 62), (120, 180, 64), (180, 240, 65))))
CHORD = midi(track(notes((0, 480, 60), (0, 480, 64))))
QUARTERS = midi(track(notes((0, 480, 60), (480, 960, 62))))


def corpus(folder: Path, *files: bytes, max_rejected: float = 1.0):
    music = folder / "music"
    music.mkdir()
    for number, data in enumerate((*files, QUARTERS)):
        (music / f"{number}.mid").write_bytes(data)
    settings = ("data=midi_folder", f"data.path={music}", "data/encoding=grid")
    return prepared_corpus(folder, *settings, f"data.max_rejected={max_rejected}")


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        ((PLAYED, PLAYED), "data.quantise=nearest takes 2 of the rejected pieces"),
        ((THIRTY_SECONDS,), "data.encoding.step=1/32 takes the rejected piece"),
        (
            (CHORD,),
            "1 piece has several notes at once: choose a part with data.track=…, or data.melody=highest",
        ),
        ((CHORD, PLAYED), ""),  # no reason rejects most
        ((), ""),
    ],
)
def test_the_commonest_reason_has_a_cure(files: tuple[bytes, ...], advice: str, tmp_path: Path) -> None:
    assert cure(corpus(tmp_path, *files).store) == advice


def test_too_many_rejections_come_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"rejected\.json\. data\.quantise=nearest takes 2 of"):
        _ = corpus(tmp_path, PLAYED, PLAYED, max_rejected=0.5).store


def test_two_tunes_are_too_few_for_three_sets(tmp_path: Path) -> None:
    other = midi(track(notes((0, 480, 72))))
    with pytest.raises(EtudeError, match=r"2 different tunes are too few .*data\.split=by_window"):
        _ = corpus(tmp_path, other).split
