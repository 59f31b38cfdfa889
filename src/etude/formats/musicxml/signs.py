"""Repeats, endings and jumps of a MusicXML score, bar by bar.

Source: MusicXML 4.0, the elements barline, repeat, ending, sound, segno and coda. A direction that no sound
element explains is understood by its words: D.C., D.S., Fine, To Coda.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from etude.errors import ReadError
from etude.formats.base import quoted
from etude.formats.repeats import BarSigns

_SOUNDS = {"segno": "segno", "coda": "coda", "fine": "fine", "tocoda": "to_coda"}  # attribute: sign
_WORDS = (
    ("capo", re.compile(r"\s*(D\.?\s?C\b\.?|da capo\b)", re.IGNORECASE)),
    ("dal segno", re.compile(r"\s*(D\.?\s?S\b\.?|dal segno\b)", re.IGNORECASE)),
    ("fine", re.compile(r"\s*fine\W*", re.IGNORECASE)),
    ("to_coda", re.compile(r"\s*to coda\b", re.IGNORECASE)),
)
_MOST_PASSES = 100


def read_signs(bars: Iterable[Sequence[ET.Element]]) -> list[BarSigns]:
    """Return the signs of bars, each given as the measures of its parts; a sign in one part is for all."""
    found: list[BarSigns] = []
    ending: frozenset[int] = frozenset()
    for measures in bars:
        bar = BarSigns()
        stops = False
        for measure in measures:
            for barline in measure.iterfind("barline"):
                if (repeat := barline.find("repeat")) is not None:
                    _read_repeat(bar, repeat, measure)
                if (mark := barline.find("ending")) is not None:
                    if mark.get("type") == "start":
                        ending = _passes(mark)
                    else:
                        stops = True
            for direction in measure.iterfind("direction"):
                _read_direction(bar, direction)
            for sound in measure.iterfind("sound"):
                _read_sound(bar, sound)
        bar.ending = ending
        ending = frozenset() if stops else ending
        found.append(bar)
    return found


def _read_repeat(bar: BarSigns, repeat: ET.Element, measure: ET.Element) -> None:
    if repeat.get("direction") == "forward":
        bar.begins = True
        return
    times = repeat.get("times", "2")
    if not times.isdecimal() or not 1 < int(times[:4]) <= _MOST_PASSES:
        raise ReadError(f"a repeat of {quoted(times)} times", place=f"measure {measure.get('number', '?')}")
    bar.passes = max(bar.passes, int(times))


def _passes(ending: ET.Element) -> frozenset[int]:
    numbers = [int(number) for number in re.findall(r"\d{1,3}", ending.get("number", ""))]
    passes = frozenset(number for number in numbers if 0 < number <= _MOST_PASSES)
    if not passes:
        raise ReadError(f"an ending with the number {quoted(ending.get('number', ''))}")
    return passes


def _read_direction(bar: BarSigns, direction: ET.Element) -> None:
    sound = direction.find("sound")
    if sound is not None and _read_sound(bar, sound):
        return
    bar.segno = bar.segno or direction.find("direction-type/segno") is not None
    text = "".join(words.text or "" for words in direction.iterfind("direction-type/words"))
    sign = next((name for name, pattern in _WORDS if pattern.match(text)), "")
    if sign:
        bar.mark(sign)
    elif direction.find("direction-type/coda") is not None:
        bar.coda = True


def _read_sound(bar: BarSigns, sound: ET.Element) -> bool:
    """Read the signs of a sound element; return whether it has any."""
    found = {name for attribute, name in _SOUNDS.items() if sound.get(attribute)}
    for name in found:
        setattr(bar, name, True)
    if sound.get("dacapo") == "yes":
        bar.jump = "capo"
    elif sound.get("dalsegno"):
        bar.jump = "segno"
    return bool(found or bar.jump)
