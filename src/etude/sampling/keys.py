"""Key: the key that samples are in, and a filter that keeps their notes in its scale."""

from __future__ import annotations

import re

from etude.encodings import CharactersEncoding
from etude.errors import EtudeError
from etude.music import Key
from etude.sampling.context import TrainingContext
from etude.sampling.filters import Filter
from etude.sampling.pitch_range import note_filter
from etude.sampling.settings import SamplingSettings

MINOR_LEADS = (9, 11)  # semitones above the tonic: the raised sixth and seventh of melodic minor
HOME = {False: 0, True: 9}  # tonic that a corpus is moved to: C, or A for keys with a minor third


def parse_key(text: str) -> Key:
    """Return the key that is written as "G", "Bb major" or "D minor"; EtudeError if it is none."""
    found = re.fullmatch(r"([A-G][#b]?)(?: (\w+))?", text.strip())
    try:
        return Key(found[1], (found[2] or "major").lower()) if found else Key(text)
    except ValueError:
        raise EtudeError(f"sampling.key={text} is no key; type G, Bb or 'D minor'") from None


def key_shift(key: Key) -> int:
    """Return by how many semitones, −5 to 6, the corpus moves music of this key to C major or A minor."""
    return (HOME[key.has_minor_third] - key.pitch_class + 5) % 12 - 5


def key_filter(settings: SamplingSettings, context: TrainingContext, moved: int = 0) -> Filter | None:
    """Return a filter that forbids tokens with notes outside the scale of the key; None without a key.

    In minor, the raised sixth and seventh belong to it. ``moved`` as in ``range_filter``. EtudeError for a
    key that is none, that leaves no note of the vocabulary, or for text whose notes have several tokens.
    """
    if settings.key is None:
        return None
    key = parse_key(settings.key)
    if isinstance(context.encoding, CharactersEncoding):
        raise EtudeError(
            f"sampling.key={settings.key}: an ABC tune states its key after K:, so type the header with "
            f"its K: line in sampling.primer"
        )
    scale = {(fifths * 7) % 12 for fifths in range(key.fifths - 1, key.fifths + 6)}
    if key.mode == "minor":
        scale |= {(key.pitch_class + step) % 12 for step in MINOR_LEADS}
    found = note_filter(context, moved, lambda pitch: pitch % 12 in scale)
    if found is None:
        raise EtudeError(f"sampling.key={settings.key} leaves no note that the model knows")
    return found
