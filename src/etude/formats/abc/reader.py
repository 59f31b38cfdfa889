"""ABC reader: tunebooks of any number of tunes, with their repeats written out.

Source: the ABC music standard 2.1 (https://abcnotation.com/wiki/abc:standard:v2.1), and the habits of older
tunebooks: `!` at the end of a line for a line break, `+trill+` for decorations.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from etude.errors import ReadError
from etude.formats.abc.information_fields import TuneSettings, strip_comment
from etude.formats.abc.playback import played_piece
from etude.formats.abc.strict import check_strictly
from etude.formats.abc.tune_body import TuneBody
from etude.formats.base import ReadResult, base_name, decode_text, file_reader, quoted
from etude.music.piece import Piece

TUNE_START = re.compile(r"^(?=X:)", re.MULTILINE)
_TUNE_START_IN_BYTES = re.compile(TUNE_START.pattern.encode(), re.MULTILINE)

_FIELD = re.compile(r"([A-Za-z]):(.*)", re.DOTALL)
_TEMPO_LINE = re.compile(r"^Q:.*\n", re.MULTILINE)
_INLINE_TEMPO = re.compile(r"\[Q:[^\]\n]*\]")
_KEY_FIELD = re.compile(r"(?<=\n)K:")
_BEGIN_TEXT = re.compile(r"%%begin(\w+)")
# A line that starts with a note and a repeat sign ("d:|") looks like a field, but is music.
_MUSIC_LIKE_FIELD = re.compile(r"[A-Ga-gxz]:[|:\]]")
_ASIDE = re.compile(r'"[^"]*"|![^!]*!|%.*')


class _Block(NamedTuple):
    """A tune, or the text between tunes; ``number`` is the line number of its first line.

    An empty line ends a tune, by the standard, unless music follows it: two tunes of Cobb's tunebook have one
    between K: and the notes.
    """

    number: int
    lines: list[str]

    @property
    def is_tune(self) -> bool:
        return self.lines[0].startswith("X:")


@file_reader
def read_abc_bytes(data: bytes, name: str, *, expand_repeats: bool = True) -> ReadResult:
    """Read an ABC tunebook: a piece for each tune, or an error with its X: number and line.

    ``name`` (a path or an archive member) names the pieces.
    """
    return parse_abc(decode_text(data, name), name, expand_repeats=expand_repeats)


def parse_abc(text: str, path: str = "", *, strict: bool = False, expand_repeats: bool = True) -> ReadResult:
    """Read the text of an ABC tunebook: each tune as it is played, with its repeats written out.

    With ``expand_repeats=False`` tunes are read as written, and the order of P: does not count either.

    Voices become parts. Grace notes, slurs, decorations, chord symbols, lyrics and typesetting are left out.
    Accidentals last to the bar line in all octaves, unless ``%%propagate-accidentals`` says otherwise. A tune
    that breaks the rules is rejected whole, and so is music outside any tune; other text between tunes is
    ignored. ``strict`` also rejects tunes with bars that do not fill the metre, with repeats and endings
    without counterpart, and with keys and tempos that other programs do not understand.
    """
    pieces: list[Piece] = []
    rejected: list[ReadError] = []
    defaults = TuneSettings()
    tunes = 0
    for index, block in enumerate(_blocks(text)):
        tunes += block.is_tune
        place = f"line {block.number}"
        try:
            if block.is_tune:
                place = f"X:{_reference(block)}, line {block.number}"
                pieces.append(_read_tune(block, defaults, path, strict, expand_repeats))
            elif index == 0 and all(re.match(r"[A-JL-Za-z]:|%", line) for line in block.lines):
                _read_file_header(block, defaults)
            else:
                _check_free_text(block)
        except ReadError as error:
            rejected.append(error.at(path, place))
    if not tunes and not rejected:
        rejected.append(ReadError("there is no tune (no line that begins with X:)", path=path))
    return ReadResult(pieces, rejected)


def only_tunes(data: bytes, numbers: Collection[str]) -> bytes:
    """Return a tunebook without the tunes of other X: numbers; the tunes that stay are read as in the whole.

    A book that is not UTF-8 stays whole, since all of its bytes decide what each means.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        return data
    head, *tunes = _TUNE_START_IN_BYTES.split(data)
    return head + b"".join(tune for tune in tunes if _number(tune) in numbers)


def _number(tune: bytes) -> str:
    first, *_ = tune[2:].splitlines() or [b""]
    return strip_comment(first.decode())


def first_readable_tune(text: str) -> str | None:
    """Return the text of the first tune that can be read, after the text before all tunes; None: no tune can.

    Its piece is the first that ``parse_abc(text)`` finds.
    """
    head, *tunes = TUNE_START.split(text)
    return next((head + tune for tune in tunes if parse_abc(head + tune).pieces), None)


def state_tempo(tune: str, tempo: float) -> str:
    """Return a tune that states this tempo (quarter notes a minute) in place of its own."""
    without = _INLINE_TEMPO.sub("", _TEMPO_LINE.sub("", tune))
    return _KEY_FIELD.sub(f"Q:1/4={tempo:g}\nK:", without, count=1)


