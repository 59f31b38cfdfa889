"""Order in which the bars of a score are played: repeats, endings, da capo, dal segno, coda and fine.

One rule for all formats. A repeat goes back to the last sign that begins one, or else to the end of the
repeat before, or to the beginning. A jump (D.C., D.S.) is made once, after the last pass through its section;
from then on sections are not repeated and their last ending is played, up to the fine or by way of the coda.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from etude.errors import ReadError
from etude.formats.tied_notes import TiedNote
from etude.music.piece import Metre
from etude.music.piece_limits import MAX_NOTES

Value = TypeVar("Value")

MAX_BARS = 100_000  # that are played


@dataclass
class BarSigns:
    """Signs of one bar. Segno and coda mark its beginning; a jump, a fine and "to coda" act at its end."""

    begins: bool = False  # a repeat or a section begins
    passes: int = 0  # how often the section that ends here is played; 0: none ends by a sign
    ending: frozenset[int] = frozenset()  # the passes that play it; empty: all
    segno: bool = False
    coda: bool = False
    fine: bool = False
    to_coda: bool = False
    jump: str = ""  # "capo" or "segno"

    def mark(self, sign: str) -> None:
        """Add a sign: "capo" or "dal segno" for a jump, else the name of another."""
        if sign in ("capo", "dal segno"):
            self.jump = sign.removeprefix("dal ")
        else:
            setattr(self, sign, True)


def merged(signs: Iterable[BarSigns]) -> BarSigns:
    """Return the signs of one bar in several voices, as if they stood in each."""
    bars = list(signs)
    return BarSigns(
        begins=any(bar.begins for bar in bars),
        passes=max(bar.passes for bar in bars),
        ending=next((bar.ending for bar in bars if bar.ending), frozenset()),
        segno=any(bar.segno for bar in bars),
        coda=any(bar.coda for bar in bars),
        fine=any(bar.fine for bar in bars),
        to_coda=any(bar.to_coda for bar in bars),
        jump=next((bar.jump for bar in bars if bar.jump), ""),
    )


@dataclass
class Section:
    """Bars ``start`` up to ``end``, played ``times`` times."""

    start: int
    end: int
    times: int


def sections(bars: Sequence[BarSigns]) -> list[Section]:
    """Divide bars into sections that are repeated or not; the endings of a repeat belong to its section."""
    found: list[Section] = []
    start = 0
    for index, bar in enumerate(bars):
        following = bars[index + 1] if index + 1 < len(bars) else None
        ends = bool(bar.passes or bar.ending) and not (bar.ending and following and following.ending)
        if following is None or following.begins or ends:
            found.append(Section(start, index + 1, _times(bars[start : index + 1])))
            start = index + 1
    return found


def _times(section: Sequence[BarSigns]) -> int:
    endings = [
        bar.ending
        for index, bar in enumerate(section)
        if bar.ending and (index == 0 or section[index - 1].ending != bar.ending)
    ]
    if not endings:
        return max(bar.passes for bar in section) or 1
    last = max(max(ending) for ending in endings)
    return last + 1 if len(endings) == 1 and section[-1].passes else last  # else what follows is the other


def playing_order(bars: Sequence[BarSigns]) -> list[int]:
    """Return the numbers of the bars in the order of playing.

    ReadError for a jump without a target, and if there are too many bars.
    """
    section_of = [section for section in sections(bars) for _ in range(section.start, section.end)]
    order: list[int] = []
    jumps = {index: _target(bars, index) for index, bar in enumerate(bars) if bar.jump}
    leaves, coda = _coda(bars) if jumps else (-1, -1)
    jumped, current = False, 1
    index, section = 0, section_of[0] if bars else None
    while index < len(bars):
        bar = bars[index]
        if section_of[index] is not section:
            section = section_of[index]
            current = section.times if jumped else 1
        if bar.ending and current not in bar.ending:
            index += 1
            continue
        order.append(index)
        if len(order) > MAX_BARS:
            raise ReadError(f"with its repeats it has more than {MAX_BARS:,} bars")
        if jumped and bar.fine:
            break
        if jumped and index == leaves:
            index, section = coda, None
        elif _turns(bars, index, section) and current < section.times:
            index, current = section.start, current + 1
        elif index in jumps and (current == section.times or bar.ending):
            index, section, jumped = jumps.pop(index), None, True
        else:
            index += 1
    return order


def _turns(bars: Sequence[BarSigns], index: int, section: Section) -> bool:
    """Return whether another pass through the section begins after this bar."""
    is_last = index + 1 == section.end
    return is_last or (bool(bars[index].ending) and bars[index + 1].ending != bars[index].ending)


def _target(bars: Sequence[BarSigns], index: int) -> int:
    """Return the bar that a jump goes to: the beginning, or the last segno before the jump."""
    if bars[index].jump == "capo":
        return 0
    marked = [place for place in range(index + 1) if bars[place].segno]
    if not marked:
        raise ReadError("a dal segno (D.S.) without a segno before it")
    return marked[-1]


def _coda(bars: Sequence[BarSigns]) -> tuple[int, int]:
    """Return the bar after which a jump leaves for the coda, and the bar in which the coda begins; -1: none.

    Without the words "to coda", the first of two coda signs has their meaning.
    """
    leaving = [index for index, bar in enumerate(bars) if bar.to_coda]
    signs = [index for index, bar in enumerate(bars) if bar.coda]
    if not leaving and len(signs) > 1:
        leaving, signs = signs[:1], signs[1:]
    if not leaving:
        return -1, -1
    begins = next((index for index in signs if index > leaving[0]), -1)
    if begins < 0:
        raise ReadError("the words “to coda” without a coda after them")
    return leaving[0], begins


@dataclass
class BarContent:
    """Content of one bar of a part; times in quarter notes from its beginning."""

    length: Fraction = Fraction(0)
    notes: list[TiedNote] = field(default_factory=list)
    metres: list[tuple[Fraction, Metre]] = field(default_factory=list)
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)


@dataclass
class Timeline:
    """Bars laid out in time: notes as written, changes of metre and of tempo, in quarter notes."""

    notes: list[TiedNote] = field(default_factory=list)
    metres: dict[Fraction, Metre] = field(default_factory=dict)
    tempos: dict[Fraction, float] = field(default_factory=dict)
    length: Fraction = Fraction(0)


def laid_out(bars: Sequence[BarContent], order: Sequence[int]) -> Timeline:
    """Return the bars of a part one after the other in this order.

    After a jump, the metre and the tempo are those in which its bar is written. A note that is held over the
    end of its bar ends there if another bar follows than the next. ReadError if there are too many notes.
    """
    line = Timeline()
    metres, tempos = _in_force(bars, lambda bar: bar.metres), _in_force(bars, lambda bar: bar.tempos)
    for place, index in enumerate(order):
        bar, now = bars[index], line.length
        if place and index != order[place - 1] + 1:
            if all(time for time, _ in bar.metres):
                _restore(line.metres, now, metres[index])
            if all(time for time, _ in bar.tempos):
                _restore(line.tempos, now, tempos[index])
        goes_on = place + 1 == len(order) or order[place + 1] == index + 1
        for note in bar.notes:
            duration = note.duration if goes_on else min(note.duration, bar.length - note.onset)
            line.notes.append(note._replace(onset=now + note.onset, duration=duration))
        if len(line.notes) > MAX_NOTES:
            raise ReadError(f"with its repeats it has more than {MAX_NOTES:,} notes")
        for time, metre in bar.metres:
            if metre != next(reversed(line.metres.values()), None):
                line.metres[now + time] = metre
        for time, tempo in bar.tempos:
            line.tempos.setdefault(now + time, tempo)
        line.length = now + bar.length
    return line


def _in_force(
    bars: Sequence[BarContent], changes: Callable[[BarContent], list[tuple[Fraction, Value]]]
) -> list[Value | None]:
    """Return the value in which each bar begins: that of the last change before it."""
    found: list[Value | None] = []
    value: Value | None = None
    for bar in bars:
        found.append(value)
        value = changes(bar)[-1][1] if changes(bar) else value
    return found


def _restore(changes: dict[Fraction, Value], now: Fraction, value: Value | None) -> None:
    if value is not None and changes and value != next(reversed(changes.values())):
        changes[now] = value
