"""Bars, voices and ties as music21 makes them of a track's elements: their number and their order.

What is followed here includes a fault of music21 10.5.1. It caches where a voice or a bar ends; shortening
a note clears the cache, shortening a chord does not. A bar whose last chord was split at the bar line may
so keep its old length, and all that follows in its track comes too late.

Times are units, ``UNITS`` to the quarter note.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from etude.encodings.music21_midi.grouping import UNITS, Element, OffTheRulesError, in_order


@dataclass(slots=True)
class MeasureVoice:
    """A voice of a bar; ``end_is_kept`` while music21 holds its end in a cache."""

    elements: list[Element]
    end_is_kept: bool = False

    @property
    def is_seamless(self) -> bool:
        """Whether its elements follow one another from the bar line, with no rest and no overlap."""
        ends = [0, *(element.end for element in self.elements)]
        return [element.onset for element in self.elements] == ends[:-1]

    def forget_end_if_sorted(self) -> None:
        """Drop the kept end where music21 has to sort the elements, though they are seamless.

        It has to where two grace notes share an onset, and where an onset in thirds, made a float, comes
        out before the end of the last element, which was a fraction.
        """
        graces = [element.onset for element in self.elements if not element.duration]
        in_order = all(Fraction(element.onset, UNITS) <= element.onset / UNITS for element in self.elements)
        self.end_is_kept = self.end_is_kept and in_order and len(set(graces)) == len(graces)


@dataclass(slots=True)
class Measure:
    """A measure. Its elements lie in its voices, or loose where it has none; onsets count from its start."""

    length: int
    marks: list[int] = field(default_factory=list)  # where other things lie: metres, tempos, keys, a clef
    loose: MeasureVoice = field(default_factory=lambda: MeasureVoice([]))
    voices: list[MeasureVoice] = field(default_factory=list)
    stale_end: int = 0

    @property
    def filled_length(self) -> int:
        """Length once rests fill it: more than ``length`` if something sticks out or is thought to."""
        ends = [element.end for voice in (self.loose, *self.voices) for element in voice.elements]
        return max(self.length, self.stale_end, *ends)


def barred(elements: list[Element], metres: Sequence[tuple[int, int]], marks: Sequence[int]) -> list[Measure]:
    """Lay elements into bars, as many as they and the marks need.

    ``metres`` are (onset, length of a bar), the first at 0; one that changes within a bar rules from the
    next bar on. ``marks`` are the onsets of everything else.
    """
    changes = [onset for onset, _ in metres]
    end = max([element.end for element in elements] + list(marks))
    bars: list[Measure] = []
    starts: list[int] = []
    start, ruling = 0, -1
    while not bars or start < end:
        metre = bisect_right(changes, start) - 1
        bars.append(Measure(metres[metre][1], [0] if metre != ruling else []))
        starts.append(start)
        ruling, start = metre, start + metres[metre][1]
    for mark in marks:
        if mark < start:
            index = bisect_right(starts, mark) - 1
            bars[index].marks.append(mark - starts[index])
    for element in elements:
        if element.onset >= start:
            raise OffTheRulesError("a note of no length ends the piece")
        index = bisect_right(starts, element.onset) - 1
        element.onset -= starts[index]
        bars[index].loose.elements.append(element)
    if start in marks:
        # A mark on the last bar line is put at the end, which makes music21 ask where all bars end.
        for bar in bars:
            bar.loose.end_is_kept = True
            bar.loose.forget_end_if_sorted()
    return bars


def split_into_voices(bar: Measure) -> None:
    """Move the elements of a bar whose notes overlap into voices, each into the first that is free.

    There are as many voices as the largest group of overlapping elements has members; an element that
    finds none of them free is lost.
    """
    count = _largest_overlap(bar.loose.elements)
    if count < 2:
        return
    voices = [MeasureVoice([]) for _ in range(count)]
    for element in bar.loose.elements:
        for voice in voices:
            if not voice.elements or voice.elements[-1].end <= element.onset:
                voice.elements.append(element)
                voice.end_is_kept = False
                break
            voice.end_is_kept = True
    bar.loose = MeasureVoice([])
    bar.voices = [voice for voice in voices if voice.elements]
    if not any(bar.marks):
        bar.voices[0].end_is_kept = True  # asked for when the second is put beside it
    for voice in bar.voices:
        voice.forget_end_if_sorted()


def _largest_overlap(elements: list[Element]) -> int:
    overlapping: list[list[int]] = [[] for _ in elements]
    for index, earlier in enumerate(elements):
        for other in range(index + 1, len(elements)):
            later = elements[other]
            end = earlier.end if earlier.onset < later.onset else min(earlier.end, later.end)
            if later.onset >= end:
                break
            overlapping[index].append(other)
            overlapping[other].append(index)
    group_of: dict[int, int] = {}  # element -> the onset that names its group
    for index, others in enumerate(overlapping):
        group: int | None = None
        for other in others:
            if other in group_of:
                group = group_of[other]
            else:
                group = elements[index].onset if group is None else group
                group_of[other] = group
        if others and index not in group_of:
            group_of[index] = elements[index].onset if group is None else group
    return max(Counter(group_of.values()).values(), default=1)


def split_at_bar_lines(bars: list[Measure]) -> None:
    """Split each element that sticks out of its bar; the rest of it is an element of the next bar.

    Loose elements beside voices are passed over, and so may go on sticking out.
    """
    for bar, following in zip(bars, [*bars[1:], None], strict=True):
        next_has_voices = bool(following and following.voices)
        for voice in bar.voices or [bar.loose]:
            for element in voice.elements:
                if element.end <= bar.length:
                    continue
                if following is None:
                    raise OffTheRulesError("a note sticks out of the last bar")
                _note_stale_end(bar, voice, element)
                rest = Element(0, element.end - bar.length, element.pitches)
                element.duration = bar.length - element.onset
                if bar.voices and next_has_voices:
                    # music21 looks for the same voice by an id that none of them has.
                    following.loose.elements.append(rest)
                    for other in following.voices:
                        other.end_is_kept = True
                    continue
                if bar.voices and not following.voices:
                    following.voices, following.loose = [following.loose], MeasureVoice([])
                taker = following.voices[0] if following.voices else following.loose
                taker.elements.append(rest)
                taker.end_is_kept = False
        if following:
            for voice in (following.loose, *following.voices):
                voice.elements = in_order(voice.elements)
    for bar in bars:
        if len(bar.voices) == 1:
            bar.loose.elements += bar.voices.pop().elements


def _note_stale_end(bar: Measure, voice: MeasureVoice, element: Element) -> None:
    # Shortening a chord, unlike a note, leaves a kept end as it was, and the bar is taken to reach that
    # far; unless a rest has to be put in, or elements put in order, which makes music21 look again.
    if len(element.pitches) < 2 or not voice.end_is_kept or not voice.is_seamless:
        return
    if not bar.voices and bar.marks:
        raise OffTheRulesError("a tempo or metre stands on the last bar line and in a bar with a long chord")
    bar.stale_end = max(bar.stale_end, element.end)


def in_sequence(bars: list[Measure]) -> list[Element]:
    """Return the elements of all bars, their onsets from the beginning: voice by voice, then by onset.

    Bars are laid end to end; one that is too full moves all that follow it.
    """
    elements: list[Element] = []
    start = 0
    for bar in bars:
        for voice in (*bar.voices, bar.loose):
            elements += [Element(start + each.onset, each.duration, each.pitches) for each in voice.elements]
        start += bar.filled_length
    return in_order(elements)
