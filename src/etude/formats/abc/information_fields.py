"""Information fields of ABC that affect the notes: key, metre, unit note length, tempo, voice.

Source: the ABC music standard 2.1, section 3 (fields) and section 4.6 (clefs and transposition).
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from etude.errors import ReadError
from etude.formats.abc.macros import MAX_MACROS, Macro, read_macro
from etude.formats.abc.signs import ACCIDENTALS
from etude.formats.abc.text import unescaped
from etude.formats.base import quoted
from etude.music.key import MODE_OF_ABBREVIATION, Key
from etude.music.piece import Metre
from etude.music.spelling import signature_alters

MAX_VOICES = 128  # an orchestra has fewer
MOST_ACCIDENTALS = 7  # of the key signatures that other programs know

MODES = {"": "major", "maj": "major", "m": "minor", "min": "minor"} | MODE_OF_ABBREVIATION

_CLEFS = {
    "treble", "alto", "tenor", "bass", "perc", "clef", "middle", "transpose", "octave", "stafflines",
}  # fmt: skip
_KEY = re.compile(r"([A-G])([#b]?)(?:\s*([A-Za-z]+))?(?![A-Za-z]|=(?![A-Ga-g](?![A-Za-z])))")
_EXPLICIT = re.compile(r"(\^\^?|__?|=)([A-Ga-g])")
_KEY_WORD = re.compile(r"((?:(?:\^\^?|__?|=)[A-Ga-g])+)(?!\S)|([A-Za-z]\w*\s*=\s*(?:\"[^\"]*\"|\S+))|(\S+)")
_BEFORE_COMMENT = re.compile(r"(?:[^\\%]|\\.|\\$)*", re.DOTALL)
_METRE = re.compile(r"\(?(\d{1,3}(?:\s*\+\s*\d{1,3})*)\)?\s*/\s*(\d{1,3})")
_UNIT = re.compile(r"(\d{1,3})(?:/(\d{1,4}))?")
_BEATS = re.compile(r"(\d{1,3}/\d{1,3}(?:\s+\d{1,3}/\d{1,3}){0,3})\s*=\s*(\d{1,4}(?:\.\d{1,6})?)")
_UNIT_BEATS = re.compile(r"(?:[Cc](\d{0,2})\s*=\s*)?(\d{1,4}(?:\.\d{1,6})?)")
_OCTAVE_CLEF = re.compile(r"[a-z]+[1-5]?([+-])8")
PROGRAM = re.compile(r"MIDI program\s+(?:\d{1,2}\s+)?(\d{1,3})")  # the number before it is a channel
_OPTION = re.compile(r"(\w+)\s*=\s*(\"[^\"]*\"|\S+)|(\S+)")


class KeySignature(NamedTuple):
    """Content of a K: field: the key if it names one, alterations by letter, semitones to transpose by."""

    key: Key | None
    semitones: dict[str, int]  # letter A to G: -2..2, without naturals
    transposition: int


@dataclass
class TuneSettings:
    """Settings that fields make, of a file header, a tune header or a voice."""

    title: str = ""
    signature: KeySignature | None = None
    metre: Metre | None = None
    unit: Fraction | None = None  # in quarter notes, once an L: field gives it
    tempo: str = ""
    parts: str = ""  # order of the parts (3.1.9)
    macros: tuple[Macro, ...] = ()
    propagation: str = "pitch"  # reach of an accidental in its bar: not, octave or pitch (11.3)
    program: int = 0  # of General MIDI, from 1, by abc2midi's directive; 0: none
    decorations: str = ""  # letters that U: fields make into decorations
    voices: dict[str, dict[str, str]] = field(default_factory=dict)  # id: options of its V: in the header
    unusual: str = ""  # the first field that other programs read otherwise or not at all

    def copy(self) -> TuneSettings:
        """Return an independent copy."""
        voices = {voice: dict(options) for voice, options in self.voices.items()}
        return dataclasses.replace(self, voices=voices)

    @property
    def unit_length(self) -> Fraction:
        """Length of a note without a number, in quarters: that of L:, or by the metre (3.1.7).

        By the metre it is a sixteenth if the bar is shorter than 3/4, else an eighth.
        """
        if self.unit is not None:
            return self.unit
        return Fraction(1, 4) if self.metre and self.metre.quarters < 3 else Fraction(1, 2)

    def read_field(self, letter: str, value: str) -> None:
        """Read a field; ReadError if it affects the notes and is not understood.

        A tempo that is not understood leaves the tempo as it was.
        """
        text = strip_comment(value)
        if letter == "T" and not self.title:
            self.title = unescaped(text)
        elif letter == "K":
            self._read_key(text)
        elif letter == "M":
            self.metre = read_metre(text)
        elif letter == "L":
            self.unit = read_unit(text)
        elif letter == "m":
            self.macros += (read_macro(text),)
            if len(self.macros) > MAX_MACROS:
                raise ReadError(f"the tune has more than {MAX_MACROS} macros")
        elif letter == "P":
            self.parts = text
        elif letter == "Q":
            self._read_tempo(text)
        elif letter == "I":
            self._read_instruction(text)
        elif letter == "U" and text:
            self.decorations += text[0]
        elif letter == "V" and text:
            voice, options = read_voice(text)
            transposition(options)
            self.voices.setdefault(voice, {}).update(options)
            if len(self.voices) > MAX_VOICES:
                raise ReadError(f"the tune has more than {MAX_VOICES} voices")

    def _read_key(self, text: str) -> None:
        self.signature = read_key(text, self.signature)
        if self.signature.key and abs(self.signature.key.fifths) > MOST_ACCIDENTALS:
            self.unusual = self.unusual or f"no key signature has the accidentals of {quoted(text)}"

    def _read_instruction(self, text: str) -> None:
        if text.startswith("propagate-accidentals"):
            self.propagation = read_propagation(text)
        elif program := PROGRAM.fullmatch(text):
            self.program = min(int(program[1]), 127) + 1

    def _read_tempo(self, text: str) -> None:
        try:
            self._quarters_a_minute(text)
            self.tempo = text
        except ReadError as error:
            self.unusual = self.unusual or error.reason

    def quarters_a_minute(self) -> float | None:
        """Return the tempo of the Q: field, None without one and if it is words only."""
        return self._quarters_a_minute(self.tempo)

    def _quarters_a_minute(self, tempo: str) -> float | None:
        text = re.sub(r'"[^"]*"', "", tempo).strip()
        if not re.search(r"\d", text):
            return None
        if beats := _BEATS.fullmatch(text):
            if re.search(r"/0+\b", beats[1]):
                raise ReadError(f"the tempo {quoted(text)} is not understood")
            beat = 4 * sum((Fraction(part) for part in beats[1].split()), Fraction(0))
            a_minute = float(beats[2])
        elif units := _UNIT_BEATS.fullmatch(text):
            beat = self.unit_length * int(units[1] or 1)
            a_minute = float(units[2])
        else:
            raise ReadError(f"the tempo {quoted(text)} is not understood")
        return float(beat) * a_minute or None


def strip_comment(value: str) -> str:
    """Return a field's text without a comment and the space around it."""
    text = _BEFORE_COMMENT.match(value)
    assert text
    return text[0].strip()


