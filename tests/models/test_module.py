"""The metrics of an epoch are means over all its labels, however they fall into batches."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torchmetrics.text import Perplexity

from etude.corpora.gather import IGNORE, Batch
from etude.models.module import SequenceModule
from networks import network_of

STILL = partial(torch.optim.SGD, lr=0.0)  # the network stays as it is, so that one pass can be compared


def test_the_figures_of_an_epoch_are_those_of_all_its_labels(tmp_path: Path) -> None:
    network = network_of("lstm", 7, embedding_dim=4, hidden_dim=5, num_layers=1)
    module = SequenceModule("lstm", network, 7, STILL)
    batches = []
    for size, ignored in ((3, 0), (2, 4), (1, 5)):
        ids = torch.randint(7, (size, 7))
        targets = ids[:, 1:].clone()
        targets[:, :ignored] = IGNORE
        batches.append(Batch(ids[:, :-1], targets, int((targets != IGNORE).sum())))
    trainer = pl.Trainer(
        max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, accelerator="cpu", default_root_dir=tmp_path,
    )  # fmt: skip
    loader = partial(torch.utils.data.DataLoader, batches, batch_size=None)
    trainer.fit(module, loader(), loader())
    reference = Perplexity(ignore_index=IGNORE)
    right, nats = [], []
    for batch in batches:
        logits = module(batch.inputs)[0].detach()
        reference.update(logits, batch.targets)
        counted = batch.targets != IGNORE
        nats.append(
            torch.nn.functional.cross_entropy(logits[counted], batch.targets[counted], reduction="none")
        )
        right.append(logits[counted].argmax(-1) == batch.targets[counted])
    for stage in ("train", "val"):
        logged = {
            name: float(trainer.callback_metrics[f"{stage}/{name}"])
            for name in ("loss", "accuracy", "perplexity")
        }
        assert logged == pytest.approx(
            {
                "loss": float(torch.cat(nats).mean()),
                "accuracy": float(torch.cat(right).float().mean()),
                "perplexity": float(reference.compute()),
            }
        )
