"""Bars, voices and ties of a track's elements, as music21 makes them: their number and their order.

The rules include a fault of music21 10.5.1. It caches where a voice or a bar ends. Shortening a note clears
the cache; shortening a chord does not. So a bar whose last chord was split at the bar line may keep its old
length, and everything after it in its track comes too late.

Times are units, ``UNITS`` to the quarter note.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from etude.encodings.music21_midi.grouping import UNITS, Element, NotCoveredError, in_order


@dataclass(slots=True)
class MeasureVoice:
    """A voice of a bar; ``end_is_cached`` while music21 has its end in the cache."""

    elements: list[Element]
    end_is_cached: bool = False

    @property
    def is_seamless(self) -> bool:
        """Whether its elements follow one another from the bar line, without rests or overlaps."""
        ends = [0, *(element.end for element in self.elements)]
        return [element.onset for element in self.elements] == ends[:-1]

    def drop_cached_end_if_sorted(self) -> None:
        """Drop the cached end where music21 sorts the elements although they are seamless.

        It does so where two grace notes share an onset, and where an onset in thirds, as a float, is less
        than the end of the last element, which is a fraction.
        """
        graces = [element.onset for element in self.elements if not element.duration]
        in_order = all(Fraction(element.onset, UNITS) <= element.onset / UNITS for element in self.elements)
        self.end_is_cached = self.end_is_cached and in_order and len(set(graces)) == len(graces)


@dataclass(slots=True)
class Measure:
    """A measure: its elements are in voices, or ``loose`` where it has none; onsets count from its start."""

    length: int
    marks: list[int] = field(default_factory=list)  # onsets of metres, tempos, keys, a clef
    loose: MeasureVoice = field(default_factory=lambda: MeasureVoice([]))
    voices: list[MeasureVoice] = field(default_factory=list)
    stale_end: int = 0

    @property
    def filled_length(self) -> int:
        """Length with its rests: more than ``length`` if an element, or a stale end, is beyond it."""
        ends = [element.end for voice in (self.loose, *self.voices) for element in voice.elements]
        return max(self.length, self.stale_end, *ends)


def barred(elements: list[Element], metres: Sequence[tuple[int, int]], marks: Sequence[int]) -> list[Measure]:
    """Divide elements among bars, as many as the elements and the marks need.

    ``metres`` are (onset, length of a bar), the first at 0; a change within a bar holds from the next bar on.
    ``marks`` are the onsets of everything else.
    """
    changes = [onset for onset, _ in metres]
    end = max([element.end for element in elements] + list(marks))
    bars: list[Measure] = []
    starts: list[int] = []
    start, latest = 0, -1
    while not bars or start < end:
        metre = bisect_right(changes, start) - 1
        bars.append(Measure(metres[metre][1], [0] if metre != latest else []))
        starts.append(start)
        latest, start = metre, start + metres[metre][1]
    for mark in marks:
        if mark < start:
            index = bisect_right(starts, mark) - 1
            bars[index].marks.append(mark - starts[index])
    for element in elements:
        if element.onset >= start:
            raise NotCoveredError("a note of no length ends the piece")
        index = bisect_right(starts, element.onset) - 1
        element.onset -= starts[index]
        bars[index].loose.elements.append(element)
    if start in marks:
        # music21 puts a mark on the last bar line at the end, and computes for that where all bars end.
        for bar in bars:
            bar.loose.end_is_cached = True
            bar.loose.drop_cached_end_if_sorted()
    return bars


def split_into_voices(bar: Measure) -> None:
    """Move the elements of a bar whose notes overlap into voices, each into the first that is free.

    There are as many voices as the largest group of overlapping elements has members. An element for which no
    voice is free is lost.
    """
    count = _largest_overlap(bar.loose.elements)
    if count < 2:
        return
    voices = [MeasureVoice([]) for _ in range(count)]
    for element in bar.loose.elements:
        for voice in voices:
            if not voice.elements or voice.elements[-1].end <= element.onset:
                voice.elements.append(element)
                voice.end_is_cached = False
                break
            voice.end_is_cached = True
    bar.loose = MeasureVoice([])
    bar.voices = [voice for voice in voices if voice.elements]
    if not any(bar.marks):
        bar.voices[0].end_is_cached = True  # computed when the second voice is inserted
    for voice in bar.voices:
        voice.drop_cached_end_if_sorted()


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
    """Split each element that ends beyond its bar; the remainder is an element of the next bar.

    Loose elements beside voices are not split.
    """
    for bar, following in zip(bars, [*bars[1:], None], strict=True):
        next_has_voices = bool(following and following.voices)
        for voice in bar.voices or [bar.loose]:
            for element in voice.elements:
                if element.end <= bar.length:
                    continue
                if following is None:
                    raise NotCoveredError("a note ends beyond the last bar")
                _note_stale_end(bar, voice, element)
                remainder = Element(0, element.end - bar.length, element.pitches)
                element.duration = bar.length - element.onset
                if bar.voices and next_has_voices:
                    # music21 looks for the same voice by an id that none of them has.
                    following.loose.elements.append(remainder)
                    for other in following.voices:
                        other.end_is_cached = True
                    continue
                if bar.voices and not following.voices:
                    following.voices, following.loose = [following.loose], MeasureVoice([])
                target = following.voices[0] if following.voices else following.loose
                target.elements.append(remainder)
                target.end_is_cached = False
        if following:
            for voice in (following.loose, *following.voices):
                voice.elements = in_order(voice.elements)
    for bar in bars:
        if len(bar.voices) == 1:
            bar.loose.elements += bar.voices.pop().elements


def _note_stale_end(bar: Measure, voice: MeasureVoice, element: Element) -> None:
    # Shortening a chord, unlike a note, leaves a cached end as it was, and the bar seems to reach that far;
    # unless a rest is inserted or elements are sorted: then music21 computes the end again.
    if len(element.pitches) < 2 or not voice.end_is_cached or not voice.is_seamless:
        return
    if not bar.voices and bar.marks:
        raise NotCoveredError("a tempo or metre on the last bar line and in a bar with a long chord")
    bar.stale_end = max(bar.stale_end, element.end)


def in_sequence(bars: list[Measure]) -> list[Element]:
    """Return the elements of all bars, onsets counted from the beginning: voice by voice, then by onset.

    Each bar begins where the one before it ends; a bar that is too long delays all that follow.
    """
    elements: list[Element] = []
    start = 0
    for bar in bars:
        for voice in (*bar.voices, bar.loose):
            elements += [Element(start + each.onset, each.duration, each.pitches) for each in voice.elements]
        start += bar.filled_length
    return in_order(elements)
