"""No input crashes or hangs a reader: each piece or rejection is well formed, whatever the bytes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import ReadError
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.kern.reader import read_kern_bytes
from etude.music import Piece

KERN_SCORE = (
    b"**kern\t**kern\t**text\n*M3/4\t*\t*\n*^\t*\t*\n4C\t2E\t[4c 4e\tla\n8D\t.\t4c]\t.\n8E\t.\t.\t.\n"
    b"*v\t*v\t*\t*\n=1\t=1\t=1\n*x\t*x\t*\n4c\t4d\t.\n*-\t*-\t*-\n"
)
KERN = (
    b"!!!OTL: T\n**kern\n*M3/4\n*k[b-]\n*F:\n{8f\n=1\n[4.a\n8a]\n16b-\n24ccq\n4r}\n=2\n*M4/4\n0G#\n==\n*-\n"
)
ABC = (
    b"%abc-2.1\nM:C|\n\nX:1\nT:T\nM:6/8\nL:1/8\nQ:3/8=100\nV:1 name=a\nK:D mix ^f\n"
    b'"Am"(3ABc|:{g}d2-d>e|[1 [CE]2 z4:|[2 !trill!^f_G=a//|]\n[V:2][K:G]A,2 c\'3/4 & Z2|\nw:la la\n\n'
    b"X:2\nK:HP\nabc|[L:1/4]a<<b(5:4:3cde x y `.A~B|!\n"
)


def check(read, data: bytes) -> None:
    reading = read(data, "x")
    assert reading.pieces or reading.rejected
    assert all(isinstance(piece, Piece) and len(piece) for piece in reading.pieces)
    assert all(
        isinstance(error, ReadError) and error.path == "x" and error.reason for error in reading.rejected
    )


READERS = pytest.mark.parametrize(
    ("read", "seed", "signs"),
    [
        (read_kern_bytes, KERN, "*=!.[]_{}rRcCgG#-n0123468q%kMG: \t\n"),
        (read_kern_bytes, KERN_SCORE, "*=!.[]_{}rRcCgG#-n0123468q%kMG: ^v+x\t\n"),
        (read_abc_bytes, ABC, "XKLMQVTUIZ:\n[]|()<>{}\"!+%&^_=~.,'/-0123456789abcdefgABCDEFGzxy \\$*"),
    ],
    ids=["kern", "kern score", "abc"],
)
slow = settings(max_examples=300, deadline=timedelta(seconds=2))


@READERS
@slow
@given(data=st.data())
def test_lines_of_the_formats_own_signs(read, seed, signs, data):
    body = data.draw(st.text(signs, max_size=200))
    check(read, seed + body.encode())


@READERS
@slow
@given(text=st.text(max_size=100), position=st.integers(0, 2**16))
def test_any_text_inserted(read, seed, signs, text, position):
    position %= len(seed)
    check(read, seed[:position] + text.encode(errors="surrogatepass") + seed[position:])


@READERS
@slow
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 2**16), st.binary(max_size=3), st.integers(0, 5)), min_size=1, max_size=6
    )
)
def test_bytes_changed_inserted_and_lost(read, seed, signs, changes):
    data = seed
    for position, new, lost in changes:
        at = position % len(data)
        data = data[:at] + new + data[at + lost :] or b"x"
    check(read, data)


@READERS
@pytest.mark.parametrize(
    "sign", ["[", "(", "{", '"', "!", "+", "|", ":", "-", ">", "/", "'", "[A:", "4c", "%", "(3", " "]
)
def test_a_sign_a_hundred_thousand_times(read, seed, signs, sign):
    check(read, seed + sign.encode() * 100_000)
