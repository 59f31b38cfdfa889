"""Pieces of whole phrases: how many bars they have, and what only_valid does with the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.api import sampling_settings
from etude.encodings.grid import GridEncoding
from etude.models.checkpoint import TrainedModel
from etude.music import Metre, Piece
from etude.music.notes_by_bar import bar_contents
from etude.sampling.generation import generate
from networks import VOCABULARY, config_of, network_of


@given(st.integers(1, 12), st.integers(0, 2), st.sampled_from([Metre(3, 4), Metre(6, 8)]))
def test_an_upbeat_and_the_bar_that_it_completes_are_one_bar(bars: int, upbeat: int, metre: Metre) -> None:
    total = int(metre.quarters) * bars
    notes = [(time, 1, 60) for time in range(total)]  # the last bar is shorter by the upbeat
    piece = Piece.from_notes(notes, metres=[(0, metre)], pickup=upbeat)
    assert len(bar_contents(piece)) == bars


@pytest.mark.parametrize("metre", [Metre(4, 4), Metre(3, 4)], ids=str)
def test_pieces_of_other_lengths_are_generated_again(metre: Metre) -> None:
    model = TrainedModel(network_of("lstm"), GridEncoding(), VOCABULARY, config_of("lstm"))
    settings = sampling_settings(num_samples=20, max_tokens=160, phrase_bars=2, metre=str(metre))
    every = generate(model, settings)
    for one in every.samples:
        bars = len(bar_contents(one.piece))
        assert (one.extra_bars, one.is_valid) == (bars % 2, bars % 2 == 0 and len(one.piece) > 0)
    assert 0 < every.valid < 20
    whole = generate(model, sampling_settings(**{**vars(settings), "num_samples": 5, "only_valid": True}))
    assert [one.tokens for one in whole.samples] == [one.tokens for one in every.samples if one.is_valid][:5]
