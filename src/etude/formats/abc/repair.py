"""Repairing ABC: what a network wrote becomes tunes that programs can read; what was mended is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from etude.errors import ReadError
from etude.files import atomic_write
from etude.formats.abc.fields import Settings, strip_comment
from etude.formats.abc.full_bars import with_full_bars
from etude.formats.abc.items import Item, items_of, with_balanced_repeats
from etude.formats.abc.reader import directive_as_field, is_music, parse_abc

VERSION_LINE = "%abc-2.1"
DEFAULTS = {"T": "Untitled", "M": "4/4", "L": "", "K": "C"}  # for fields that a header lacks; L: by the metre

MOST_PASSES = 4  # one repair may bring another to light

_TUNE = re.compile(r"^(?=X:)", re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z]):\s*(.*)")
_KEY = re.compile(r"K:\s*(?:[A-G][#b]?m?(?![a-z]))?")
_LAYERED = re.compile(r'V:|.*\[V:|(?![A-Za-z+]:)(?:[^"&%]|"[^"]*")*&')
_FIELDS_IN_HEADER = "ABCDFGHIMLNOPQRSTUVWZ"
_FIELDS_IN_BODY = "IKLMNPQRTUWw"


class Repaired(NamedTuple):
    """ABC text that can be read, and a line for each thing that was mended."""

    text: str
    repairs: list[str]


def split_tunes(text: str) -> list[str]:
    """Return the text's tunes, each from its ``X:`` line to the next; what stands before the first is one."""
    parts = _TUNE.split(text.replace("\r\n", "\n"))
    return [part for part in parts if any(line.strip() and line[0] != "%" for line in part.split("\n"))]


def repair_abc(text: str) -> Repaired:
    """Return the text as tunes of the ABC standard 2.1 that our reader takes, and what was mended.

    A header lacks nothing and ends with K:; the body has no sign that means nothing, no tie, broken rhythm or
    tuplet without its notes, no repeat without its other end, and bars that fill the metre: a rest fills
    what is short, a bar line divides what is long. Pickups, and the bars that complete them, stay. A
    tune without a note is left out. A tune in which nothing is wrong keeps its words and notes, but that a
    chord lasts as long as its first note and is tied as a whole. Music in voices (V:) or layers (&) that
    our reader takes is not judged: it stays as it is.
    """
    text, repairs = _repaired_once(text)
    for _ in range(MOST_PASSES - 1):
        text, more = _repaired_once(text)
        repairs += more
        if not more:
            break
    return Repaired(text, repairs)


def _repaired_once(text: str) -> tuple[str, list[str]]:
    tunes: list[str] = []
    repairs: list[str] = []
    for source in split_tunes(text):
        number = len(tunes) + 1
        tune, mended = _repaired_tune(source, number)
        repairs += [f"X:{number}: {repair}" for repair in mended]
        if tune:
            tunes.append(tune)
    return "\n".join([VERSION_LINE + "\n", *tunes]) if tunes else "", repairs


def write_repaired_abc(text: str, stem: Path) -> list[Path]:
    """Write the text as it is to ``stem.raw.abc``, and repaired, its repairs first, to ``stem.abc``."""
    raw, mended = stem.with_name(f"{stem.name}.raw.abc"), stem.with_name(f"{stem.name}.abc")
    repaired = repair_abc(text)
    version, _, tunes = repaired.text.partition("\n")
    told = [f"% {len(repaired.repairs)} repairs", *(f"% {repair}" for repair in repaired.repairs)]
    atomic_write(raw, text.encode())
    atomic_write(mended, "\n".join([version or VERSION_LINE, *told, tunes]).encode())
    return [raw, mended]


