"""Parts of a tune, and the order that the P: field of the header plays them in.

Source: the ABC music standard 2.1, section 3.1.9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from etude.errors import ReadError
from etude.formats.abc.voice import PartMark, Tempo, VoiceEvent
from etude.formats.base import quoted
from etude.music.piece import Metre

MAX_PARTS = 1000  # that are played; a ballad has fewer verses


class MarkedPart(NamedTuple):
    """The events from one P: in the tune to the next, and the metre and the tempo in which they begin."""

    name: str  # "" before the first P:
    metre: Metre | None
    tempo: Tempo | None
    events: list[VoiceEvent]


def part_order(text: str) -> str:
    """Return the parts that a P: field of the header names, each as often as it is played.

    ``A2B`` is AAB, ``(A3B)2`` is AAABAAAB; dots and spaces mean nothing. ReadError if it is not understood.
    """
    groups: list[list[str]] = [[""]]  # of each open parenthesis: what a number may repeat
    for sign, number in re.findall(r"([A-Za-z()]|[^.\s])(\d{0,3})", text):
        times = int(number or 1)
        if sign == "(" and not number:
            groups.append([""])
        elif sign == ")" and len(groups) > 1:
            inner = "".join(groups.pop())
            groups[-1].append(inner * times)
        elif sign.isascii() and sign.isalpha():
            groups[-1].append(sign * times)
        else:
            raise ReadError(f"the order of parts {quoted(text)} is not understood")
        if sum(map(len, groups[-1])) > MAX_PARTS:
            raise ReadError(f"the order of parts {quoted(text)} has more than {MAX_PARTS} parts")
    if len(groups) > 1:
        raise ReadError(f"the order of parts {quoted(text)} is not understood")
    return "".join(groups[0])


def marked_parts(events: Sequence[VoiceEvent], metre: Metre | None, tempo: Tempo | None) -> list[MarkedPart]:
    """Divide a voice, which begins in ``metre`` and ``tempo``, at the P: fields in the tune."""
    parts = [MarkedPart("", metre, tempo, [])]
    for event in events:
        if isinstance(event, PartMark):
            parts.append(MarkedPart(event.name, metre, tempo, []))
            continue
        if isinstance(event, Metre):
            metre = event
        elif isinstance(event, Tempo):
            tempo = event
        parts[-1].events.append(event)
    return parts


def in_order(parts: Sequence[MarkedPart], text: str) -> list[MarkedPart]:
    """Return the parts in the header's order, after the music before the first P: of the tune.

    They stay as written if the tune marks none, or if the header only names the part in which it begins.
    ReadError if the order names a part that the tune does not mark once.
    """
    names = [part.name for part in parts[1:]]
    if not names:
        return list(parts)
    order = part_order(text)
    if len(order) == 1 and order not in names:
        return list(parts)
    for name in order:
        if names.count(name) != 1:
            fault = "is not marked in the tune" if name not in names else "is marked more than once"
            raise ReadError(f"the part {name} of P:{text} {fault}")
    return [parts[0], *(parts[1 + names.index(name)] for name in order)]
