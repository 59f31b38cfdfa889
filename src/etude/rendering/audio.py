"""Sound: a piece played by a SoundFont, as WAV, Ogg Vorbis, FLAC or MP3."""

from __future__ import annotations

import importlib.util
import io
import math
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from etude.errors import EtudeError
from etude.formats.midi.writer import midi_score
from etude.music.piece import Piece
from etude.music.timing import seconds_at, tempo_changes

Samples = npt.NDArray[np.float32]

SAMPLE_RATE = 48_000  # samples a second; what midirenderer renders
RELEASE_SECONDS = 1.2  # of sound after the last note
FADE_SECONDS = 0.4  # the end of the release, faded out to avoid a click
PEAK = 10 ** (-1 / 20)  # -1 dBFS
FULL_SCALE = 2**15 - 1
BLOCK = 2**16  # frames in a write: libsndfile's Vorbis encoder keeps a whole write on its stack


def soundfont_path() -> Path:
    """Return the General MIDI SoundFont inside the installed pretty_midi; EtudeError if it is missing."""
    spec = importlib.util.find_spec("pretty_midi")  # finds it without the slow import
    path = Path(spec.origin).with_name("TimGM6mb.sf2") if spec and spec.origin else None
    if path is None or not path.is_file():
        raise EtudeError(
            "the SoundFont inside pretty_midi is missing: pip install --force-reinstall pretty_midi"
        )
    return path


def _rendered(piece: Piece) -> Samples:
    """Return the piece as the SoundFont plays it: one channel, shape (samples,), at SAMPLE_RATE."""
    import midirenderer
    import symusic

    soundfont = soundfont_path().read_bytes()
    score = midi_score(piece)
    # The renderer stops where the file ends, so the file has to last until the sound has died away.
    last_tempo = tempo_changes(piece)[-1][1]
    end = piece.quarters + Fraction(RELEASE_SECONDS * last_tempo / 60)
    score.markers.append(symusic.TextMeta(math.ceil(end * score.tpq), "release"))
    with wave.open(io.BytesIO(midirenderer.render_wave_from(soundfont, score.dumps_midi()))) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        samples: Samples = frames.reshape(-1, file.getnchannels()).mean(axis=1, dtype=np.float32)
        return samples


def _normalised(piece: Piece) -> npt.NDArray[np.int16]:
    """Return the 16-bit samples of the music and RELEASE_SECONDS after it, with the peak at -1 dBFS."""
    frames = round((float(seconds_at(piece, piece.length)) + RELEASE_SECONDS) * SAMPLE_RATE)
    samples = _rendered(piece)[:frames]
    samples = np.pad(samples, (0, frames - len(samples)))
    fade = round(FADE_SECONDS * SAMPLE_RATE)
    samples[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    loudest = float(np.abs(samples).max())
    if loudest > 0:
        samples = samples * (PEAK * FULL_SCALE / loudest)
    return np.round(samples).astype(np.int16)


def wav_bytes(piece: Piece) -> bytes:
    """Return the piece as a 16-bit mono WAV file: the music and RELEASE_SECONDS, peak at -1 dBFS.

    The same piece gives the same bytes. EtudeError if the SoundFont is missing.
    """
    return sound_bytes(piece, "WAV", "PCM_16")


def sound_bytes(piece: Piece, container: str, codec: str) -> bytes:
    """Return the piece as a file in a container and codec of libsndfile, mono; EtudeError as ``wav_bytes``.

    The same piece sounds the same each time; an Ogg file has a random serial number. FLAC decodes to the
    samples of the WAV file.
    """
    import soundfile

    samples, buffer = _normalised(piece), io.BytesIO()
    with soundfile.SoundFile(buffer, "w", SAMPLE_RATE, 1, codec, format=container) as file:
        for start in range(0, len(samples), BLOCK):
            file.write(samples[start : start + BLOCK])
    return buffer.getvalue()
