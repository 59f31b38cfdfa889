"""The sustain pedal: what it does to the length of notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from etude.formats.midi.events import Event

NoteEvent = list[int]  # a note: on and off in ticks, channel, pitch, velocity, part
ON, OFF, CHANNEL, PITCH = range(4)

DOWN_FROM = 64  # values below are "up"

# At one time the pedal goes down, then up, then notes start, then notes end.
_PEDAL_DOWN, _PEDAL_UP, _NOTE_ON, _NOTE_OFF = range(4)


def sustained(notes: list[NoteEvent], pedal: Iterable[Event]) -> list[NoteEvent]:
    """Return the notes as they sound under the sustain pedal (controller 64) of their channel.

    A note whose key is released while the pedal is down lasts to the next onset of its pitch or until
    the pedal goes up, whichever is first, and else to the end of the last note. An onset under the pedal
    also ends a note of its pitch that is still held, and replaces one that starts with it (as in
    Magenta's ``apply_sustain_control_changes``).
    """
    events_of: dict[int, list[tuple[int, int, int]]] = defaultdict(list)  # channel -> (tick, kind, note)
    for tick, channel, _, value in pedal:
        events_of[channel].append((tick, _PEDAL_DOWN if value >= DOWN_FROM else _PEDAL_UP, 0))
    if not any(kind == _PEDAL_DOWN for events in events_of.values() for _, kind, _ in events):
        return notes
    for index, note in enumerate(notes):
        events_of[note[CHANNEL]] += [(note[ON], _NOTE_ON, index), (note[OFF], _NOTE_OFF, index)]
    end = max(note[OFF] for note in notes)
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
                    notes[note][OFF] = tick if tick > notes[note][ON] else -1  # left out
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