def state_accidentals(tune: str) -> str:
    """Return a tune with the reach of its accidentals stated before K:, where programs would differ over it.

    By the standard they reach all octaves; many programs apply them to their own octave only.
    """
    stated = _KEY_FIELD.sub("I:propagate-accidentals pitch\nK:", tune, count=1)
    in_octave = _KEY_FIELD.sub("I:propagate-accidentals octave\nK:", tune, count=1)
    if "propagate-accidentals" in tune or parse_abc(in_octave).pieces == parse_abc(tune).pieces:
        return tune
    return stated


def _blocks(text: str) -> list[_Block]:
    blocks: list[_Block] = []
    empty_lines = 1  # since the last non-empty line; the start of the file counts as one
    skip_to = ""  # the end of a %%beginps or the like, whose lines are skipped
    for number, line in enumerate(text.split("\n"), start=1):
        is_tune_start = line.startswith("X:")
        if not line.strip() and not skip_to:
            empty_lines += 1
            continue
        if is_tune_start or (empty_lines and not (blocks and blocks[-1].is_tune and is_music(line))):
            blocks.append(_Block(number, []))
        else:
            blocks[-1].lines.extend("%" * empty_lines)  # keeps line numbers right
        empty_lines = 0
        begin = _BEGIN_TEXT.match(line)
        blocks[-1].lines.append("%" if skip_to and not is_tune_start else line)
        if begin and not skip_to:
            skip_to = f"%%end{begin[1]}"
        elif is_tune_start or line.startswith(skip_to):
            skip_to = ""
    return blocks


def is_music(line: str) -> bool:
    """Return whether a line outside a tune looks like music: bar lines, and mostly note letters."""
    if "|" not in line or (_FIELD.match(line) and not _MUSIC_LIKE_FIELD.match(line)):
        return False
    found = [char for char in _ASIDE.sub("", line) if char.isalpha()]
    return 2 * sum(char in "ABCDEFGabcdefgxz" for char in found) >= len(found)


def _reference(block: _Block) -> str:
    return strip_comment(block.lines[0][2:])


def _read_file_header(block: _Block, defaults: TuneSettings) -> None:
    for number, line in enumerate(block.lines, start=block.number):
        if field := _FIELD.match(directive_as_field(line)):
            try:
                defaults.read_field(field[1], field[2])
            except ReadError as error:
                raise error.at("", f"line {number}") from None


def _check_free_text(block: _Block) -> None:
    for number, line in enumerate(block.lines, start=block.number):
        if line.startswith("K:"):
            raise ReadError("a tune without an X: line", place=f"line {block.number}")
        if is_music(line):
            raise ReadError("music outside a tune", place=f"line {number}")


def directive_as_field(line: str) -> str:
    """Return a directive that changes pitches or instruments as an I: field, any other line unchanged."""
    return f"I:{line[2:]}" if line.startswith(("%%propagate-accidentals", "%%MIDI program")) else line


def _with_whole_titles(lines: Sequence[str]) -> list[str]:
    """Return the lines with each ``+:`` after a title added to it (3.3); their number stays."""
    result = list(lines)
    title: int | None = None
    for index, line in enumerate(result):
        if line.startswith("T:"):
            title = index
        elif line.startswith("+:") and title is not None:
            result[title] = f"{strip_comment(result[title])} {strip_comment(line[2:])}"
        else:
            title = None
    return result


def _read_tune(block: _Block, defaults: TuneSettings, path: str, strict: bool, expand_repeats: bool) -> Piece:
    reference = _reference(block)
    settings = defaults.copy()
    body: TuneBody | None = None
    is_history = False
    number = block.number
    try:
        lines = map(directive_as_field, _with_whole_titles(block.lines[1:]))
        for number, line in enumerate(lines, start=block.number + 1):
            field = _FIELD.match(line) if not _MUSIC_LIKE_FIELD.match(line) else None
            if line.startswith(("%", "+:")):
                continue
            if body is not None and field:
                body.read_field(field[1], field[2])
            elif body is not None:
                body.read_line(line, number)
            elif field:
                settings.read_field(field[1], field[2])
                body = TuneBody(settings) if field[1] == "K" else None
                is_history = field[1] == "H"
            elif not is_history:  # that goes on to the next field, in the older standards
                raise ReadError(f"there is no K: field before {quoted(line.strip())}")
        if body is None:
            raise ReadError("there is no K: field")
        body.finish()
        if strict:
            for voice in body.voices.values():
                if unusual := settings.unusual or voice.settings.unusual:
                    raise ReadError(unusual)
                check_strictly(voice.events, settings.metre)
        name = f"{base_name(path)} X:{reference}".strip()
        return played_piece(body, settings, name, expand_repeats=expand_repeats)
    except ReadError as error:
        where = error.place or f"line {number}"
        raise ReadError(error.reason, place=f"X:{reference}, {where}") from None
