"""Text strings of ABC: accents and escapes, and titles that come back the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abc_tunes import header, piece_of
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.abc.text import escaped, unescaped
from etude.formats.abc.writer import abc_text
from etude.music import Piece
from etude.music.piece_limits import MAX_TITLE


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (r"\`A \'e \^i \~n \"u \cc \uA \vs \Ho", "À é î ñ ü ç Ă š ő"),
        (r"\AA \aa \AE \ae \OE \oe \ss \DH \dh \TH \th \/O \/o", "Å å Æ æ Œ œ ß Ð ð Þ þ Ø ø"),
        ("&Agrave; &eacute; &oelig; &#233; &#xe9;", "À é œ é é"),
        (r"\u00C0 \u00e9", "À é"),
        (r"100\% \& \\", "100% & \\"),
        (r"Tom & Jerry; \x \'q &nosuch;", r"Tom & Jerry; \x \'q &nosuch;"),
        ("Air % from a book", "Air"),
        (r"50\\% of it", "50\\"),  # the backslash is escaped, and a comment follows
    ],
)
def test_titles_are_decoded(text, title):
    assert piece_of("C", header(T=text)).title == title


def written_and_read(title: str) -> str:
    text = abc_text(Piece.from_notes([(0, 1, 60)], title=title))
    (read,) = read_abc_bytes(text.encode(), "a.abc").pieces
    return read.title


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=MAX_TITLE))
@example(r"\'e")
@example("&eacute;")
@example("100% & more \\")
@example("two  spaces")
@example(r"\u00e9\\")
def test_a_written_title_comes_back_the_same(title):
    title = title.strip() or "Untitled"
    assert written_and_read(title) == title
    assert written_and_read(written_and_read(title)) == title


@given(st.text())
def test_any_text_is_one_line_that_comes_back(text):
    once = unescaped(escaped(text))
    assert "\n" not in once
    assert once == once.strip()
    assert unescaped(escaped(once)) == once
    once.encode()
