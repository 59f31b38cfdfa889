"""WAV: a piece as sound, by a SoundFont, or where there is none by a small synthesiser of our own."""

from __future__ import annotations

import importlib.util
import io
import math
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from etude.files import atomic_write
from etude.formats.midi.writer import midi_score
from etude.music.piece import Piece
from etude.music.timing import seconds_at, tempo_changes

Samples = npt.NDArray[np.float32]

SAMPLE_RATE = 48_000  # samples a second; what midirenderer renders
RELEASE_SECONDS = 1.2  # what is heard after the music's end
FADE_SECONDS = 0.4  # the last part of the release, led down to silence so that nothing clicks
PEAK = 10 ** (-1 / 20)  # -1 dBFS
FULL_SCALE = 2**15 - 1

# The built-in synthesiser: harmonics of falling amplitude under one envelope.
HARMONICS = 6
ATTACK_SECONDS = 0.008
DAMP_SECONDS = 0.08
HALF_LIFE_SECONDS = 0.6


def soundfont_path() -> Path | None:
    """Return the General MIDI SoundFont inside the installed pretty_midi, or None if there is none."""
    spec = importlib.util.find_spec("pretty_midi")  # finds it without the slow import
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("TimGM6mb.sf2")
    return path if path.is_file() else None


def render_soundfont(piece: Piece, soundfont: Path) -> Samples:
    """Return the piece played by a SoundFont: one channel, shape (samples,), at SAMPLE_RATE.

    Raises ImportError where midirenderer is not installed.
    """
    import midirenderer
    import symusic

    score = midi_score(piece)
    # The renderer stops where the file ends, so the file has to last until the sound has died away.
    last_tempo = tempo_changes(piece)[-1][1]
    end = piece.quarters + Fraction(RELEASE_SECONDS * last_tempo / 60)
    score.markers.append(symusic.TextMeta(math.ceil(end * score.tpq), "release"))
    rendered = midirenderer.render_wave_from(soundfont.read_bytes(), score.dumps_midi())
    with wave.open(io.BytesIO(rendered)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        samples: Samples = frames.reshape(-1, file.getnchannels()).mean(axis=1, dtype=np.float32)
        return samples


def render_harmonics(piece: Piece) -> Samples:
    """Return the piece played by the built-in synthesiser: shape (samples,), at SAMPLE_RATE."""
    samples = np.zeros(_frames(piece), dtype=np.float32)
    starts = seconds_at(piece, piece.onset)
    held = seconds_at(piece, piece.onset + piece.duration) - starts
    for start, seconds, pitch, velocity in zip(starts, held, piece.pitch, piece.velocity, strict=True):
        tone = _tone(int(pitch), float(seconds)) * (velocity / 127)
        first = round(start * SAMPLE_RATE)
        samples[first : first + len(tone)] += tone[: len(samples) - first]
    return samples


def _tone(pitch: int, held: float) -> Samples:
    """Return one note of ``held`` seconds and its damping: harmonics below the Nyquist frequency."""
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    seconds = np.arange(round((held + DAMP_SECONDS) * SAMPLE_RATE), dtype=np.float64) / SAMPLE_RATE
    phase = 2 * np.pi * frequency * seconds
    tone = np.sin(phase)
    for harmonic in range(2, HARMONICS + 1):
        if harmonic * frequency < SAMPLE_RATE / 2:
            tone += np.sin(harmonic * phase) / harmonic**2
    attack = np.minimum(seconds / ATTACK_SECONDS, 1.0)
    decay = 0.5 ** (seconds / HALF_LIFE_SECONDS)
    damping = np.clip((held + DAMP_SECONDS - seconds) / DAMP_SECONDS, 0.0, 1.0)
    return (tone * attack * decay * damping).astype(np.float32)


def _frames(piece: Piece) -> int:
    return round((float(seconds_at(piece, piece.length)) + RELEASE_SECONDS) * SAMPLE_RATE)


def wav_bytes(piece: Piece) -> bytes:
    """Return the piece as a 16-bit mono WAV file: the music and RELEASE_SECONDS, peak at -1 dBFS.

    The same piece gives the same bytes.
    """
    soundfont = soundfont_path()
    if soundfont is None or importlib.util.find_spec("midirenderer") is None:
        samples = render_harmonics(piece)
    else:
        samples = render_soundfont(piece, soundfont)
    frames = _frames(piece)
    samples = np.pad(samples[:frames], (0, max(0, frames - len(samples))))
    fade = round(FADE_SECONDS * SAMPLE_RATE)
    samples[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    loudest = float(np.abs(samples).max())
    if loudest > 0:
        samples = samples * (PEAK * FULL_SCALE / loudest)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(samples).astype("<i2").tobytes())
    return buffer.getvalue()


def write_wav(piece: Piece, path: Path) -> None:
    """Write the piece as sound (see ``wav_bytes``)."""
    atomic_write(path, wav_bytes(piece))
