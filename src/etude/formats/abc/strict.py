"""Strict checks of an ABC tune that can be read: bars that fill the metre, repeats and endings that match.

Printed music often breaks these rules on purpose, so the reader checks them only when asked to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from etude.errors import ReadError
from etude.formats.abc.voice import BarLine, Ending, Overlay, Sound, VoiceEvent
from etude.music.piece import Metre


@dataclass
class _BarCheck:
    """The time between two bar lines, in quarter notes, and what the signs after it say."""

    length: Fraction
    full: Fraction | None  # length of a full bar; None in free metre
    ends_section: bool = False
    begins_ending: bool = False


def check_strictly(events: Sequence[VoiceEvent], metre: Metre | None) -> None:
    """Raise ReadError if a bar does not fill the metre, or a repeat or an ending lacks its counterpart.

    ``events`` are one voice's, ``metre`` the one it begins in. A section (the tune, or the music between
    repeats and double bars) may begin with a pickup; so may an ending. The last bar of a section or an ending
    may be short where it completes that pickup, the next section's or the tune's.
    """
    _check_repeats(events)
    bars = [bar for bar in _bars(events, metre) if bar.length]
    starts = [index for index in range(len(bars)) if index == 0 or bars[index - 1].ends_section]
    sections = [index for index in starts if index == 0 or not bars[index - 1].begins_ending]
    for index, bar in enumerate(bars):
        if bar.full is None or bar.length == bar.full:
            continue
        is_last = index + 1 == len(bars) or bar.ends_section
        start = max(start for start in starts if start <= index)
        section = max(start for start in sections if start <= index)
        pickups = {bars[other].length for other in {start, section, index + 1, 0} & {*starts} - {index}}
        is_pickup = index == start and (not is_last or bar.ends_section)
        completes = is_last and bar.full - bar.length in pickups
        if bar.length > bar.full or not (is_pickup or completes):
            raise ReadError(f"bar {index + 1} lasts {bar.length} quarter notes; a full bar has {bar.full}")


def _bars(events: Sequence[VoiceEvent], metre: Metre | None) -> list[_BarCheck]:
    """Return the bars of a voice; of overlaid layers the longest counts."""
    bars: list[_BarCheck] = []
    time = longest = Fraction(0)
    is_open = True  # no bar line has followed the last sound
    for event in events:
        if isinstance(event, Sound):
            time += event.duration
            is_open = True
        elif isinstance(event, Overlay):
            longest, time = max(longest, time), Fraction(0)
        elif isinstance(event, Metre):
            metre = event
        elif isinstance(event, BarLine | Ending):
            if is_open:
                bars.append(_BarCheck(max(longest, time), metre.quarters if metre else None))
                time = longest = Fraction(0)
                is_open = False
            if isinstance(event, Ending):
                bars[-1].begins_ending = bars[-1].ends_section = True
            elif event.ends or event.begins or event.is_double:
                bars[-1].ends_section = True
    return [*bars, _BarCheck(max(longest, time), metre.quarters if metre else None)]


def _check_repeats(events: Sequence[VoiceEvent]) -> None:
    """Raise ReadError for ``|:`` without ``:|``, and for an ending that no repeat belongs to."""
    is_open = False  # a |: has begun
    in_first_ending = False
    another_may_follow = False
    passes: frozenset[int] = frozenset()  # of the section's endings so far
    for event in events:
        if isinstance(event, BarLine) and (event.ends or event.begins):
            if is_open and not event.ends:
                raise ReadError("a repeat begins and never ends")
            if event.ends:
                another_may_follow, in_first_ending = bool(passes), False
            if event.begins:
                passes = frozenset()
            is_open = event.begins > 0
        elif isinstance(event, Ending):
            if 1 in event.passes and not in_first_ending:
                in_first_ending, passes = True, event.passes
            elif another_may_follow and any(number - 1 in passes for number in event.passes - passes):
                another_may_follow, passes = False, passes | event.passes
            else:
                raise ReadError("an ending does not follow its repeat")
        elif isinstance(event, Sound) and another_may_follow:
            another_may_follow, passes = False, frozenset()
    if is_open or in_first_ending:
        raise ReadError("a repeat begins and never ends")