def read_propagation(text: str) -> str:
    """Return the reach of accidentals that I:propagate-accidentals states (11.3)."""
    reach = text.removeprefix("propagate-accidentals").strip()
    if reach not in ("not", "octave", "pitch"):
        raise ReadError(f"the reach of accidentals {quoted(reach)} is not understood")
    return reach


def read_metre(text: str) -> Metre | None:
    """Return the metre of an M: field, None for free metre."""
    if text in ("C", "c"):
        return Metre(4, 4)
    if text in ("C|", "c|"):
        return Metre(2, 2)
    if text.lower() in ("none", ""):
        return None
    match = _METRE.fullmatch(text)
    metre = Metre(sum(map(int, match[1].split("+"))), int(match[2])) if match else Metre(0, 1)
    if not metre.beats or metre.unit not in (1, 2, 4, 8, 16, 32, 64):
        raise ReadError(f"the metre {quoted(text)} is not understood")
    return metre


def read_voice(text: str) -> tuple[str, dict[str, str]]:
    """Return the name in a V: field, which white space ends, and the options after it (7.1)."""
    name, options, *_ = [*strip_comment(text).split(maxsplit=1), "", ""]
    return name, read_options(options)


def read_unit(text: str) -> Fraction | None:
    """Return the length in quarters of an L: field, None if the metre decides."""
    if text.lower() in ("", "auto"):
        return None
    match = _UNIT.fullmatch(text)
    if not match or not int(match[1]) or not int(match[2] or 1):
        raise ReadError(f"the unit note length {quoted(text)} is not understood")
    return Fraction(4 * int(match[1]), int(match[2] or 1))


