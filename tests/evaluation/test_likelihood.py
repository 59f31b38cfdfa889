"""Each label of a held-out set is scored once, in its own place; one likelihood in three units."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from etude.encodings.grid import GridEncoding
from etude.encodings.note_duration import NoteDurationEncoding
from etude.encodings.performance import PerformanceEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.held_out import held_out_set
from etude.evaluation.likelihood import nats_to_bits, nats_to_perplexity, note_mask, score_labels
from networks import network_of
from prepared_corpora import prepared_corpus


@pytest.mark.parametrize("split", ["by_piece", "by_window"])
def test_every_label_is_scored_once_from_all_before_it_in_its_piece(data_dir: Path, split: str) -> None:
    data = prepared_corpus(data_dir, "data.max_pieces=30", f"data.split={split}", "data.eval_batch_size=3")
    held_out = held_out_set(data, "test", data.vocabulary)
    network = network_of("lstm", len(data.vocabulary), hidden_dim=4)
    scores = score_labels(network, held_out.batches())
    counted = held_out.subset.labels
    expected = []
    for index in held_out.subset.pieces:
        ids = np.append(data.store.piece(index), 0)
        with torch.no_grad():
            logits = network(torch.from_numpy(np.append(0, ids[:-1]))[None])[0][0].double()
        chances = torch.log_softmax(logits, dim=-1)
        for place, label in enumerate(ids):
            if counted is None or counted[data.store.offsets[index] + place]:
                likeliest = chances[place].max()
                expected.append((index, place, label, -chances[place, label], likeliest.exp()))
    assert len(expected) > 50
    columns = np.array(expected, dtype=np.float64).T
    for found, wanted in zip((scores.piece, scores.position, scores.ids), columns, strict=False):
        assert found.tolist() == wanted.tolist()
    assert scores.nats == pytest.approx(columns[3], rel=1e-4)
    assert scores.confidence == pytest.approx(columns[4], rel=1e-4)
    assert scores.right.tolist() == (scores.nats <= -np.log(scores.confidence) + 1e-6).tolist()


def test_labels_of_short_windows_have_their_places_too(data_dir: Path) -> None:
    data = prepared_corpus(data_dir, "data.max_pieces=20", "data.objective=last", "data.sequence_len=5")
    held_out = held_out_set(data, "test", data.vocabulary)
    scores = score_labels(network_of("lstm", len(data.vocabulary), hidden_dim=4), held_out.batches())
    pieces = [np.append(data.store.piece(index), 0) for index in held_out.subset.pieces]
    assert scores.ids.tolist() == np.concatenate(pieces).tolist()
    assert scores.position.tolist() == [place for piece in pieces for place in range(len(piece))]


def test_pieces_with_unknown_tokens_are_left_out_and_the_others_score_the_same(data_dir: Path) -> None:
    data = prepared_corpus(data_dir, "data.max_pieces=60")
    whole = held_out_set(data, "all", data.vocabulary)
    rare = max(data.vocabulary.tokens[1:], key=lambda token: token.isdigit() and int(token))
    known = Vocabulary([data.vocabulary.tokens[0], *(set(data.vocabulary.tokens[1:]) - {rare})])
    part = held_out_set(data, "all", known)
    has_it = [rare in whole.piece(index) for index in range(len(data.store))]
    assert 0 < part.left_out == sum(has_it) < len(data.store)
    assert all(part.piece(index) == whole.piece(index) for index in part.subset.pieces)
    scores = score_labels(network_of("lstm", len(known), hidden_dim=4), part.batches())
    assert set(scores.piece.tolist()) == {index for index, has in enumerate(has_it) if not has}


def test_a_note_begins_neither_at_a_rest_nor_at_the_end() -> None:
    cases = [
        (GridEncoding(), ["60", "_", "r"], ["60"]),
        (NoteDurationEncoding(), ["60/4", "r/2"], ["60/4"]),
        (PerformanceEncoding(), ["NOTE_ON_60", "NOTE_OFF_60", "TIME_SHIFT_1"], ["NOTE_ON_60"]),
    ]
    for encoding, tokens, notes in cases:
        vocabulary = Vocabulary.of(tokens)
        marked = note_mask(encoding, vocabulary)
        assert [token for token, begins in zip(vocabulary.tokens, marked, strict=True) if begins] == notes


def test_one_of_eight_equally_likely_tokens():
    nats = math.log(8)
    assert nats_to_bits(nats) == pytest.approx(3)
    assert nats_to_perplexity(nats) == pytest.approx(8)


@given(st.floats(0, 700))
def test_bits_and_perplexity_say_the_same(nats):
    assert math.log2(nats_to_perplexity(nats)) == pytest.approx(nats_to_bits(nats), abs=1e-12)


def test_the_perplexity_of_a_diverged_model_is_infinite():
    assert nats_to_perplexity(1e6) == math.inf
