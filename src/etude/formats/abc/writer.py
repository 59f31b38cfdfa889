"""ABC writer: a piece as a tune of the ABC standard 2.1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from etude.formats.abc.signs import SIGN_OF_ALTER
from etude.formats.abc.text import escaped
from etude.music.key import Key
from etude.music.piece import Piece
from etude.music.spelling import Spelling, signature_alters, spell, written_key
from etude.notation.bars import Bar, tempo_marks
from etude.notation.beams import beams_of
from etude.notation.choir import VOICES
from etude.notation.layout import Score, score_of
from etude.notation.noteheads import Head, Tuplet

BARS_A_LINE = 4
UNITS = (Fraction(1, 2), Fraction(1, 4), Fraction(1))  # quarter notes; of equal ones the first


@dataclass(frozen=True)
class _WrittenVoice:
    """One voice of the tune: its name, clef, and heads by bar (none where it is silent).

    ``program`` is that of General MIDI, from 1; 0: none.
    """

    name: str
    clef: str
    label: str
    bars: list[list[Head]]
    shows_rests: bool
    program: int

    @property
    def instrument(self) -> list[str]:
        """The directive that other programs take the instrument from."""
        return [f"%%MIDI program {self.program - 1}"] if self.program else []


def abc_text(piece: Piece) -> str:
    """Return the piece as an ABC tune: header with the key last, four bars to the line.

    A melody has no voice fields. Other music has one ``V:`` for each voice of each staff; ``%%score`` groups
    them into staves. Times are those of the printed score (see ``notation``); velocities are not kept.
    """
    score = score_of(piece)
    voices = _voices(score)
    unit = _unit_length(voices)
    key = written_key(piece.key)
    title = escaped(piece.title) or escaped(piece.name) or "Untitled"
    lines = ["%abc-2.1", "X:1", f"T:{title}", f"M:{score.bars[0].metre}", f"L:{unit / 4}"]
    marks = tempo_marks(score.piece, score.bars)
    tempos = {index: (offset, f"1/4={tempo:.0f}") for index, (offset, tempo) in marks.items()}
    if 0 in tempos and not tempos[0][0]:
        lines.append(f"Q:{tempos.pop(0)[1]}")
    if len(voices) > 1:
        lines.append(f"%%score {_brackets(score)}")
    if len(voices) > 1 or voices[0].clef == "bass":  # in some programs a bass clef in K: transposes
        lines += [f"V:{voice.name} clef={voice.clef}{_named(voice.label)}" for voice in voices]
    mode_text = {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])
    if len(voices) == 1:
        lines += voices[0].instrument
    lines.append(f"K:{key.tonic}{mode_text}")
    for voice in voices:
        if len(voices) > 1:
            lines += [f"V:{voice.name}", *voice.instrument]
        lines += _music_lines(voice, score, unit, tempos if voice is voices[0] else {})
    return "\n".join(lines) + "\n"


def _music_lines(
    voice: _WrittenVoice, score: Score, unit: Fraction, tempos: dict[int, tuple[Fraction, str]]
) -> list[str]:
    """Return the bars of a voice, a few to the line; ``tempos``: offset in the bar and value of Q: by bar."""
    key = written_key(score.piece.key)
    bars: list[str] = []
    for index, bar in enumerate(score.bars):
        fields = f"[M:{bar.metre}]" if index and bar.states_metre else ""
        text = _bar_text(voice.bars[index], bar, unit, key, voice.shows_rests, tempo=tempos.get(index))
        bars.append(fields + text)
    rows = [" | ".join(bars[first : first + BARS_A_LINE]) for first in range(0, len(bars), BARS_A_LINE)]
    return [row + (" |]" if row is rows[-1] else " |") for row in rows]


def _named(label: str) -> str:
    return f' name="{escaped(label).replace(chr(34), chr(39))}"' if label else ""


def _voices(score: Score) -> list[_WrittenVoice]:
    """Return the voices of all staves from the top, numbered from 1."""
    voices: list[_WrittenVoice] = []
    for part in score.parts:
        for staff in part.staves:
            for place in range(len(staff.voices[0])):
                bars = [voices_of_bar[place] for voices_of_bar in staff.voices]
                is_first_of_part = staff is part.staves[0] and place == 0
                label, program = part.name if is_first_of_part else "", part.program
                if part.singers:
                    singer = part.singers[len(voices)]
                    label = score.piece.part_name(singer) or VOICES[len(voices)]
                    program = score.piece.program(singer)
                voices.append(
                    _WrittenVoice(
                        str(len(voices) + 1),
                        Counter(staff.clefs).most_common(1)[0][0],
                        label,
                        bars,
                        place == 0 or bool(part.singers),
                        program,
                    )
                )
    return voices


def _brackets(score: Score) -> str:
    """Return the ``%%score`` value: voices of a staff in parentheses, staves of an instrument in braces.

    The staves of a choir are in brackets.
    """
    number = 0
    parts: list[str] = []
    for part in score.parts:
        staves: list[str] = []
        for staff in part.staves:
            names = [str(number + place + 1) for place in range(len(staff.voices[0]))]
            number += len(names)
            staves.append(f"({' '.join(names)})" if len(names) > 1 else names[0])
        opening, closing = "[]" if part.singers else "{}"
        parts.append(f"{opening}{' | '.join(staves)}{closing}" if len(staves) > 1 else staves[0])
    return " ".join(parts)


def _unit_length(voices: Sequence[_WrittenVoice]) -> Fraction:
    """Return the unit of UNITS that needs the fewest numbers after notes."""
    counts = Counter(_value(head) for voice in voices for bar in voice.bars for head in bar)

    def characters(unit: Fraction) -> int:
        return sum(count * len(length_text(value / unit)) for value, count in counts.items())

    return min(UNITS, key=characters)


def _value(head: Head) -> Fraction:
    """Return the written length of a head in quarter notes: a triplet's eighth is an eighth."""
    ratio = Fraction(head.tuplet.actual, head.tuplet.normal) if head.tuplet else Fraction(1)
    return head.duration * ratio


