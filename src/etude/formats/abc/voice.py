"""One voice of an ABC tune as events in written order.

Source: the ABC music standard 2.1, sections 4 (the tune body) and 7.4 (voice overlay).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from etude.errors import ReadError
from etude.formats.abc.information_fields import TuneSettings, transposition
from etude.formats.abc.signs import ACCIDENTALS, endings, natural_pitch, note_length, signs
from etude.formats.base import quoted
from etude.music.piece import Metre

TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # the others, 5, 7 and 9, take 3 in compound metre, else 2


class ChordNote(NamedTuple):
    """One note head: MIDI pitch, duration in quarter notes, whether it is tied to the next."""

    pitch: int
    duration: Fraction
    tied: bool


class Sound(NamedTuple):
    """A note, a chord, or a rest (no heads); ``duration`` in quarters is the time to the next sound."""

    duration: Fraction
    heads: tuple[ChordNote, ...]


class BarLine(NamedTuple):
    """A bar line; ``ends`` and ``begins`` count the colons before and after it."""

    ends: int
    begins: int
    is_double: bool


class Ending(NamedTuple):
    """The start of an ending: the passes that play it."""

    passes: frozenset[int]


class Overlay(NamedTuple):
    """The sign ``&``: another layer from the start of the bar."""


class Tempo(NamedTuple):
    """A Q: field: quarter notes a minute from here on."""

    quarters_a_minute: float


class PartMark(NamedTuple):
    """A P: field in the tune: the beginning of a part."""

    name: str


SIGNS = {
    "H": "hold", "fermata": "hold",
    "S": "segno", "segno": "segno", "O": "coda", "coda": "coda", "fine": "fine", "dacoda": "to_coda",
    "D.C.": "capo", "dacapo": "capo", "D.C.alfine": "capo", "D.C.alcoda": "capo",
    "D.S.": "dal segno", "D.S.alfine": "dal segno", "D.S.alcoda": "dal segno",
}  # fmt: skip


class Sign(NamedTuple):
    """A decoration that changes the order of playing (4.14)."""

    name: str  # a value of SIGNS

    @property
    def is_jump(self) -> bool:
        """Whether it goes back."""
        return self.name in ("capo", "dal segno")


VoiceEvent = Sound | BarLine | Ending | Overlay | Metre | Tempo | PartMark | Sign


class Voice:
    """One voice: its settings, its events so far, and what affects the next note."""

    def __init__(self, settings: TuneSettings, options: dict[str, str]) -> None:
        self.settings = settings
        self.options = dict(options)
        self.events: list[VoiceEvent] = []
        self.last: int | None = None  # index of the last sound, which ties and broken rhythm refer to
        self.last_shifts: list[tuple[str, int]] = []  # its letters with octave, and their alterations
        self.altered: dict[str, int] = {}  # alterations since the bar line, by letter (with octave)
        self.part = ""  # name of the part that its last event belongs to
        self.layer = 0  # number of overlays so far in the bar
        self.carried: dict[
            int, dict[str, int]
        ] = {}  # by layer: alterations that a tie continues, by letter with octave
        self.broken: Fraction | None = None  # factor for the sound after > or <
        self.tuplet = Fraction(1)  # factor for the next ``tuplet_left`` sounds
        self.tuplet_left = 0
        self.tuplet_line = 0
        self.apply_settings()

    def apply_settings(self) -> None:
        """Apply a change of key or unit length from here on."""
        signature = self.settings.signature
        self.signature = signature.semitones if signature else {}
        self.transposition = transposition(self.options) + (signature.transposition if signature else 0)
        self.unit = self.settings.unit_length
        self.plain_durations: dict[str, Fraction] = {}  # by length as written
        self.plain_sounds: dict[tuple[str, int, str], Sound] = {}  # by letter, accidental and length

    def add_options(self, options: dict[str, str]) -> None:
        """Add the options of another V: field to those of the voice."""
        self.options.update(options)
        self.apply_settings()

    def add_note(self, accidental: str | None, letter: str, length: str) -> None:
        """Add a note by its three parts as written."""
        shift = self._shift(accidental, letter)
        is_plain = self.broken is None and not self.tuplet_left
        sound = self.plain_sounds.get((letter, shift, length)) if is_plain else None
        if sound is None:
            duration = self._duration(length)
            sound = Sound(duration, (ChordNote(self._pitch(letter, shift), duration, False),))
            if is_plain:
                self.plain_sounds[letter, shift, length] = sound
        self._add(sound, [(letter, shift)])

    def add_rest(self, length: str) -> None:
        """Add a rest of a length as written."""
        self._add(Sound(self._duration(length), ()), [])

    def add_bars_of_rest(self, count: str) -> None:
        """Add whole bars of rest."""
        metre = self.settings.metre
        if metre is None:
            raise ReadError("bars of rest (Z) in free metre have no length")
        if count and not int(count):
            raise ReadError("no bars of rest (Z0)")
        self._add(Sound(metre.quarters * int(count or 1), ()), [])

    def add_chord(self, members: str, length: str) -> None:
        """Add a chord: each note has its own length, the first note's is the chord's (4.17)."""
        factor = self._duration(length) / self.unit
        heads: dict[int, ChordNote] = {}
        shifts: list[tuple[str, int]] = []
        carried: dict[str, int] = {}
        pitch = 0
        for sign in signs(members, self.settings.decorations):
            if sign.lastgroup == "note":
                _, accidental, letter, own_length = sign.group("note", "accidental", "letter", "length")
                shift = self._shift(accidental, letter)
                pitch = self._pitch(letter, shift)
                shifts.append((letter, shift))
                heads.setdefault(pitch, ChordNote(pitch, self.unit * note_length(own_length) * factor, False))
            elif sign.lastgroup == "tie" and heads:
                heads[pitch] = heads[pitch]._replace(tied=True)
                carried[shifts[-1][0]] = shifts[-1][1]
            elif sign.lastgroup not in ("decoration", "undefined", "reserved", "quoted", "slur", "space"):
                raise ReadError(f"{quoted(sign[0])} in the chord {quoted(members)} is not understood")
        if not heads:
            raise ReadError("a chord without notes")
        self._add(Sound(next(iter(heads.values())).duration, tuple(heads.values())), shifts)
        if carried:
            self.carried[self.layer] = carried

    def add_bar(self, sign: str, passes: str | None) -> None:
        """Add a bar line, with the passes of an ending that begins at it (``|1``).

        ``[|]`` is an invisible bar line, no double one.
        """
        colons = sign.strip(".")
        ends = len(colons) - len(colons.lstrip(":"))
        begins = len(colons) - len(colons.rstrip(":"))
        if ends == len(colons):  # "::" is both
            ends = begins = ends - 1
        self.events.append(BarLine(ends, begins, sign.strip(":.") not in ("", "|", "[|]")))
        self.altered.clear()
        self.layer = 0
        if passes:
            self.add_ending(passes)

    def add_ending(self, passes: str) -> None:
        """Begin an ending; a change of metre or tempo between the bar line and its number is part of it."""
        place = len(self.events)
        while place and isinstance(self.events[place - 1], Metre | Tempo):
            place -= 1
        self.events.insert(place, Ending(endings(passes)))

    def add_overlay(self) -> None:
        """Begin another layer of the bar."""
        self.events.append(Overlay())
        self.layer += 1

    def add_tie(self) -> None:
        """Tie the last note or chord to the next."""
        if self.last is None:
            raise ReadError("a tie with no note before it")
        sound = self.events[self.last]
        assert isinstance(sound, Sound)
        heads = tuple(head._replace(tied=True) for head in sound.heads)
        self.events[self.last] = sound._replace(heads=heads)
        self.carried[self.layer] = dict(self.last_shifts)

    def add_broken_rhythm(self, sign: str) -> None:
        """Lengthen the last sound and shorten the next (``>``), or the reverse (``<``)."""
        if self.last is None or self.broken is not None:
            raise ReadError(f"{quoted(sign)} with no note before it")
        short = Fraction(1, 2 ** len(sign))
        before, self.broken = (2 - short, short) if sign[0] == ">" else (short, 2 - short)
        sound = self.events[self.last]
        assert isinstance(sound, Sound)
        heads = tuple(head._replace(duration=head.duration * before) for head in sound.heads)
        self.events[self.last] = Sound(sound.duration * before, heads)

    def begin_tuplet(self, sign: str, line: int) -> None:
        """Begin a tuplet ``(p:q:r``: p notes in the time of q for the next r notes (4.13)."""
        self.check_tuplet()
        numbers = [int(number) if number else None for number in sign[1:].split(":")]
        notes, time, count = (*numbers, None, None)[:3]
        metre = self.settings.metre
        is_compound = metre is not None and metre.beats > 3 and metre.beats % 3 == 0
        time = TUPLET_TIME.get(notes or 0, 3 if is_compound else 2) if time is None else time
        if not notes or not time or (notes > 9 and len(numbers) == 1) or count == 0:
            raise ReadError(f"the tuplet {quoted(sign)} is not understood")
        self.tuplet, self.tuplet_left, self.tuplet_line = Fraction(time, notes), count or notes, line

    def check_tuplet(self) -> None:
        """Raise ReadError if a tuplet lacks notes."""
        if self.tuplet_left:
            lacking = f"{self.tuplet_left} more note{'s' if self.tuplet_left > 1 else ''}"
            raise ReadError(
                f"the tuplet is not complete: it lacks {lacking}", place=f"line {self.tuplet_line}"
            )

    def finish(self) -> None:
        """Raise ReadError if a tuplet or a broken rhythm is open at the end."""
        self.check_tuplet()
        if self.broken is not None:
            raise ReadError("no note follows the last > or <")

    def _add(self, sound: Sound, shifts: list[tuple[str, int]]) -> None:
        self.last = len(self.events)
        self.last_shifts = shifts
        self.events.append(sound)
        self.broken = None
        if self.carried:
            self.carried.pop(self.layer, None)
        if self.tuplet_left:
            self.tuplet_left -= 1

    def _shift(self, accidental: str | None, letter: str) -> int:
        propagation = self.settings.propagation
        reach = letter if propagation == "octave" else letter[0].upper()
        if accidental:
            shift = ACCIDENTALS[accidental]
            if propagation != "not":
                self.altered[reach] = shift
            return shift
        if self.carried and letter in self.carried.get(self.layer, {}):
            return self.carried[self.layer][letter]
        if reach in self.altered:
            return self.altered[reach]
        return self.signature.get(letter[0].upper(), 0)

    def _pitch(self, letter: str, shift: int) -> int:
        pitch = natural_pitch(letter) + shift + self.transposition
        if not 0 <= pitch <= 127:
            raise ReadError(f"the pitch {quoted(letter)} is out of range")
        return pitch

    def _duration(self, length: str) -> Fraction:
        duration = self.plain_durations.get(length)
        if duration is None:
            duration = self.plain_durations[length] = self.unit * note_length(length)
        if self.broken is not None:
            duration *= self.broken
        if self.tuplet_left:
            duration *= self.tuplet
        return duration
