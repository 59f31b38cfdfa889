"""Parts of a test set are scored by themselves."""

from pathlib import Path

import numpy as np
import pytest

from etude.corpora.splits import Subset
from etude.evaluation.held_out import held_out_set
from etude.evaluation.likelihood import score_labels
from etude.evaluation.metrics import part_metrics
from networks import network_of
from prepared_corpora import prepared_corpus


def test_a_part_has_the_means_over_its_own_labels(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepared_corpus(data_dir, "data.max_pieces=60")
    pieces = data.split.test.pieces
    held_out = held_out_set(data, "test", data.vocabulary)
    scores = score_labels(network_of("lstm", len(data.vocabulary)), held_out.batches())
    assert part_metrics(scores, held_out) == {}
    parts = {"first": Subset(pieces[:2]), "rest": Subset(pieces[2:]), "none": Subset(pieces[:0])}
    monkeypatch.setattr(data, "test_parts", lambda: parts)
    found = part_metrics(scores, held_out)
    assert [(name, part["pieces"]) for name, part in found.items()] == [
        ("first", 2),
        ("rest", len(pieces) - 2),
    ]
    sizes = [int(np.isin(scores.piece, parts[name].pieces).sum()) for name in found]
    mean = np.average([part["nats"] for part in found.values()], weights=sizes)
    assert mean == pytest.approx(scores.nats.mean())
    assert found["first"]["nats"] == pytest.approx(scores.nats[np.isin(scores.piece, pieces[:2])].mean())
    assert found["first"]["onsets"]["nats"] > 0
