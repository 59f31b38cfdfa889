"""The grid encoding on the real folk songs: every accepted tune comes back, the last note included."""

from etude.corpora.essen_books import bundled_tunebooks
from etude.encodings import GridEncoding
from etude.errors import EncodeError
from etude.formats.abc.reader import read_abc_bytes
from etude.music.transposition import to_c_major_or_a_minor
from file_reading import read_path

GRID = GridEncoding()


def test_every_accepted_bundled_tune_comes_back() -> None:
    accepted = refused = 0
    for book in bundled_tunebooks():
        for piece in read_path(book, read_abc_bytes).pieces:
            moved = to_c_major_or_a_minor(piece)
            try:
                tokens = GRID.encode(moved)
            except EncodeError:
                refused += 1
                continue
            decoded = GRID.decode(tokens)
            assert decoded.piece == moved, piece.name
            assert not decoded.repairs
            accepted += 1
    assert refused == 0
    assert accepted >= 1780
