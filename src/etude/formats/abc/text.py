"""Text strings of ABC: accents and other characters by their escapes.

Source: the ABC music standard 2.1, section 8.2 (text strings) and appendix 10.1 (supported accents).
"""

from __future__ import annotations

import html
import re
import unicodedata

_ESCAPE = re.compile(
    r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<ligature>AE|ae|OE|oe|AA|aa|ss|DH|dh|TH|th|/O|/o)"
    r"|(?P<accent>[`'^~\"cuvH])(?P<letter>[A-Za-z])|(?P<plain>[\\%&]))"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
)
_LIGATURES = {
    "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "AA": "Å", "aa": "å", "ss": "ß",
    "DH": "Ð", "dh": "ð", "TH": "Þ", "th": "þ", "/O": "Ø", "/o": "ø",
}  # fmt: skip
_COMBINING = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308",
    "c": "\u0327", "u": "\u0306", "v": "\u030c", "H": "\u030b",
}  # fmt: skip


def unescaped(text: str) -> str:
    r"""Return a text string in one line with its escapes decoded: ``\'e``, ``&eacute;`` and ``\u00e9`` are é.

    An escape that the standard does not have stays as it is.
    """
    return _one_line(_ESCAPE.sub(_character, text))


def escaped(text: str) -> str:
    r"""Return the text string, in one line, that ``unescaped`` reads as this text."""
    return re.sub(r"([\\%&])", r"\\\1", _one_line(text))


def _character(escape: re.Match[str]) -> str:
    if escape["code"]:
        return _in_a_line(chr(int(escape["code"], 16))) or escape[0]
    if escape["ligature"]:
        return _LIGATURES[escape["ligature"]]
    if escape["accent"]:
        composed = unicodedata.normalize("NFC", escape["letter"] + _COMBINING[escape["accent"]])
        return composed if len(composed) == 1 else escape[0]
    return escape["plain"] or html.unescape(escape["entity"])


def _one_line(text: str) -> str:
    return "".join(map(_in_a_line, text)).strip()


def _in_a_line(char: str) -> str:
    """Return a space for a line break or another control character, nothing for half a surrogate pair."""
    category = unicodedata.category(char)
    return " " if category in ("Cc", "Zl", "Zp") else "" if category == "Cs" else char
