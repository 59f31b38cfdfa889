"""Sustain pedal: lengthening of notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from etude.formats.midi.events import MidiEvent

NoteEvent = list[int]  # a note: on and off in ticks, channel, pitch, velocity, part
ON, OFF, CHANNEL, PITCH = range(4)

DOWN_FROM = 64  # values below are "up"

# The order of events at one tick.
_PEDAL_DOWN, _PEDAL_UP, _NOTE_ON, _NOTE_OFF = range(4)


def sustained(notes: list[NoteEvent], pedal: Sequence[MidiEvent]) -> list[NoteEvent]:
    """Return the notes lengthened by the sustain pedal (controller 64) of their channel.

    A note released while the pedal is down lasts to the next onset of its pitch or until the pedal goes up,
    whichever is first, or else to the last event of a note or a pedal. An onset while the pedal is down also
    ends a held note of its pitch, and replaces one with the same onset (as in Magenta's
    ``apply_sustain_control_changes``).
    """
    events_of: dict[int, list[tuple[int, int, int]]] = defaultdict(list)  # channel -> (tick, kind, note)
    for tick, channel, _, value in pedal:
        events_of[channel].append((tick, _PEDAL_DOWN if value >= DOWN_FROM else _PEDAL_UP, 0))
    if not any(kind == _PEDAL_DOWN for events in events_of.values() for _, kind, _ in events):
        return notes
    for index, note in enumerate(notes):
        events_of[note[CHANNEL]] += [(note[ON], _NOTE_ON, index), (note[OFF], _NOTE_OFF, index)]
    end = max(*(note[OFF] for note in notes), *(event[0] for event in pedal))
    longer = [note.copy() for note in notes]
    for events in events_of.values():
        _sustain_channel(longer, sorted(events), end)
    return [note for note in longer if note[OFF] >= note[ON]]


def _sustain_channel(notes: list[NoteEvent], events: list[tuple[int, int, int]], end: int) -> None:
    down = False
    sounding: dict[int, list[int]] = defaultdict(list)  # pitch -> notes held, or sustained
    released: set[int] = set()  # of those, the sustained
    for tick, kind, index in events:
        if kind == _PEDAL_DOWN:
            down = True
        elif kind == _PEDAL_UP:
            down = False
            for note in released:
                notes[note][OFF] = tick
                sounding[notes[note][PITCH]].remove(note)
            released.clear()
        elif kind == _NOTE_ON:
            pitch = notes[index][PITCH]
            if down:
                for note in sounding[pitch]:
                    notes[note][OFF] = tick if tick > notes[note][ON] else -1  # removed below
                released.difference_update(sounding[pitch])
                sounding[pitch] = []
            sounding[pitch].append(index)
        elif index in sounding[notes[index][PITCH]]:
            if down:
                released.add(index)
            else:
                sounding[notes[index][PITCH]].remove(index)
    for note in released:
        notes[note][OFF] = end
