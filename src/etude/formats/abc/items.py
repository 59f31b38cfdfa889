"""The signs of an ABC line as items that can be mended: each with its text and how long it sounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from etude.errors import ReadError
from etude.formats.abc.fields import Settings
from etude.formats.abc.signs import SIGN, endings, natural_pitch, note_length
from etude.formats.abc.voice import TUPLET_TIME
from etude.formats.abc.writer import length_text

MOST_TUPLET_NOTES = 9
HIGHEST_NATURAL = 120  # a natural's pitch, so that accidentals stay within MIDI's range
_KEPT = {"space", "slur", "grace", "quoted", "decoration", "spacer"}
_CHORD_MEMBER = re.compile(r"(?:\^\^?|__?|=)?[A-Ga-g][,']*")


@dataclass(frozen=True)
class Item:
    """One sign; ``duration`` (quarter notes) if it takes time.

    Items of one ``group`` (a tuplet, the two sides of a broken rhythm) stay together; 0 is none.
    """

    kind: str
    text: str
    duration: Fraction | None = None
    group: int = 0
    head: str = ""  # of a note, rest or chord: the text without length

    @property
    def is_note(self) -> bool:
        """Whether it sounds."""
        return self.kind in ("note", "chord")

    def lasting(self, duration: Fraction, unit: Fraction) -> Item:
        """Return a note, rest or chord with another duration; ``unit`` in quarter notes."""
        return replace(self, duration=duration, text=self.head + length_text(duration / unit))

    def unadorned(self) -> Item:
        """Return a bar line without repeat or ending, anything else as it is."""
        return replace(self, text="|") if self.kind == "bar" else self


def items_of(line: str, settings: Settings, repairs: list[str]) -> list[Item]:
    """Return the items of a line of music, without what means nothing, which ``repairs`` tells.

    Fields within the line change ``settings``.
    """
    items: list[Item] = []
    stray = ""
    position = 0
    while position < len(line):
        sign = SIGN.match(line, position)
        if sign is None:
            stray += line[position]
            position += 1
            continue
        position = sign.end()
        item = _item(sign, settings)
        if item is not None:
            items.append(item)
        elif sign.lastgroup not in ("comment", "line_break"):
            stray += sign[0]
    if stray:
        repairs.append(f"{stray[:40]!r} means nothing and was left out")
    return _grouped(items, settings, repairs)


def _item(sign: re.Match[str], settings: Settings) -> Item | None:
    """Return the item of a sign, or None if it cannot be read."""
    text, unit = sign[0], settings.unit_length
    item: Item | None = None
    match sign.lastgroup:
        case "note" | "length":
            duration = _duration(sign["length"], unit)
            if duration and _is_in_range(sign["letter"]):
                item = Item("note", text, duration, head=(sign["accidental"] or "") + sign["letter"])
        case "rest" | "rest_length":
            if duration := _duration(sign["rest_length"], unit):
                item = Item("rest", text, duration, head=text[0])
        case "many_rests":
            if settings.metre and (bars := int(text[1:] or 1)):
                item = Item("rest", text, settings.metre.quarters * bars, head="z")
        case "chord" | "chord_length":
            item = _chord(sign, unit)
        case "bar" | "first_ending":
            item = Item("bar", text)
        case "field" if _takes_field(settings, text[1], text[3:-1]):
            item = Item("field", text)
        case "tuplet" | "broken" | "tie" | "ending" as kind:
            item = Item(kind, text)
        case kind if kind in _KEPT:
            item = Item("space", text)
    return item


def _takes_field(settings: Settings, letter: str, value: str) -> bool:
    try:
        settings.read_field(letter, value)
    except ReadError:
        return False
    return letter in "KLMQ"


def _chord(sign: re.Match[str], unit: Fraction) -> Item | None:
    """Return a chord with its members' lengths left out: all last as long as the first."""
    members = _CHORD_MEMBER.findall(sign["members"])
    first = SIGN.match(sign["members"])
    if not members or first is None or not all(_is_in_range(re.sub(r"[\^_=]", "", name)) for name in members):
        return None
    own = first["length"] if first["letter"] else ""
    duration, factor = _duration(own, Fraction(1)), _duration(sign["chord_length"], unit)
    if not duration or not factor:
        return None
    chord = Item("chord", "", None, 0, f"[{''.join(dict.fromkeys(members))}]")
    return chord.lasting(duration * factor, unit)


def _duration(length: str | None, unit: Fraction) -> Fraction | None:
    try:
        return unit * note_length(length or "")
    except ReadError:
        return None


def _is_in_range(letter: str) -> bool:
    return 12 <= natural_pitch(letter) <= HIGHEST_NATURAL


