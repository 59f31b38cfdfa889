"""The sentence on well-formed pieces counts what it is given, in the singular and the plural."""

import pytest

from etude.evaluation.statistics import well_formed_line


@pytest.mark.parametrize(
    ("valid", "generated", "line"),
    [
        (1, 1, "The piece is well formed."),
        (5, 5, "All 5 pieces are well formed."),
        (0, 1, "0 of 1 generated pieces are well formed (0%)."),
        (2, 3, "2 of 3 generated pieces are well formed (67%)."),
        (0, 0, "0 of 0 generated pieces are well formed (0%)."),
    ],
)
def test_the_sentence_counts_pieces(valid: int, generated: int, line: str) -> None:
    assert well_formed_line(valid, generated) == line
