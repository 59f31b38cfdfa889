"""Bars that fill their metre: rests for what is missing, bar lines where too much stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from etude.formats.abc.fields import Settings
from etude.formats.abc.items import Item

_REST = Item("rest", "", None, 0, "z")
_BAR_LINE = Item("bar", " | ")


class _Bar:
    """The items between two bar lines, and the bar line (or the end) after them."""

    def __init__(self, items: list[Item], line: list[Item], metre: Fraction | None, unit: Fraction) -> None:
        self.items = items
        self.line = line
        self.metre = metre  # length of a full bar in quarter notes, None in free metre
        self.unit = unit

    @property
    def length(self) -> Fraction:
        return sum((item.duration or Fraction(0) for item in self.items), Fraction(0))

    @property
    def ends_section(self) -> bool:
        return any(re.search(r":|\|\||\||]|\[", item.text) and item.text.strip() != "|" for item in self.line)

    @property
    def begins_ending(self) -> bool:
        signs = (item.text for item in self.line if item.kind in ("bar", "ending"))
        return any(re.search(r"\d", sign) for sign in signs)


def with_full_bars(items: Sequence[Item], settings: Settings, repairs: list[str]) -> list[Item]:
    """Return the items in bars that fill the metre.

    A section (the tune, or what stands between repeats and double bars) may begin with a pickup, and be
    nothing else if a double bar or repeat closes it; so may an ending. Its last bar, and that of each of its
    endings, may be short where it completes that, the next section's or the tune's pickup. Any other short
    bar is filled by a rest at its end; a long one is divided by bar lines, its notes by ties.
    """
    bars = [bar for long in _bars(items, settings.copy()) for bar in _divided(long, repairs)]
    sounding = [bar for bar in bars if bar.length]
    if not sounding:
        return [item for bar in bars for item in (*bar.items, *bar.line)]
    starts = [index for index in range(len(sounding)) if index == 0 or sounding[index - 1].ends_section]
    sections = [index for index in starts if index == 0 or not sounding[index - 1].begins_ending]
    pickups = {index: sounding[index].length for index in starts}
    for index, bar in enumerate(sounding):
        if bar.metre is None or bar.length >= bar.metre:
            continue
        is_last = index + 1 == len(sounding) or bar.ends_section
        own_start = max(start for start in starts if start <= index)
        section = max(start for start in sections if start <= index)
        lacking = bar.metre - bar.length
        near = (own_start, section, index + 1, 0)
        others = {pickups[start] for start in near if start in pickups and start != index}
        completes = is_last and lacking in others
        is_pickup = index == own_start and (not is_last or bar.ends_section)
        if completes or is_pickup:
            continue
        bar.items.append(_REST.lasting(lacking, bar.unit))
        repairs.append(f"bar {index + 1} was filled with a rest of {lacking} quarter notes")
    if not bars[-1].line:
        bars[-1].line = [Item("bar", " |]")]
    return [item for bar in bars for item in (*bar.items, *bar.line)]


def _bars(items: Sequence[Item], settings: Settings) -> list[_Bar]:
    bars: list[_Bar] = []
    inside: list[Item] = []
    line: list[Item] = []

    def close() -> None:
        metre = settings.metre.quarters if settings.metre else None
        bars.append(_Bar(inside, line, metre, settings.unit_length))

    for item in items:
        is_part_of_line = item.kind in ("bar", "ending") or (item.duration is None and line)
        if is_part_of_line and item.kind != "field":
            line.append(item)
            continue
        if line:
            close()
            inside, line = [], []
        if item.kind == "field":
            letter, _, value = item.text.strip("\n[]").partition(":")
            settings.read_field(letter, value)
        inside.append(item)
    close()
    return bars


def _divided(bar: _Bar, repairs: list[str]) -> list[_Bar]:
    """Return the bar itself, or the bars that it holds if it is too long."""
    if bar.metre is None or bar.length <= bar.metre:
        return [bar]
    repairs.append(f"a bar of {bar.length} quarter notes was divided")
    found: list[_Bar] = []
    inside: list[Item] = []
    room = bar.metre

    def close() -> None:
        nonlocal inside, room
        assert bar.metre is not None
        if room:
            inside.append(_REST.lasting(room, bar.unit))
        found.append(_Bar(inside, [_BAR_LINE], bar.metre, bar.unit))
        inside, room = [], bar.metre

    for unit in _units(bar.items):
        length = sum((item.duration or Fraction(0) for item in unit), Fraction(0))
        if length and not room:
            close()
        if length > room and len(unit) > 1:  # a tuplet is not torn
            if inside:
                close()
            inside += unit
            room = max(Fraction(0), room - length)
            continue
        item = unit[0]
        while item.duration is not None and item.duration > room:
            rest = item.duration - room
            inside.append(item.lasting(room, bar.unit))
            if item.is_note:
                inside.append(Item("tie", "-"))
            room = Fraction(0)
            close()
            item = item.lasting(rest, bar.unit)
        inside += [item, *unit[1:]]
        room -= sum((one.duration or Fraction(0) for one in (item, *unit[1:])), Fraction(0))
    found.append(_Bar(inside, bar.line, bar.metre, bar.unit))
    return found


def _units(items: Sequence[Item]) -> list[list[Item]]:
    """Return the items in stretches that stay together: a tuplet, a broken rhythm, one item."""
    units: list[list[Item]] = []
    group = 0
    for item in items:
        if item.group and item.group == group:
            units[-1].append(item)
        elif group and item.duration is None and item.kind == "space" and _goes_on(items, item, group):
            units[-1].append(replace(item, group=group))
        else:
            units.append([item])
            group = item.group
    return units


def _goes_on(items: Sequence[Item], item: Item, group: int) -> bool:
    index = next(place for place, other in enumerate(items) if other is item)
    return any(other.group == group for other in items[index:])
