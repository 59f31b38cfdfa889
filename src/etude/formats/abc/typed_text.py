"""ABC text that a user types or a model continues: the whole tune of it, and its first notes."""

from __future__ import annotations

import re

_NUMBER_FIELD = re.compile(r"^X:", re.MULTILINE)
_KEY_LINE = re.compile(r"^K:.*(\n|\Z)", re.MULTILINE)
# a note with its octave and length; and, to be passed over, what else has letters: fields, chord names,
# decorations and graces
_NOTES = re.compile(
    r"""^[A-Za-z]:(?![|:]).*$|\[[A-Za-z]:[^\]\n]*\]|"[^"\n]*"|![^!\n|]*!|\{[^}\n]*\}"""
    r"""|(?P<note>[A-Ga-g][,']*[0-9]*/*[0-9]*)""",
    re.MULTILINE,
)


def whole_tune(text: str) -> str | None:
    """Return text as an ABC tune with all the fields that a reader needs; None if it has no K: field."""
    if not _KEY_LINE.search(text):
        return None
    tune = text if _NUMBER_FIELD.search(text) else f"X:1\n{text}"
    return tune.strip() + "\n"


def first_notes_of_text(text: str, notes: int) -> str:
    """Return a tune's text up to the end of so many notes after its K: field, or all of it."""
    header = _KEY_LINE.search(text)
    found = [] if header is None else list(_NOTES.finditer(text, header.end()))
    ends = [match.end() for match in found if match["note"]]
    return text[: ends[notes - 1]] if len(ends) >= notes else text
