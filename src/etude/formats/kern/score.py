"""Reader of ``**kern`` files with several voices: spines side by side, split spines, chords."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from etude.errors import ReadError
from etude.formats.base import counted_piece, quoted
from etude.formats.kern.sections import SectionList
from etude.formats.kern.spines import Branch, Spines
from etude.formats.kern.tokens import (
    KernEvent,
    before_control_character,
    is_metre,
    read_event,
    read_key,
    read_metre,
    read_signature,
    read_tempo,
)
from etude.formats.repeats import BarContent, BarSigns, laid_out, playing_order
from etude.formats.tied_notes import TiedNote, joined
from etude.music.key import Key
from etude.music.piece import Piece

Value = TypeVar("Value")

_DURATION = re.compile(r"[\d%.]+")


@dataclass
class _Score:
    title: str = ""
    key: Key | None = None
    signature: int | None = None
    bars: list[BarContent] = field(default_factory=lambda: [BarContent()])
    signs: list[BarSigns] = field(default_factory=lambda: [BarSigns()])
    sections: SectionList = field(default_factory=SectionList)
    names: dict[int, str] = field(default_factory=dict)  # by spine
    spines: set[int] = field(default_factory=set)  # those of **kern
    first_bar: Fraction | None = None
    begin: Fraction = Fraction(0)  # of the present bar
    end: Fraction = Fraction(0)

    def begin_bar(self, now: Fraction) -> None:
        """Begin another bar here, unless one has just begun."""
        if now == self.begin:
            return
        self.bars[-1].length = now - self.begin
        self.bars.append(BarContent())
        self.signs.append(BarSigns())
        self.begin = now


def read_score(text: str, name: str, *, expand_repeats: bool = False) -> Piece:
    """Return the piece of a text; its parts are the ``**kern`` spines, the highest staff (the last) first.

    Every branch of a split spine is one more voice of its part. ``expand_repeats``: in the order of playing.
    ReadError, with its line, where events of one line would not sound at once.
    """
    score, spines = _Score(), Spines()
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.startswith("!!!OTL") and not score.title:
                score.title = line.partition(":")[2].strip()
            now = _now(spines, score)
            _read_line(score, spines.fields(line.rstrip(" ")), now)
        except ReadError as error:
            raise error.at("", f"line {number}") from None
    if spines.branches:
        raise ReadError("the spines do not end with *-: the file may be cut short")
    if not any(bar.notes for bar in score.bars):
        raise ReadError("there are no notes")
    return _piece(score, name, expand_repeats)


def _now(spines: Spines, score: _Score) -> Fraction:
    """Return the time of the next event: when the first of the sounding ones ends."""
    ends = [branch.end for branch in spines.branches if branch.kind == "**kern" and branch.end is not None]
    return min(ends, default=score.end)


def _read_line(score: _Score, found: list[tuple[Branch, str]], now: Fraction) -> None:
    fields = [(branch, token) for branch, token in found if branch.kind == "**kern" and token != "."]
    if not fields:
        return
    sign = found[0][1][:1]
    if sign == "*":
        for branch, token in reversed(fields):  # the highest staff has the word
            _read_interpretation(score, branch, token, now)
    elif sign == "=":
        if score.first_bar is None:
            score.first_bar = now
        score.begin_bar(now)
        _read_bar_line(score, fields[0][1])
    elif sign != "!":
        _read_events(score, fields, now)


def _read_bar_line(score: _Score, token: str) -> None:
    if re.search(":[|!]", token) and len(score.signs) > 1:
        score.signs[-2].passes = 2
    if re.search("[|!]:", token):
        score.signs[-1].begins = True


def _read_interpretation(score: _Score, branch: Branch, token: str, now: Fraction) -> None:
    if token == "**kern":
        score.spines.add(branch.spine)
    elif token.startswith('*I"'):
        score.names.setdefault(branch.spine, token[3:].strip())
    elif token.startswith("*MM"):
        if tempo := read_tempo(token):
            _state(score.bars[-1].tempos, now - score.begin, tempo)
    elif is_metre(token):
        _state(score.bars[-1].metres, now - score.begin, read_metre(token))
    elif token.startswith("*>"):
        score.begin_bar(now)
        score.sections.read(token, len(score.bars) - 1)
    elif token.startswith("*k["):
        if score.signature is None:
            score.signature = read_signature(token)
    elif score.key is None:
        score.key = read_key(token)


def _state(changes: list[tuple[Fraction, Value]], time: Fraction, value: Value) -> None:
    """Add a change, unless another staff has stated one at this time."""
    if not changes or changes[-1][0] != time:
        changes.append((time, value))


def _read_events(score: _Score, fields: list[tuple[Branch, str]], now: Fraction) -> None:
    for branch, token in fields:
        events = _events(before_control_character(token))
        if not events:  # grace notes: their spine goes on from now
            branch.end = now if branch.end is None else branch.end
            continue
        if branch.end is not None and branch.end != now:
            raise ReadError(f"{quoted(token)} comes before the event ahead of it in its spine has ended")
        durations = [event.duration for event in events]
        branch.end = now + min(durations)
        score.end = max(score.end, now + max(durations))
        for event in events:
            if event.pitch is not None:
                onset = now - score.begin
                score.bars[-1].notes.append(
                    TiedNote(
                        onset, event.duration, event.pitch, branch.spine, event.opens_tie, event.closes_tie
                    )
                )


def _events(token: str) -> list[KernEvent]:
    """Return the events of a chord's notes, or of the one note; a note without duration has the first's."""
    notes = token.split()
    duration = _DURATION.search(notes[0]) if notes else None
    with_duration = [note if _DURATION.search(note) or not duration else duration[0] + note for note in notes]
    return [event for note in with_duration if (event := read_event(note))]


def _piece(score: _Score, name: str, expand_repeats: bool) -> Piece:
    part_of = {spine: part for part, spine in enumerate(sorted(score.spines, reverse=True))}
    score.bars[-1].length = score.end - score.begin
    order = list(range(len(score.bars)))
    if expand_repeats:
        order = score.sections.order(len(score.bars)) or playing_order(score.signs)
    line = laid_out(score.bars, order)
    key = score.key
    if key is None and score.signature is not None:
        key = Key.from_fifths(score.signature)
    metres = sorted(line.metres.items())
    before_bar = score.first_bar or Fraction(0)
    return counted_piece(
        [note._replace(part=part_of[note.part]) for note in joined(line.notes)],
        length=line.length,
        title=score.title,
        name=name,
        key=key,
        metres=metres,
        tempos=sorted(line.tempos.items()),
        pickup=before_bar if metres and before_bar < metres[0][1].quarters else 0,
        part_names=tuple(score.names.get(spine, f"Part {part + 1}") for spine, part in part_of.items())
        if len(part_of) > 1
        else (),
    )
