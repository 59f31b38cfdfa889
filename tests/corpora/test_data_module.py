"""The batches of a corpus: its settings reach the windows, and the data module gives the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from etude.config.build import build
from etude.config.compose import compose
from etude.corpora.batches import training_windows
from etude.corpora.data_module import CorpusDataModule


def first_epoch(data_dir: Path, *overrides: str, seed: int = 0) -> list[list[list[int]]]:
    """The inputs of each training batch."""
    size = ("data.max_pieces=40", "data.batch_size=7", "data.sequence_len=16")
    config = compose("prepare", [f"data.data_dir={data_dir}", *size, *overrides])
    corpus = build(config.data)
    batches = [batch.inputs.tolist() for batch in training_windows(corpus, seed)]
    assert batches == [b.inputs.tolist() for b in CorpusDataModule(corpus, seed).train_dataloader()]
    return batches


@pytest.mark.parametrize("objective", ["every", "last"])
def test_the_seed_of_a_run_decides_the_order_of_its_windows(data_dir: Path, objective: str) -> None:
    choice = f"data.objective={objective}"
    first = first_epoch(data_dir, choice, seed=3)
    assert first == first_epoch(data_dir, choice, seed=3)
    assert first != first_epoch(data_dir, choice, seed=4)


def test_sizes_are_those_of_the_settings(data_dir: Path) -> None:
    batches = first_epoch(data_dir, "data.bucket=false")
    assert {len(row) for batch in batches for row in batch} == {16}
    *full, last = map(len, batches)
    assert set(full) == {7}
    assert 0 < last < 7
    assert [len(batch) for batch in first_epoch(data_dir, "data.bucket=false", "data.drop_last=true")] == full
    assert len({len(batch[0]) for batch in first_epoch(data_dir, "data.bucket=true")}) > 1
