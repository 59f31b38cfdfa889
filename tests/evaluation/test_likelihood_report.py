"""The likelihood section against sums by hand, on labels whose scores are known."""

import lzma
import math
from pathlib import Path

import numpy as np
import pytest

from etude.evaluation import baselines
from etude.evaluation.baselines import BaselineScores, xz_nats
from etude.evaluation.copying import piece_steps
from etude.evaluation.evaluation_file import measure_likelihood
from etude.evaluation.held_out import HeldOutSet, held_out_set
from etude.evaluation.likelihood import LabelScores, note_mask
from etude.evaluation.likelihood_report import calibration, likelihood_report
from etude.evaluation.stored_music import MusicFiles, stored_pieces, stored_steps
from etude.evaluation.token_times import by_bar_position
from networks import network_of
from prepared_corpora import prepared_corpus


@pytest.fixture(scope="module")
def held_out(data_dir: Path) -> HeldOutSet:
    data = prepared_corpus(data_dir, "data.max_pieces=60")
    return held_out_set(data, "test", data.vocabulary)


def scored(held_out: HeldOutSet) -> LabelScores:
    """Scores that depend on the place: nats 1, 2, 3, 1, 2, 3, …"""
    store, pieces = held_out.store, held_out.subset.pieces
    ids = [np.append(store.piece(index), 0) for index in pieces]
    count = sum(map(len, ids))
    return LabelScores(
        np.concatenate(ids),
        np.repeat(pieces, [len(each) for each in ids]),
        np.concatenate([np.arange(len(each)) for each in ids]),
        1.0 + np.arange(count) % 3,
        np.arange(count) % 4 == 0,
        np.full(count, 0.5),
    )


def test_every_unit_is_the_same_nats_over_another_count(held_out: HeldOutSet) -> None:
    scores = scored(held_out)
    flat = BaselineScores("flat", np.full(len(scores.ids), 2.0), scores.right, chosen=True)
    found = likelihood_report("model", scores, [flat], held_out, resamples=200)
    row, nats = found["rows"][0], scores.nats.sum()
    begins = note_mask(held_out.data.encoding, held_out.store.vocabulary)[scores.ids]
    pieces = stored_pieces(held_out, held_out.subset.pieces)
    seconds = sum(float(piece.quarters) * 60 / 100 for piece in pieces.values())
    assert found["notes"] == sum(len(piece) for piece in pieces.values()) == begins.sum()
    assert found["seconds"] == pytest.approx(seconds)
    expected = {
        "nats": nats / len(scores.ids),
        "bits": nats / len(scores.ids) / math.log(2),
        "perplexity": math.exp(nats / len(scores.ids)),
        "accuracy": scores.right.mean(),
        "note_nats": scores.nats[begins].mean(),
        "note_accuracy": scores.right[begins].mean(),
        "bits_per_note": nats / math.log(2) / begins.sum(),
        "bits_per_second": nats / math.log(2) / seconds,
    }
    for key, value in expected.items():
        assert row[key]["value"] == pytest.approx(value), key
        assert row[key]["low"] <= value <= row[key]["high"], key
    assert row["bits_per_character"] is None
    gain = found["gain"]
    assert (gain["over"], gain["nats"]["value"]) == ("flat", pytest.approx(2 - scores.nats.mean()))
    assert sum(part["labels"] for part in found["by_piece_position"]) == len(scores.ids)


def test_places_in_the_bar_are_those_of_the_printed_bars(held_out: HeldOutSet) -> None:
    held_out = held_out_set(held_out.data, "all", held_out.data.vocabulary)
    scores = scored(held_out)
    music = MusicFiles(held_out.data)
    places = held_out.subset.pieces.tolist()
    all_read = MusicFiles(held_out.data).pieces(places)
    for few in ({places[3]}, {places[0], places[-1]}, set(places), set()):  # of a book, in any order
        assert music.pieces(few) == {index: all_read[index] for index in few}
    pieces = stored_pieces(held_out, held_out.subset.pieces.tolist(), music)
    assert any(piece.pickup for piece in pieces.values())
    found = by_bar_position(scores, held_out, pieces)
    assert found is not None
    nats: dict[float, list[float]] = {}
    for index, piece in pieces.items():
        if [str(metre) for _, metre in piece.metres] != [found["metre"]]:
            continue
        labels = scores.piece == index
        for place, loss in zip(scores.position[labels][:-1], scores.nats[labels][:-1], strict=True):
            within = (place / 4 - piece.pickup / piece.division) % float(piece.metres[0][1].quarters)
            nats.setdefault(float(within), []).append(loss)
    assert {row["quarters"]: row["nats"] for row in found["rows"]} == {
        place: pytest.approx(np.mean(losses)) for place, losses in nats.items()
    }


def test_a_calibrated_and_a_boastful_model() -> None:
    none = np.zeros(100, dtype=np.int64)

    def ece(right: int, confidence: float) -> float:
        hits = np.arange(100) < right
        return float(
            calibration(LabelScores(none, none, none, none * 1.0, hits, np.full(100, confidence)))["ece"]
        )

    assert ece(70, 0.7) == pytest.approx(0)
    assert ece(20, 0.9) == pytest.approx(0.7)
    assert ece(100, 1.0) == pytest.approx(0)


def test_steps_from_ids_are_those_of_the_decoded_music(data_dir: Path) -> None:
    for encoding in ("grid", "note_duration", "performance"):
        data = prepared_corpus(data_dir, "data.max_pieces=20", f"data/encoding={encoding}")
        everything = held_out_set(data, "all", data.vocabulary)
        indices = everything.subset.pieces.tolist()
        pieces = stored_pieces(everything, indices)
        rhythm = encoding != "performance"
        found = stored_steps(everything, indices, rhythm=rhythm)
        for index, steps in zip(indices, found, strict=True):
            assert steps.tolist() == piece_steps(pieces[index], rhythm=rhythm).tolist()


def test_the_network_and_the_baselines_are_scored_on_the_same_labels(held_out: HeldOutSet) -> None:
    vocabulary = held_out.data.vocabulary
    network = network_of("lstm", len(vocabulary), hidden_dim=4)
    found = measure_likelihood(network, held_out.data, vocabulary, held_out)
    assert {len(each.right) for each in found.baselines} == {len(found.scores.ids)}
    assert sum(each.chosen for each in found.baselines) == 1
    assert found.compressed is None


def test_xz_knows_what_it_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    text = bytes(rng.integers(97, 123, 2000).tolist())
    other = bytes(rng.integers(97, 123, 2000).tolist())
    known, unknown = xz_nats(text, text), xz_nats(other, text)
    assert known is not None
    assert unknown is not None
    assert known < 0.2 < unknown
    alone = len(lzma.compress(text, format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}]))
    assert unknown == pytest.approx(alone * 8 * math.log(2) / 2000, rel=0.1)
    assert xz_nats(text, b"") is None
    monkeypatch.setattr(baselines, "LONGEST_TEXT", len(text))  # the last of a longer training text
    assert xz_nats(other + text, text) == known
