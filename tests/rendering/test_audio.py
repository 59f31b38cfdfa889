"""Sound: the right pitch at the right time, loud enough, without clicks, the same bytes each time."""

from __future__ import annotations

import importlib.util
import io
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from etude.errors import EtudeError
from etude.music import Note, Piece
from etude.music.timing import seconds_at
from etude.rendering import audio
from etude.rendering.audio import (
    FADE_SECONDS,
    RELEASE_SECONDS,
    SAMPLE_RATE,
    sound_bytes,
    wav_bytes,
)
from etude.rendering.forms import write_forms

Sound = npt.NDArray[np.float64]


def sound(data: bytes) -> Sound:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (SAMPLE_RATE, 2, 1)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def fundamental(samples: Sound) -> float:
    """The fundamental, by the harmonic product spectrum: a piano's second partial may be the louder."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    reach = len(spectrum) // 3
    peak = int((spectrum[:reach] * spectrum[: 2 * reach : 2] * spectrum[: 3 * reach : 3]).argmax())
    left, middle, right = np.log(spectrum[peak - 1 : peak + 2])
    offset = 0.5 * (left - right) / (left - 2 * middle + right)  # the top of the parabola through three bins
    return float((peak + offset) * SAMPLE_RATE / len(samples))


def between(samples: Sound, start: float, end: float) -> Sound:
    return samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


@pytest.mark.parametrize(("pitch", "frequency"), [(69, 440.0), (60, 261.63), (81, 880.0)])
def test_pitches(pitch: int, frequency: float) -> None:
    samples = sound(wav_bytes(Piece.from_notes([(0, 2, pitch)])))
    cents = 1200 * np.log2(fundamental(between(samples, 0.1, 0.9)) / frequency)
    assert abs(cents) < 10


def test_peak_length_and_end() -> None:
    piece = Piece.from_notes([(0, 1, 69), (1, 3, 60), (1, 3, 64)], tempos=[(0, 100.0)])
    samples = sound(wav_bytes(piece))
    assert np.abs(samples).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4)
    assert len(samples) / SAMPLE_RATE == pytest.approx(4 * 0.6 + RELEASE_SECONDS, abs=1e-4)
    assert abs(samples[-1]) < 1e-4
    assert np.abs(np.diff(samples[-round(FADE_SECONDS * SAMPLE_RATE) :])).max() < 0.01


def test_notes_sound_when_they_should() -> None:
    """A rest of two seconds, a low note for one second, then a high one, at two tempos."""
    piece = Piece.from_notes([(2, 1, 57), (3, 2, 81)], tempos=[(0, 60.0), (3, 120.0)])
    samples = sound(wav_bytes(piece))
    assert np.abs(between(samples, 0.0, 1.95)).max() < 1e-3
    assert fundamental(between(samples, 2.1, 2.9)) == pytest.approx(220, rel=0.01)
    assert fundamental(between(samples, 3.15, 3.9)) == pytest.approx(880, rel=0.01)
    assert len(samples) / SAMPLE_RATE == pytest.approx(4 + RELEASE_SECONDS, abs=1e-4)


@pytest.mark.parametrize(
    ("container", "codec"), [("OGG", "VORBIS"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")]
)
def test_compressed_sound_is_that_of_the_wav(container: str, codec: str) -> None:
    piece = Piece.from_notes([(0, 2, 69), (2, 2, 60)])
    original = sound(wav_bytes(piece))
    found, rate = soundfile.read(io.BytesIO(sound_bytes(piece, container, codec)))
    assert rate == SAMPLE_RATE
    assert len(found) == pytest.approx(len(original), abs=2500)  # MP3 has frames of 1152
    if container == "FLAC":
        assert np.array_equal(found, original)
    else:
        assert np.corrcoef(found[: len(original)], original[: len(found)])[0, 1] > 0.95
        assert fundamental(between(found, 0.1, 0.9)) == pytest.approx(440, rel=0.01)


def test_the_release_is_heard_and_does_not_stop_short() -> None:
    samples = sound(wav_bytes(Piece.from_notes([(0, 1, 60)], tempos=[(0, 60.0)])))
    assert np.abs(between(samples, 1.0, 1.05)).max() > 1e-3
    loudness = [float(np.abs(between(samples, start, start + 0.05)).max()) for start in (1.0, 1.2, 1.5)]
    assert loudness == sorted(loudness, reverse=True)
    assert loudness[1] > 1e-3


def test_what_still_sounds_at_the_end_is_faded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "_rendered", lambda _: np.ones(5 * SAMPLE_RATE, dtype=np.float32))
    samples = sound(wav_bytes(Piece.from_notes([(0, 4, 60)])))
    fade = samples[-round(FADE_SECONDS * SAMPLE_RATE) :]
    assert fade[-1] == 0
    assert np.abs(np.diff(fade)).max() < 1e-3


def test_louder_notes_are_louder() -> None:
    notes = [Note(Fraction(0), Fraction(1), 60, 40), Note(Fraction(4), Fraction(1), 60, 120)]
    samples = sound(wav_bytes(Piece.from_notes(notes, tempos=[(0, 60.0)])))
    assert np.abs(between(samples, 0, 1)).max() < 0.7 * np.abs(between(samples, 4, 5)).max()


def test_the_same_piece_gives_the_same_bytes() -> None:
    piece = Piece.from_notes([(0, 1, 60), (0, 1, 64), (1, 1, 67)])
    assert wav_bytes(piece) == wav_bytes(piece)


def test_a_piece_without_notes_is_silence() -> None:
    samples = sound(wav_bytes(Piece.from_notes([], length=4)))
    assert not samples.any()
    assert len(samples) / SAMPLE_RATE == pytest.approx(2 + RELEASE_SECONDS, abs=1e-4)


def test_a_missing_soundfont_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("pretty_midi", tmp_path / "pretty_midi.py")
    for found in (None, spec):  # the package is missing, or the file in it
        monkeypatch.setattr(audio.importlib.util, "find_spec", lambda name, found=found: found)
        with pytest.raises(EtudeError, match="pip install --force-reinstall pretty_midi"):
            write_forms(Piece.from_notes([(0, 1, 60)]), tmp_path / "a", ["wav"])
    assert not list(tmp_path.iterdir())


def test_seconds_follow_the_tempos() -> None:
    piece = Piece.from_notes([(0, 8, 60)], tempos=[(2, 60.0), (4, 240.0)])
    quarters = np.array([0, 1, 2, 3, 4, 8])
    assert seconds_at(piece, quarters * piece.division) == pytest.approx([0, 0.5, 1, 2, 3, 4])
