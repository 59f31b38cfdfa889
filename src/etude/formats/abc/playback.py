"""Playback of an ABC tune: repeats written out, ties joined, times in exact ticks.

Source: the ABC music standard 2.1, sections 4.8 to 4.11 (repeats, endings, ties).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from etude.errors import ReadError
from etude.formats.abc.fields import Settings
from etude.formats.abc.parts import in_order, marked_parts
from etude.formats.abc.text import unescaped
from etude.formats.abc.tune_body import MAX_EVENTS, TuneBody
from etude.formats.abc.voice import BarLine, Ending, Event, Overlay, Part, Sound, Tempo, Voice
from etude.formats.base import MAX_TICKS
from etude.music.piece import DEFAULT_VELOCITY, Metre, Piece


class _Section:
    """Events ``start`` up to ``end`` of a voice, played ``times`` times."""

    def __init__(self, start: int, begins: int, metre: Metre | None) -> None:
        self.metre = metre  # at its start
        self.start = start
        self.end = start
        self.begins = begins  # colons of the sign that began it, or 0
        self.ends = 0  # colons of the sign that ends it
        self.endings = 0
        self.last_pass = 0  # the highest number of its endings, 0 without endings

    @property
    def times(self) -> int:
        if self.endings == 1 and self.ends:
            return self.last_pass + 1  # the music that follows is the other ending
        return self.last_pass or (max(self.begins, self.ends) + 1 if self.ends else 1)


def sections(events: list[Event], metre: Metre | None) -> list[_Section]:
    """Divide a voice, which begins in ``metre``, into sections that are repeated or not.

    A repeat goes back to the last ``|:``, or without one to the end of the last repeat, a double bar line or
    the beginning, whichever is the latest.
    """
    found = [_Section(0, 0, metre)]
    for index, event in enumerate(events):
        if isinstance(event, Sound):
            continue
        section = found[-1]
        if isinstance(event, Ending):
            section.endings += 1
            section.last_pass = max(section.last_pass, *event.passes, 1)
        elif isinstance(event, Metre):
            metre = event
        if not isinstance(event, BarLine):
            continue
        section.ends = event.ends
        another_ending = _ending_follows(events, index)
        is_over = event.ends or (event.is_double and (section.last_pass or not section.begins))
        if event.begins or (is_over and not (another_ending and section.last_pass)):
            section.end = index + 1
            found.append(_Section(index + 1, event.begins, metre))
    found[-1].end = len(events)
    return found


def _ending_follows(events: list[Event], index: int) -> bool:
    for event in events[index + 1 : index + 3]:  # ":|2", or ":| |2" with a bar line of its own
        if not isinstance(event, BarLine) or event.begins:
            return isinstance(event, Ending)
    return False


def played(events: list[Event], metre: Metre | None) -> list[Event]:
    """Return the events of a voice in the order of playing; ReadError if there are too many.

    ``metre`` is the first metre. A repeat restores the metre of its first bar.
    """
    result: list[Event] = []
    for section in sections(events, metre):
        for current in range(1, section.times + 1):
            if section.metre and current > 1:
                result.append(section.metre)
            result += _one_pass(events[section.start : section.end], current if section.last_pass else None)
            if len(result) > MAX_EVENTS:
                raise _too_long()
    return result


def in_playing_order(voice: Voice, settings: Settings) -> list[Event]:
    """Return the events of a voice as played: its parts in the order of P:, each with its repeats."""
    if not settings.parts:
        return played(voice.events, settings.metre)
    quarters_a_minute = settings.quarters_a_minute()
    tempo = Tempo(quarters_a_minute) if quarters_a_minute else None
    result: list[Event] = []
    for part in in_order(marked_parts(voice.events, settings.metre, tempo), settings.parts):
        if part.name:
            result += [Part(part.name), *(event for event in (part.metre, part.tempo) if event)]
        result += played(part.events, part.metre)
        if len(result) > MAX_EVENTS:
            raise _too_long()
    return result


def _one_pass(section: list[Event], current: int | None) -> list[Event]:
    """Return the events of one pass through a section; ``current`` is None if it has no endings."""
    if current is None:
        return section
    result: list[Event] = []
    is_played = True
    for event in section:
        if isinstance(event, Ending):
            is_played = current in event.passes
        elif is_played:
            result.append(event)
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

    def play(self, events: list[Event]) -> None:
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
            elif isinstance(event, Part):
                self.time = self.furthest = self.bar_start = max(self.time, self.furthest)
                self.parts.append((self.time, event.name))
            elif isinstance(event, Metre) and (not self.metres or self.metres[-1][1] != event):
                self.metres.append((self.time, event))
            elif isinstance(event, Tempo) and (not self.tempos or self.tempos[-1][1] != event[0]):
                self.tempos.append((self.time, event.quarters_a_minute))
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


def played_piece(body: TuneBody, settings: Settings, name: str) -> Piece:
    """Return the tune as a piece, a part for each voice that has notes; ReadError if none has."""
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
    for voice in voices.values():
        order = in_playing_order(voice, settings)
        events += len(order)
        if events > MAX_EVENTS:
            raise _too_long()
        timelines.append(_Timeline(division, settings.metre, settings.quarters_a_minute()))
        timelines[-1].play(order)
    first = timelines[0]
    if any(line.parts != first.parts for line in timelines):
        raise ReadError("the parts (P:) of the voices are not of the same lengths")
    bar = settings.metre.quarters * division if settings.metre else 0
    table = np.array([note for line in timelines for note in line.notes], dtype=np.int64)  # (notes, 3)
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
        part_names=tuple(_part_name(*item) for item in voices.items()) if len(voices) > 1 else (),
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


def _part_name(label: str, voice: Voice) -> str:
    return unescaped(voice.options.get("name") or voice.options.get("nm") or label)