def _bar_text(
    heads: Sequence[Head],
    bar: Bar,
    unit: Fraction,
    key: Key,
    shows_rests: bool,
    *,
    tempo: tuple[Fraction, str] | None = None,
) -> str:
    """Return one bar of one voice; beamed notes are not separated by spaces.

    ``tempo``, an offset and the value of a Q: field, stands before the first note from there on.
    """
    rest = "z" if shows_rests else "x"
    offset, quarters_a_minute = tempo or (bar.length, "")
    changes = next((index for index, head in enumerate(heads) if head.start >= offset), -1)
    if not heads:
        return (f"[Q:{quarters_a_minute}]" if tempo else "") + rest + length_text(bar.length / unit)
    accidentals = _Accidentals(key)
    beams = beams_of(heads, bar)
    words: list[str] = []
    for index, head in enumerate(heads):
        text = f"[Q:{quarters_a_minute}]" if index == changes else ""
        if head.tuplet and head.tuplet.begins:
            text += _tuplet_mark(head.tuplet, heads[index:])
        notes = _notes([spell(pitch, key) for pitch in head.pitches], accidentals)
        text += f"[{''.join(notes)}]" if len(notes) > 1 else "".join(notes) or rest
        text += length_text(_value(head) / unit) + ("-" if head.tied_after else "")
        joins = bool(beams[index]) and beams[index][0] in {"continue", "end"}
        if joins:
            words[-1] += text
        else:
            words.append(text)
    if tempo and changes < 0:
        words.append(f"[Q:{quarters_a_minute}]")
    return " ".join(words)


def _tuplet_mark(tuplet: Tuplet, heads: Sequence[Head]) -> str:
    """Return the sign that begins a tuplet of ``heads``: "(3" for three notes, else (notes:time:heads)."""
    count = next(count for count, head in enumerate(heads, start=1) if head.tuplet and head.tuplet.ends)
    if count == tuplet.actual == 3:
        return "(3"
    return f"({tuplet.actual}:{tuplet.normal}:{count}"


def length_text(length: Fraction) -> str:
    """Return a length in units as ABC writes it: nothing for 1, else 3, 3/2, /2."""
    if length.denominator == 1:
        return "" if length == 1 else str(length)
    return f"{'' if length.numerator == 1 else length.numerator}/{length.denominator}"


class _Accidentals:
    """Accidentals in force in a bar.

    By the standard an accidental holds for its letter in all octaves; most programs apply it to its own
    octave only. Where the two would differ, the accidental is written. It is also written for a note on the
    line or space of another note of its chord, since a tie might carry the other's accidental over a bar
    line.
    """

    def __init__(self, key: Key) -> None:
        self.signature = signature_alters(key.fifths)
        self.by_letter: dict[str, int] = {}
        self.by_place: dict[tuple[str, int], int] = {}

    def before(self, note: Spelling, *, shares_place: bool) -> str:
        """Return the accidental to write before a note, and remember it."""
        unmarked = self.signature[note.letter]
        place = (note.letter, note.octave)
        readings = {self.by_letter.get(note.letter, unmarked), self.by_place.get(place, unmarked)}
        if readings == {note.alter} and not shares_place:
            return ""
        self.by_letter[note.letter] = self.by_place[place] = note.alter
        return SIGN_OF_ALTER[note.alter]


def _notes(chord: Sequence[Spelling], accidentals: _Accidentals) -> list[str]:
    """Return the notes of a chord (or of one note, or none) with their accidentals."""
    places = Counter((note.letter, note.octave) for note in chord)
    return [
        accidentals.before(note, shares_place=places[note.letter, note.octave] > 1) + _letter(note)
        for note in chord
    ]


def _letter(note: Spelling) -> str:
    if note.octave >= 5:
        return note.letter.lower() + "'" * (note.octave - 5)
    return note.letter + "," * (4 - note.octave)