def _repaired_tune(source: str, number: int) -> tuple[str, list[str]]:
    """Return a tune that can be read, or "" if it has no music, and what was mended."""
    repairs: list[str] = []
    header, body = _divided(source, repairs)
    if not any("|" in line for line in body):  # the last resort: a field with bars
        barred = [line for line in header if "|" in strip_comment(line) and line[:2] not in ("X:", "K:")]
        body += [" " + line for line in barred]
        repairs += [f"what has bars was taken for music: {_shown(line)}" for line in barred]
        header = [line for line in header if line not in barred]
    settings, lines = _header(header, number, repairs)
    if settings.voices or any(_LAYERED.match(line) for line in body):
        tune = "\n".join([*lines, *body]) + "\n"
        if not parse_abc(tune).rejected:
            return tune, repairs
        repairs.append("voices and layers were left out: they cannot be read")
        lines = [line for line in lines if not line.startswith("V:")]
    items = _body(body, settings.copy(), repairs)
    items = with_balanced_repeats(items, repairs)
    items = with_full_bars(items, settings, repairs)
    tune = "\n".join([*lines, _text(items)]) + "\n"
    rejected = parse_abc(tune).rejected
    if not rejected:
        return tune, repairs
    plain = [item for item in items if item.duration is not None or item.kind in ("bar", "space", "line")]
    tune = "\n".join([*lines, _text([item.unadorned() for item in plain])]) + "\n"
    if any(item.is_note for item in plain) and not parse_abc(tune).rejected:
        return tune, [*repairs, f"everything but notes and bars was left out: {rejected[0].reason}"]
    return "", [*repairs, "the tune was left out: there are no notes in it"]


def _divided(source: str, repairs: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines of the header and of the body, which begins after K: or where music does."""
    header: list[str] = []
    body: list[str] = []
    lines = [line.rstrip() for line in source.split("\n") if line.strip()]
    for index, line in enumerate(lines):
        if is_music(line):
            body.append(line)
            if not any(later.startswith("K:") for later in lines[index:]):
                body += lines[index + 1 :]
                break
            repairs.append("music before K: was moved below it")
        elif line.startswith("K:") and "|" in strip_comment(line):
            key = _KEY.match(line)
            assert key is not None
            repairs.append("music behind K: was moved below it")
            return [*header, key[0]], [" " + line[key.end() :], *body, *lines[index + 1 :]]
        elif _FIELD.fullmatch(line) or line.startswith("%"):
            header.append(line)
            if line.startswith("K:"):
                return header, body + lines[index + 1 :]
        else:
            repairs.append(f"a line in the header that is no field was left out: {_shown(line)}")
    return header, body


def _header(lines: Sequence[str], number: int, repairs: list[str]) -> tuple[Settings, list[str]]:
    """Return the settings of the header and its lines: X: first, T: next, K: last."""
    settings = Settings()
    fields: dict[str, list[str]] = {}
    for line in lines:
        match = _FIELD.fullmatch(directive_as_field(line))
        if match is None:
            continue  # a comment
        letter, value = match[1], match[2].strip()
        if letter in "XK" or letter in _FIELDS_IN_HEADER:
            if letter in fields and letter in "XKML":
                repairs.append(f"a second {letter}: was left out")
            elif letter == "X" or (value and value[0] not in ":|" and _is_read(settings, letter, value)):
                fields.setdefault(letter, []).append(value)
            else:
                repairs.append(f"{_shown(line)} is not understood and was left out")
        else:
            repairs.append(f"{_shown(line)} has no place in a header and was left out")
    if not fields.get("X", [""])[0].isdigit():
        repairs.append(f"X:{number} was put in")
    fields["X"] = [str(number)]
    for letter, default in DEFAULTS.items():
        if letter not in fields:
            value = default or str(settings.unit_length / 4)
            repairs.append(f"{letter}:{value} was put in")
            fields[letter] = [value]
            settings.read_field(letter, value)
    rest = [letter for letter in fields if letter not in "XTMLK"]
    return settings, [f"{letter}:{value}" for letter in (*"XT", *rest, *"MLK") for value in fields[letter]]


def _is_read(settings: Settings, letter: str, value: str) -> bool:
    try:
        settings.read_field(letter, value)
    except ReadError:
        return False
    return True


def _body(lines: Sequence[str], settings: Settings, repairs: list[str]) -> list[Item]:
    items: list[Item] = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if line.startswith("%"):
            continue
        if line.startswith("+:"):
            items.append(Item("field", f"\n{line}\n"))
        elif match and not is_music(line):
            if match[1] in _FIELDS_IN_BODY and _is_read(settings, match[1], match[2]):
                items.append(Item("field", f"\n{line}\n"))
            elif "|" in line:  # music, and no field
                items += [*items_of(" " + line, settings, repairs), Item("line", "\n")]
            else:
                repairs.append(f"{_shown(line)} is not understood and was left out")
        else:
            items += [*items_of(line, settings, repairs), Item("line", "\n")]
    return items


def _text(items: Sequence[Item]) -> str:
    text = re.sub(r" *\n+ *", "\n", "".join(item.text for item in items)).strip()
    return re.sub(r"  +", " ", text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
