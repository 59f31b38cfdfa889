"""Lightning's idioms work with the parts of Étude: a Trainer, data and a module of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from etude.corpora.data_module import CorpusDataModule
from etude.corpora.gather import IGNORE, Batch
from etude.errors import EtudeError
from etude.models.checkpoint import load_model
from etude.models.lstm_batchnorm_module import BatchNormLSTMModule
from etude.models.module import SequenceModule
from etude.runs.folder import RunFolder
from networks import V, ids, module_of
from small_training import small_config, small_corpus, train_small


def trainer_in(folder: Path, **flags: Any) -> pl.Trainer:
    return pl.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False,
                      enable_model_summary=False, default_root_dir=folder, **flags)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, CorpusDataModule]:
    folder = tmp_path_factory.mktemp("run")
    config = small_config(folder, "schedule=cosine", "optim=adamw", "optim.decay_biases_and_norms=false",
                          "label_smoothing=0.1", "trainer.max_epochs=1")  # fmt: skip
    made = RunFolder(folder / "run")
    train_small(config, made)
    return made, CorpusDataModule(small_corpus(config))


def test_a_module_is_loaded_from_the_checkpoint_of_a_run_and_trained_on(
    run: tuple[RunFolder, CorpusDataModule], tmp_path: Path
) -> None:
    folder, data = run
    module = SequenceModule.load_from_checkpoint(folder.checkpoints / "best.ckpt")
    stored = torch.load(folder.checkpoints / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(module.state_dict()[name], weight) for name, weight in stored.items())
    assert module.label_smoothing == 0.1
    trainer = trainer_in(tmp_path)
    trainer.fit(module, datamodule=data)
    [optimizer], [scheduler] = trainer.optimizers, trainer.lr_scheduler_configs
    assert type(optimizer) is torch.optim.AdamW
    assert len(optimizer.param_groups) == 2, "biases and norms apart"
    assert scheduler.interval == "step"
    trainer.save_checkpoint(tmp_path / "mine.ckpt")
    again = load_model(tmp_path / "mine.ckpt")  # as `etude sample run=mine.ckpt` does
    assert torch.equal(again.network.linear.weight, module.network.linear.weight)  # type: ignore[arg-type]
    [tested] = trainer.test(module, datamodule=data, verbose=False)
    assert 0 < tested["test/loss"] < 10


def test_a_checkpoint_of_another_class_is_refused(run: tuple[RunFolder, CorpusDataModule]) -> None:
    path = run[0].checkpoints / "best.ckpt"
    with pytest.raises(EtudeError, match="holds a SequenceModule, not a BatchNormLSTMModule"):
        BatchNormLSTMModule.load_from_checkpoint(path)


class Bigrams(pl.LightningModule):
    """A module of one's own, which knows nothing of Étude but the names of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(99, 99)

    def training_step(self, batch: Batch, number: int) -> Tensor:
        logits = self.table(batch.inputs)[:, -batch.targets.shape[1] :]
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())

    def validation_step(self, batch: Batch, number: int) -> None:
        self.log("val_loss", self.training_step(batch, number), batch_size=batch.num_labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 1.0)


def test_ones_own_module_and_trainer_take_the_data_of_etude(
    run: tuple[RunFolder, CorpusDataModule], tmp_path: Path
) -> None:
    module = Bigrams()
    before = module.table.weight.detach().clone()
    trainer = trainer_in(tmp_path)
    trainer.fit(module, datamodule=run[1])
    assert not torch.equal(module.table.weight, before)
    assert trainer.callback_metrics["val_loss"] > 0
    assert trainer.global_step == len(run[1].train_dataloader())


class Pairs(pl.LightningDataModule):
    """Data of one's own: inputs and the tokens that follow, as PyTorch's loaders give them."""

    def __init__(self, pairs: TensorDataset) -> None:
        super().__init__()
        self.pairs = pairs

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.pairs, batch_size=4)

    val_dataloader = test_dataloader = train_dataloader


@pytest.mark.parametrize("choice", ["lstm", "lstm_batchnorm"])
@pytest.mark.parametrize("last_only", [True, False])
def test_the_module_of_etude_takes_pairs_of_ones_own(choice: str, last_only: bool, tmp_path: Path) -> None:
    given = ids(10, 9)
    targets = given[:, -1] if last_only else given[:, 1:].clone()
    if not last_only:
        targets[0, :3] = IGNORE
    module, trainer = module_of(choice, dropout=0.0), trainer_in(tmp_path)
    trainer.fit(module, datamodule=Pairs(TensorDataset(given[:, :-1], targets)))
    assert trainer.global_step == 3
    module.eval()
    with torch.no_grad():
        logits, _ = module(given[:, :-1])
    picked = logits[:, -1] if last_only else logits.flatten(0, 1)
    nats = nn.functional.cross_entropy(picked.reshape(-1, V), targets.flatten(), ignore_index=IGNORE)
    assert float(trainer.callback_metrics["val/loss"]) == pytest.approx(float(nats), rel=1e-5)
