"""How much of a test set drawn by window can be known: by counting, by memory, by a network.

    python benchmarks/mozart_memory.py RUN [--order 24] [--checkpoint best|last]

RUN is a finished training whose data are one text split by window (experiment=mozart_lstm_batchnorm). For
each test label, from all that comes before it in the text:

- counted: n-grams with Witten-Bell smoothing over the training labels, as in the floors of every run;
- with memory: the same, and over all tokens before the label as well: what was played is no secret;
- the network of the run, read once from the beginning;
- the mean of network and memory, weighted as is best on the validation labels.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from machine import heading, print_table

from etude.config.build import build
from etude.data.module import CorpusDataModule
from etude.models.checkpoint import TrainedModel, load_model

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
AT_A_TIME = 1024  # positions of the network's pass


def main(run: Path, order: int, checkpoint: str) -> None:
    print(heading(f"Test labels by window, as far as they can be known ({run.name}, {checkpoint}.ckpt)"))
    torch.set_num_threads(1)
    model = load_model(run / "checkpoints" / f"{checkpoint}.ckpt")
    data: CorpusDataModule = build(model.config["data"], seed=model.config["seed"])
    data.prepare_data()
    split = data.split
    ids = data.store.ids.astype(np.int64)
    counts, val, test = (portion.labels for portion in (split.train, split.val, split.test))
    if counts is None or val is None or test is None:
        raise SystemExit(f"{run} is not split by window")
    wanted = np.flatnonzero(val | test)
    of_val = val[wanted]
    labels = ids[wanted + 1]
    counted, memory = (
        probabilities(ids, wanted, counts, order, len(data.vocabulary), remember=remember)
        for remember in (False, True)
    )
    network = network_probabilities(model, ids, wanted)

    def nats(weight: float, where: npt.NDArray[np.bool_]) -> float:
        both = weight * network[where] + (1 - weight) * memory[where]
        return float(-np.log(both[np.arange(len(both)), labels[where]]).mean())

    weight = min((step / 20 for step in range(21)), key=lambda weight: nats(weight, of_val))
    rows = [["", "val nats", "val accuracy", "test nats", "test accuracy"]]
    for name, found in (
        (f"{order}-gram, counted", counted),
        (f"{order}-gram with memory", memory),
        ("network", network),
        (f"{weight:.2f} network, {1 - weight:.2f} memory", weight * network + (1 - weight) * memory),
    ):
        row = [name]
        for where in (of_val, ~of_val):
            right = labels[where]
            row.append(f"{-np.log(found[where][np.arange(len(right)), right]).mean():.3f}")
            row.append(f"{(found[where].argmax(axis=1) == right).mean():.1%}")
        rows.append(row)
    print_table(rows)


def probabilities(
    ids: Ids, wanted: Ids, trained_on: npt.NDArray[np.bool_], order: int, size: int, *, remember: bool
) -> Floats:
    """Return P(label | what comes before it), (wanted, size); slow and plain, one label after the other."""
    counts: list[dict[bytes, dict[int, int]]] = [defaultdict(dict) for _ in range(order)]

    def add(label: int) -> None:
        for length in range(min(order, label + 2)):
            seen = counts[length][ids[label + 1 - length : label + 1].tobytes()]
            seen[ids[label + 1]] = seen.get(ids[label + 1], 0) + 1

    for label in np.flatnonzero(trained_on):
        add(label)
    rows = np.empty((len(wanted), size))
    row = 0
    for label in range(len(ids) - 1):
        if row < len(wanted) and wanted[row] == label:
            found = np.full(size, 1 / size)
            for length in range(min(order, label + 2)):
                seen = counts[length].get(ids[label + 1 - length : label + 1].tobytes())
                if seen:
                    found *= len(seen)
                    for token, times in seen.items():
                        found[token] += times
                    found /= sum(seen.values()) + len(seen)
            rows[row] = found
            row += 1
        if remember and not trained_on[label]:
            add(label)
    return rows


@torch.inference_mode()
def network_probabilities(model: TrainedModel, ids: Ids, wanted: Ids) -> Floats:
    """Return what the network says of each wanted label, (wanted, size), in one pass over the text."""
    found, state = [], None
    for start in range(0, len(ids) - 1, AT_A_TIME):
        part = torch.from_numpy(ids[start : min(start + AT_A_TIME, len(ids) - 1)])
        logits, state = model.module.network(part[None], state)
        here = wanted[(wanted >= start) & (wanted < start + len(part))] - start
        found.append(logits[0, here].double().softmax(-1).numpy())
    return np.concatenate(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--order", type=int, default=24)
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best")
    given = parser.parse_args()
    main(given.run, given.order, given.checkpoint)
