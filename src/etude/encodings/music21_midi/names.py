"""Names that music21 gives to the pitches and the instruments of a MIDI file."""

from __future__ import annotations

import warnings
from functools import lru_cache

from etude.formats.midi.events import DRUM_CHANNEL, INSTRUMENT_NAME, PROGRAM_CHANGE, TRACK_NAME, Mark

# as in pitch.convertPsToStep: the same spelling in every key
PITCH_CLASSES = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "G#", "A", "B-", "B")
PITCH_NAMES = tuple(f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}" for pitch in range(128))

# The instruments that music21 finds in the published Mozart files, so that reading them does not wait for its
# import. Any channel but that of the drums gives the same.
_PIANO = (PROGRAM_CHANGE, b"\0")
_UNNAMED = (TRACK_NAME, b"Unnamed Track")
_PORT, _PORT_NAME = (INSTRUMENT_NAME, b"Roland Serial MIDI Out Port A"), "Roland Serial MIDI Out Port A"
KNOWN_NAMES: dict[tuple[tuple[int, bytes], ...], tuple[str, ...]] = {
    (_PIANO,): ("Piano",),
    (_UNNAMED, _PIANO): ("Piano",),
    ((TRACK_NAME, b"No Name"), _PIANO): ("Piano",),
    (_PORT, _UNNAMED, _PIANO): (_PORT_NAME, "", "Piano"),
    (_PORT, _UNNAMED, _PIANO, _PIANO): (_PORT_NAME, "", "Piano", "Piano"),
}


@lru_cache(maxsize=2**16)
def chord_token(pitches: tuple[int, ...]) -> str:
    """Return the name of a note, or the distinct names of a chord's notes in the order of strings."""
    if len(pitches) == 1:
        return PITCH_NAMES[pitches[0]]
    return ".".join(sorted({PITCH_NAMES[pitch] for pitch in pitches}))


def instrument_names(marks: list[Mark]) -> tuple[str, ...]:
    """Return the names of the instruments that music21 finds in a track's names and program changes.

    One track may have several: music21 guesses an instrument from each mark, then removes duplicates.
    """
    if all(mark.channel != DRUM_CHANNEL for mark in marks):
        known = KNOWN_NAMES.get(tuple((mark.kind, mark.data) for mark in marks))
        if known is not None:
            return known
    return names_by_music21(tuple((mark.kind, mark.channel, mark.data) for mark in marks))


@lru_cache(maxsize=2**12)
def names_by_music21(marks: tuple[tuple[int, int, bytes], ...]) -> tuple[str, ...]:
    """Return the instruments that music21 itself finds in (kind, channel, data) marks."""
    from music21 import instrument, midi, stream
    from music21.midi.translate import midiEventToInstrument

    part = stream.Part()
    for kind, channel, data in marks:
        event = midi.MidiEvent(channel=channel + 1)
        if kind == PROGRAM_CHANGE:
            event.type, event.data = midi.ChannelVoiceMessages.PROGRAM_CHANGE, data[0]
        else:
            meta = midi.MetaEvents
            event.type = meta.SEQUENCE_TRACK_NAME if kind == TRACK_NAME else meta.INSTRUMENT_NAME
            event.data = data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about names that are not UTF-8; they have no effect
            part.insert(0, midiEventToInstrument(event))
    instrument.deduplicate(part, inPlace=True)
    return tuple(found.instrumentName or "" for found in part.getElementsByClass(instrument.Instrument))
