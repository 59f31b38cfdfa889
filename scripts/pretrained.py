"""Make a model of src/etude/pretrained/ again, or compare a run with it.

    python scripts/pretrained.py NAME             # train the model (minutes), then compare
    python scripts/pretrained.py NAME --run RUN   # compare a finished run
    python scripts/pretrained.py NAME --write     # put the run's weights in the file's place

Says whether the run gives the same file, as it does on the same processor with the same packages and code. If
not, both are scored on the test set. Exit code 1 if the run is worse by more than WORSE.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from etude.evaluation.held_out import held_out_set
from etude.evaluation.likelihood import score_labels
from etude.models.checkpoint import TrainedModel, load_model
from etude.models.pretrained import FOLDER, SUFFIX
from etude.sampling.context import TrainingContext

NAMES = ("cobb", "erk", "mozart", "performance")
PRINTED = (
    "init_from=latest data.augment_keys=false data.related_books=false optim.lr=1.5e-3 trainer.max_epochs=3 "
    "model.dropout=0.3"
)
CHORDS = "name=mozart_small model.hidden_dim=224"  # the presets' networks of 1.8 and 2 MB would not fit
WRITTEN = "init_from=latest data.augment_semitones=0 optim.lr=1e-3 trainer.max_epochs=2 model.dropout=0.0"
PERFORMANCES = (
    "name=performance_small model.hidden_dim=88 model.num_layers=3 "
    "model.feedforward_dim=108 model.max_distance=64 model.dropout=0.0 optim.lr=4e-3 trainer.max_epochs=72"
)
TRAININGS = {  # settings of each, where the preset has others
    "cobb": ["", PRINTED],
    "mozart": [f"{CHORDS} model.dropout=0.4", f"{CHORDS} {WRITTEN}"],
    "performance": [PERFORMANCES],
}
WORSE = 0.01  # nats per token


def main(name: str, run: str | None, *, write: bool) -> int:
    """Train if there is no run, export, and compare; return the exit code."""
    shipped = FOLDER / f"{name}{SUFFIX}"
    if run is None:
        command = ["etude", "train", f"experiment={name}_best", "logger=csv"]
        for settings in TRAININGS.get(name, [""]):
            subprocess.run([*command, *settings.split()], check=True)
        run = "latest"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / shipped.name
        subprocess.run(["etude", "export", run, str(made), "--bfloat16"], check=True)
        if write:
            shipped.write_bytes(made.read_bytes())
        if made.read_bytes() == shipped.read_bytes():
            print(f"{shipped.name}: the same file, {shipped.stat().st_size:,} bytes")
            return 0
        ours, theirs = test_nats(load_model(made)), test_nats(load_model(shipped))
    print(f"{shipped.name}: another file; {ours:.4f} nats per test token, the file has {theirs:.4f}")
    return int(ours > theirs + WORSE)


def test_nats(model: TrainedModel) -> float:
    """Return the mean nats of a model on the test set of its training corpus."""
    held_out = held_out_set(TrainingContext.of_model(model).corpus, "test", model.vocabulary)
    return float(score_labels(model.network, held_out.batches()).nats.mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--run", help="a finished run: its folder, or the beginning of its name or hash")
    parser.add_argument("--write", action="store_true", help="replace the file")
    flags = parser.parse_args()
    sys.exit(main(flags.name, flags.run, write=flags.write))