def read_key(text: str, before: KeySignature | None = None) -> KeySignature:
    """Return the signature of a K: field (3.1.14): key and mode, HP, Hp or none, and further accidentals."""
    text = text.replace("♭", "b").replace("♯", "#")
    rest = text
    key: Key | None = None
    semitones: dict[str, int] = {}
    first_word = re.split(r"[\s=+-]", text, maxsplit=1)[0]
    if first_word.rstrip("12345") in _CLEFS:  # a change of clef leaves the key as it is
        key, semitones = (before.key, dict(before.semitones)) if before else (None, {})
    elif text[:2] in ("HP", "Hp") and text[2:3] in ("", " "):  # the Highland pipes, in A with a low seventh
        key, rest = Key("A", "mixolydian"), text[2:]
        semitones = {"F": 1, "C": 1}
    elif text.lower().startswith("none"):
        rest = text[4:]
    elif match := _KEY.match(text):
        mode = MODES.get((match[3] or "").lower()[:3])
        is_option = (match[3] or "").lower() in _CLEFS
        explicit = (match[3] or "").lower() == "exp"
        if mode is None and not is_option and not explicit:
            raise ReadError(f"the key {quoted(text)} is not understood")
        rest = text[match.start(3) if is_option else match.end() :]
        if not explicit:
            key = Key(match[1] + match[2], mode or "major")
            semitones = signature_of(key)
    elif text and not _EXPLICIT.match(text):
        raise ReadError(f"the key {quoted(text)} is not understood")
    options: dict[str, str] = {}
    for accidentals, option, word in _KEY_WORD.findall(rest):
        for accidental, letter in _EXPLICIT.findall(accidentals):
            semitones[letter.upper()] = ACCIDENTALS[accidental]
        if word and not _is_clef(word):
            raise ReadError(f"the key {quoted(text)} is not understood")
        options.update(read_options(option or word))
    return KeySignature(key, semitones, transposition(options))


def read_options(text: str) -> dict[str, str]:
    """Return the options of a K: or V: field by name; a clef needs no name (4.6, 7.1)."""
    options: dict[str, str] = {}
    for name, value, word in _OPTION.findall(text):
        if name:
            options[name] = value.strip('"')
        elif _is_clef(word):
            options["clef"] = word
    return options


def _is_clef(word: str) -> bool:
    return bool(_OCTAVE_CLEF.fullmatch(word)) or word.rstrip("12345") in _CLEFS


def transposition(options: dict[str, str]) -> int:
    """Return the semitones by which the options of a K: or V: field transpose (4.6)."""
    semitones = 0
    for name in ("shift", "score", "sound"):  # a draft after 2.1 has them; they move the pitches
        if name in options:
            raise ReadError(f"{quoted(f'{name}={options[name]}')} is not supported")
    for name, size in (("transpose", 1), ("octave", 12)):
        value = options.get(name, "0")
        if not re.fullmatch(r"[+-]?\d{1,2}", value):
            raise ReadError(f"{quoted(f'{name}={value}')} is not a whole number")
        semitones += int(value) * size
    if clef := _OCTAVE_CLEF.fullmatch(options.get("clef", "")):
        semitones += int(f"{clef[1]}12")
    return semitones


def signature_of(key: Key) -> dict[str, int]:
    """Return the semitones by which a key's signature alters each letter that it alters."""
    return {letter: alter for letter, alter in signature_alters(key.fifths).items() if alter}
