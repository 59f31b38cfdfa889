"""Playback of an ABC tune: repeats written out, ties joined, times in exact ticks.

Source: the ABC music standard 2.1, sections 4.8 to 4.11 (repeats, endings, ties) and 4.14 (D.C., D.S.).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np

from etude.errors import ReadError
from etude.formats.abc.information_fields import TuneSettings
from etude.formats.abc.parts import in_order, marked_parts
from etude.formats.abc.text import unescaped
from etude.formats.abc.tune_body import MAX_EVENTS, TuneBody
from etude.formats.abc.voice import BarLine, Ending, Overlay, PartMark, Sign, Sound, Tempo, Voice, VoiceEvent
from etude.formats.base import MAX_TICKS
from etude.formats.repeats import BarSigns, merged, playing_order
from etude.music.piece import DEFAULT_VELOCITY, Metre, Piece

Value = TypeVar("Value")


def _ending_follows(events: Sequence[VoiceEvent], index: int) -> bool:
    for event in events[index + 1 : index + 3]:  # ":|2", or ":| |2" with a bar line of its own
        if not isinstance(event, BarLine) or event.begins:
            return isinstance(event, Ending)
    return False


class _Bars:
    """The bars of a voice: their events and signs.

    A repeat goes back to the last ``|:``, or without one to the end of the last repeat, a double bar line or
    the beginning, whichever is the latest. An ending begins a bar, and lasts until the next or as long as its
    section.
    """

    def __init__(self, events: Sequence[VoiceEvent]) -> None:
        self.events: list[list[VoiceEvent]] = []
        self.signs: list[BarSigns] = []
        self._is_new = True  # no bar of the section has begun
        self._begins = self._ends = 0  # colons at either end of the section
        self._ending: frozenset[int] = frozenset()  # the latest of the section
        for index, event in enumerate(events):
            if isinstance(event, Ending):
                self._ending = event.passes or frozenset((1,))
            if self._is_new or isinstance(event, Ending) or isinstance(events[index - 1], BarLine):
                self.events.append([])
                self.signs.append(BarSigns(begins=self._is_new, ending=self._ending))
                self._is_new = False
            self.events[-1].append(event)
            if isinstance(event, Sign) and event.name != "hold":
                self.signs[-1].mark(event.name)
            elif isinstance(event, BarLine):
                self._ends = event.ends
                if self._is_over(event, _ending_follows(events, index)):
                    self._end_section()
                    self._begin_section(event.begins)
        self._end_section()
        if not any(bar.fine for bar in self.signs):
            self._end_at_holds()

    def _begin_section(self, colons: int) -> None:
        self._is_new, self._begins, self._ends, self._ending = True, colons, 0, frozenset()

    def _is_over(self, line: BarLine, another_ending: bool) -> bool:
        """Return whether the section ends at a bar line."""
        ends = line.ends or (line.is_double and (self._ending or not self._begins))
        return bool(line.begins or (ends and not (another_ending and self._ending)))

    def _end_section(self) -> None:
        if self._ends:
            self.signs[-1].passes = max(self._begins, self._ends) + 1

    def _end_at_holds(self) -> None:
        """Mark as the fine, where the word is missing, a fermata in a bar before a double bar line."""
        for events, bar in zip(self.events, self.signs, strict=True):
            last = events[-1]
            bar.fine = isinstance(last, BarLine) and last.is_double and Sign("hold") in events

    def played(self, order: Sequence[int], metre: Metre | None, tempo: Tempo | None) -> list[VoiceEvent]:
        """Return the events of the bars in this order; a jump restores the metre and tempo of its bar."""
        in_force = []
        for bar in self.events:
            in_force.append([event for event in (metre, tempo) if event])
            metre = next((event for event in reversed(bar) if isinstance(event, Metre)), metre)
            tempo = next((event for event in reversed(bar) if isinstance(event, Tempo)), tempo)
        result: list[VoiceEvent] = []
        before = -1
        for index in order:
            if index != before + 1:
                result += in_force[index]
            result += self.events[index]
            before = index
            if len(result) > MAX_EVENTS:
                raise _too_long()
        return result


def played(
    voices: Sequence[list[VoiceEvent]], metre: Metre | None, tempo: Tempo | None
) -> list[list[VoiceEvent]]:
    """Return the events of voices in the order of playing; ReadError if there are too many.

    ``metre`` and ``tempo`` are the first. A sign in one voice is for all that have as many bars.
    """
    if not any(_changes_the_order(event) for events in voices for event in events):
        return list(voices)
    in_bars = [_Bars(events) for events in voices]
    counts = {len(bars.signs) for bars in in_bars}
    if len(counts) == 1:
        common = list(map(merged, zip(*(bars.signs for bars in in_bars), strict=True)))
        for bars in in_bars:
            bars.signs = common
    elif any(bar.jump for bars in in_bars for bar in bars.signs):
        raise ReadError("the voices have different numbers of bars, so a D.C. or D.S. is not understood")
    return [bars.played(playing_order(bars.signs), metre, tempo) for bars in in_bars]


def _changes_the_order(event: VoiceEvent) -> bool:
    if isinstance(event, BarLine):
        return event.ends > 0
    return isinstance(event, Ending) or (isinstance(event, Sign) and event.is_jump)


def in_playing_order(voices: Iterable[Voice], settings: TuneSettings) -> list[list[VoiceEvent]]:
    """Return the events of voices as played: their parts in the order of P:, each with its repeats."""
    quarters_a_minute = settings.quarters_a_minute()
    tempo = Tempo(quarters_a_minute) if quarters_a_minute else None
    events = [voice.events for voice in voices]
    if not settings.parts:
        return played(events, settings.metre, tempo)
    return [_parts_played(voice, settings, tempo) for voice in events]


def _parts_played(
    events: Sequence[VoiceEvent], settings: TuneSettings, tempo: Tempo | None
) -> list[VoiceEvent]:
    if any(isinstance(event, Sign) and event.is_jump for event in events):
        raise ReadError("a D.C. or D.S. beside an order of parts (P:) is not understood")
    result: list[VoiceEvent] = []
    for part in in_order(marked_parts(events, settings.metre, tempo), settings.parts):
        if part.name:
            result += [PartMark(part.name), *(event for event in (part.metre, part.tempo) if event)]
        result += played([part.events], part.metre, part.tempo)[0]
        if len(result) > MAX_EVENTS:
            raise _too_long()
    return result


def _too_long() -> ReadError:
    return ReadError(f"with its repeats the tune has more than {MAX_EVENTS} notes")


class _Timeline:
    """Notes and changes of one voice, in ticks of 1/``division`` quarter."""

    def __init__(self, division: int, metre: Metre | None, tempo: float | None) -> None:
        self.division = division
        self.notes: list[list[int]] = []  # onset, duration, pitch
        self.metres: list[tuple[int, Metre]] = [(0, metre)] if metre else []
        self.tempos: list[tuple[int, float]] = [(0, tempo)] if tempo else []
        self.parts: list[tuple[int, str]] = []  # time and name of each part played
        self.time = 0
        self.furthest = 0  # end of the longest of a bar's overlaid layers
        self.bar_start = 0
        self.first_bar = 0  # time of the first bar line after the beginning
        self.layer = 0  # number of overlays so far in the bar
        self.tied: dict[int, dict[int, int]] = {}  # by layer: index of the tied note by pitch
        self.ticks_of: dict[int, int] = {}  # by identity: most notes share a few Fractions

    def play(self, events: list[VoiceEvent]) -> None:
        for event in events:
            if isinstance(event, Sound):
                self._sound(event)
            elif isinstance(event, BarLine):
                self.time = self.furthest = self.bar_start = max(self.time, self.furthest)
                self.first_bar = self.first_bar or self.time
                self.layer = 0
            elif isinstance(event, Overlay):
                self.furthest = max(self.furthest, self.time)
                self.time = self.bar_start
                self.layer += 1
            elif isinstance(event, PartMark):
                self.time = self.furthest = self.bar_start = max(self.time, self.furthest)
                self.parts.append((self.time, event.name))
            elif isinstance(event, Metre):
                _change(self.metres, self.time, event)
            elif isinstance(event, Tempo):
                _change(self.tempos, self.time, event.quarters_a_minute)
        self.time = max(self.time, self.furthest)
        if self.time > MAX_TICKS:
            raise ReadError("the durations cannot be counted in one time unit")

    def _sound(self, sound: Sound) -> None:
        if len(self.notes) > MAX_EVENTS:  # chords have several notes an event
            raise _too_long()
        time = self.time
        open_ties = self.tied.get(self.layer)
        tied: dict[int, int] = {}
        for pitch, duration, is_tied in sound.heads:
            index = open_ties.get(pitch, -1) if open_ties else -1
            if index >= 0 and self.notes[index][0] + self.notes[index][1] == time:
                self.notes[index][1] += self._ticks(duration)
            else:
                index = len(self.notes)
                self.notes.append([time, self._ticks(duration), pitch])
            if is_tied:
                tied[pitch] = index
        self.tied[self.layer] = tied
        self.time = time + self._ticks(sound.duration)

    def _ticks(self, quarters: Fraction) -> int:
        ticks = self.ticks_of.get(id(quarters))
        if ticks is None:
            ticks = quarters.numerator * (self.division // quarters.denominator)
            self.ticks_of[id(quarters)] = ticks
        return ticks


def _change(changes: list[tuple[int, Value]], time: int, value: Value) -> None:
    """Add a change at a time, in place of another at that time; none where the value stays."""
    if changes and changes[-1][0] == time:
        changes.pop()
    if not changes or changes[-1][1] != value:
        changes.append((time, value))


def played_piece(body: TuneBody, settings: TuneSettings, name: str, *, expand_repeats: bool = True) -> Piece:
    """Return the tune as a piece, a part for each voice that has notes; ReadError if none has.

    ``expand_repeats``: in the order of playing; else as written.
    """
    voices = {
        label: voice
        for label, voice in body.voices.items()
        if any(isinstance(event, Sound) and event.heads for event in voice.events)
    }
    if not voices:
        raise ReadError("there are no notes")
    division = _division(voices.values())
    timelines = []
    events = 0
    orders = [voice.events for voice in voices.values()]
    if expand_repeats:
        orders = in_playing_order(voices.values(), settings)
    for order in orders:
        events += len(order)
        if events > MAX_EVENTS:
            raise _too_long()
        timelines.append(_Timeline(division, settings.metre, settings.quarters_a_minute()))
        timelines[-1].play(order)
    first = timelines[0]
    if any(line.parts != first.parts for line in timelines):
        raise ReadError("the parts (P:) of the voices are not of the same lengths")
    if not any(line.notes for line in timelines):
        raise ReadError("none of its notes is played: look at its parts (P:), repeats and endings")
    bar = settings.metre.quarters * division if settings.metre else 0
    table = np.array([note for line in timelines for note in line.notes], dtype=np.int64)  # (notes, 3)
    programs = tuple(voice.settings.program for voice in voices.values())
    names = (voice.options.get("name") or voice.options.get("nm") or label for label, voice in voices.items())
    return Piece(
        onset=table[:, 0],
        duration=table[:, 1],
        pitch=table[:, 2],
        velocity=np.full(len(table), DEFAULT_VELOCITY, dtype=np.int64),
        part=np.repeat(np.arange(len(timelines)), [len(line.notes) for line in timelines]),
        division=division,
        length=max(line.time for line in timelines),
        title=settings.title,
        name=name,
        key=settings.signature.key if settings.signature else None,
        metres=tuple(first.metres),
        tempos=tuple(first.tempos),
        pickup=first.first_bar if first.first_bar < bar else 0,
        part_names=tuple(map(unescaped, names)) if len(voices) > 1 else (),
        programs=programs if any(programs) else (),
    )


def _division(voices: Iterable[Voice]) -> int:
    durations: dict[int, Fraction] = {}  # by identity: most notes share a few Fractions
    for voice in voices:
        for event in voice.events:
            if isinstance(event, Sound):
                durations[id(event.duration)] = event.duration
                for head in event.heads:
                    durations[id(head.duration)] = head.duration
    division = math.lcm(*(duration.denominator for duration in durations.values()))
    if division > MAX_TICKS:
        raise ReadError("the durations cannot be counted in one time unit")
    return division