def _grouped(items: list[Item], settings: Settings, repairs: list[str]) -> list[Item]:
    """Give tuplets and broken rhythms their durations; leave out those, and ties, that lack their notes."""
    kept: list[Item] = []
    index = 0
    while index < len(items):
        item = items[index]
        if item.kind == "tuplet":
            members = _tuplet(items, index, settings)
            if members:
                kept += members
                index += len(members)
                continue
            repairs.append(f"the tuplet {item.text!r} lacks notes; its mark was left out")
        elif item.kind == "broken":
            if not _break(kept, items, index):
                repairs.append(f"{item.text!r} without a note on both sides was left out")
        elif item.kind == "tie":
            if kept and kept[-1].is_note:
                kept.append(item)
            else:
                repairs.append("a tie with no note before it was left out")
        else:
            kept.append(item)
        index += 1
    return kept


def _tuplet(items: list[Item], start: int, settings: Settings) -> list[Item]:
    """Return the tuplet that begins at ``start``, mark included, or [] if it is not complete."""
    numbers = [int(number) if number else None for number in items[start].text[1:].split(":")]
    notes, time, count = (*numbers, None, None)[:3]
    is_compound = settings.metre is not None and settings.metre.beats > 3 and settings.metre.beats % 3 == 0
    time = TUPLET_TIME.get(notes or 0, 3 if is_compound else 2) if time is None else time
    left = notes if count is None else count
    if not notes or not time or not left or max(notes, left) > MOST_TUPLET_NOTES:
        return []
    group = start + 1
    members = [replace(items[start], group=group)]
    for item in items[start + 1 :]:
        if item.kind in ("bar", "ending", "tuplet", "broken", "field"):
            return []
        if item.duration is None:
            members.append(replace(item, group=group))
            continue
        members.append(replace(item, group=group, duration=item.duration * Fraction(time, notes)))
        left -= 1
        if not left:
            return members
    return []


def _break(kept: list[Item], items: list[Item], index: int) -> bool:
    """Apply a broken rhythm to the item before it and the one after, if both are notes that are free."""
    after = index + 1
    while after < len(items) and items[after].kind == "space":
        after += 1
    before = len(kept) - 1
    while before >= 0 and kept[before].kind == "space":
        before -= 1
    if before < 0 or after == len(items) or kept[before].group or items[after].duration is None:
        return False
    last = kept[before]
    following = items[after]
    if last.duration is None or following.duration is None:
        return False
    group = index + 1
    short = Fraction(1, 2 ** len(items[index].text))
    factors = (2 - short, short) if items[index].text[0] == ">" else (short, 2 - short)
    kept[before] = replace(last, duration=last.duration * factors[0], group=group)
    kept.append(replace(items[index], group=group))
    items[after] = replace(following, duration=following.duration * factors[1], group=group)
    return True


def with_balanced_repeats(items: list[Item], repairs: list[str]) -> list[Item]:
    """Return the items without repeat signs that have no other end, nor endings without a repeat.

    Ending n follows the repeat sign of another, where n - 1 came before.
    """
    mended = list(items)
    opened: int | None = None  # index of the bar line that begins a repeat which has not ended
    first_ending: int | None = None
    before: frozenset[int] = frozenset()  # the passes of this section's endings so far
    another_may_follow = False
    for index, item in enumerate(items):
        if item.kind not in ("bar", "ending"):
            if another_may_follow and item.duration is not None:
                another_may_follow, before = False, frozenset()
            continue
        number = re.search(r"\d[\d,.-]*$", item.text)
        passes = endings(number[0] if number else "")
        colons = re.sub(r"[^:|]", "", item.text)
        if colons and item.kind == "bar":
            ends, begins = colons.startswith(":"), colons.endswith(":")
            if begins and not ends and opened is not None:
                _without_colons(mended, opened, repairs)
            if ends:
                another_may_follow, first_ending = bool(before), None
                opened = None
            if begins:
                opened, before = index, frozenset()
        if 1 in passes and first_ending is None:
            first_ending, before = index, passes
        elif another_may_follow and any(one - 1 in before for one in passes - before):
            another_may_follow, before = False, before | passes
        elif number:
            _without_ending(mended, index, repairs)
    if opened is not None:
        _without_colons(mended, opened, repairs)
    if first_ending is not None:
        _without_ending(mended, first_ending, repairs)
    return [item for item in mended if item.text]


def _without_colons(items: list[Item], index: int, repairs: list[str]) -> None:
    text = re.sub(r":+$", "", items[index].text)
    items[index] = replace(items[index], text=text if "|" in text else f"{text}|")
    repairs.append("a repeat that never ends was left out")


def _without_ending(items: list[Item], index: int, repairs: list[str]) -> None:
    items[index] = replace(items[index], text=re.sub(r"\[?\d[\d,.-]*$", "", items[index].text))
    repairs.append("an ending without its repeat was left out")
