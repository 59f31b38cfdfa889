"""TensorBoard: metrics, samples to hear and see, and a row of the table of hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import soundfile
from pytorch_lightning.loggers import TensorBoardLogger

from etude.runs.folder import RunFolder
from etude.training.tracker import FinalMetrics, ShownSamples, Tracker

LAYOUT = {
    "étude": {
        kind: ["Multiline", [f"^train/{kind}$", f"^val/{kind}$", f"^baselines/{kind}/"]]
        for kind in ("loss", "accuracy")
    }
}  # of the tab Custom Scalars


class TensorBoardTracker(Tracker):
    """Event files in the run folder. ``step``: where an attempt goes on; ``config``: flat settings."""

    def __init__(self, run: RunFolder, config: Mapping[str, Any], step: int) -> None:
        # What an earlier attempt logged from this step on is hidden by TensorBoard.
        purge: dict[str, Any] = {"purge_step": step} if step else {}
        self._board = TensorBoardLogger(
            save_dir=run.path, name="", version="tensorboard", default_hp_metric=False, **purge
        )
        super().__init__(self._board)
        self._config = config

    def show_samples(self, samples: ShownSamples) -> None:
        """Show audio, pictures and a table under ``samples/STAGE/``."""
        writer, folder = self._board.experiment, f"samples/{samples.stage}"
        for file in samples.audio:
            sound, rate = soundfile.read(file, always_2d=True)  # (frames, channels)
            writer.add_audio(f"{folder}/{file.name}", sound.mean(1)[None], samples.step, int(rate))
        for name, picture in samples.pictures():
            writer.add_image(f"{folder}/{name}", picture, samples.step, dataformats="HWC")
        if samples.samples:
            writer.add_text(f"{folder}/table", _markdown(samples), samples.step)

    def log_test(self, test: Mapping[str, float], step: int, epoch: int) -> None:
        """Do nothing: :meth:`finish` logs the test metrics, as those of the hyperparameters."""

    def finish(self, outcome: FinalMetrics) -> None:
        """Write hyperparameters with test metrics and best validation, and the baselines as lines."""
        metrics = {**outcome.test, "best/val_loss": outcome.results["validation"]["nats"]}
        self._board.log_hyperparams(dict(self._config), metrics, outcome.step)
        writer = self._board.experiment
        for name, value in outcome.lines().items():
            for step in (0, outcome.step):
                writer.add_scalar(name, value, step)
        writer.add_custom_scalars(LAYOUT)
        self._board.finalize("success")


def _markdown(samples: ShownSamples) -> str:
    lines = [samples.COLUMNS, ("---",) * len(samples.COLUMNS)]
    for number, text, is_valid, nats in samples.rows:
        lines.append((str(number), f"`{' '.join(text.split())}`", "yes" if is_valid else "no", f"{nats:.3f}"))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
