"""Measure how predictable a test set split by window is: by counting, memory, networks and all of them.

    python benchmarks/mozart_memory.py RUN [RUN ...] [--order 24] [--checkpoint best|last]

Each RUN is a finished or interrupted training whose data are one text split by window
(experiment=mozart_lstm_batchnorm). For each test label, from all that comes before it in the text:

- counted: n-grams with Witten-Bell smoothing over the training labels, as in the baselines of every run;
- with memory: the same, counted also over all tokens before the label;
- like places: each training label and each earlier label counts e^(4 · likeness) times; likeness is the
  sum of 0.8^k over the agreeing tokens k places before the two. Both numbers were chosen on the
  validation labels. The next 64 labels are left out, because their places see the wanted label. This has
  weight 0.95, the row above 0.05;
- the network of each run, read once from the beginning;
- all but the first together: the sum of log-probabilities, weighted as is best on the validation labels.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from machine import heading, print_table

from etude.config.build import build
from etude.corpora.prepared import PreparedCorpus
from etude.models.checkpoint import TrainedModel, load_model

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
AT_A_TIME = 1024  # positions of the network's pass
LIKENESS_DECAY, LIKENESS_SCALE = 0.8, 4.0


def main(runs: Sequence[Path], order: int, checkpoint: str) -> None:
    print(heading(f"Test labels by window, as far as they can be known ({checkpoint}.ckpt)"))
    torch.set_num_threads(1)
    models = [load_model(run / "checkpoints" / f"{checkpoint}.ckpt") for run in runs]
    config = models[0].config
    data: PreparedCorpus = build(config["data"])
    split = data.split
    ids = data.store.ids.astype(np.int64)
    counts, val, test = (subset.labels for subset in (split.train, split.val, split.test))
    if counts is None or val is None or test is None:
        raise SystemExit(f"{runs[0]} is not split by window")
    wanted = np.flatnonzero(val | test)
    of_val = val[wanted]
    labels = ids[wanted + 1]
    counted, memory = (
        probabilities(ids, wanted, counts, order, len(data.vocabulary), remember=remember)
        for remember in (False, True)
    )
    found = {
        f"{order}-gram, counted": counted,
        f"{order}-gram with memory": memory,
        "like places": 0.95 * likeness(ids, wanted, counts, len(data.vocabulary)) + 0.05 * memory,
    }
    for run, model in zip(runs, models, strict=True):
        found[f"network {run.name}"] = network_probabilities(model, ids, wanted)
    parts = np.log(np.stack(list(found.values())[1:]))
    weights = best_weights(parts[:, of_val], labels[of_val])
    found["together"] = mixture(parts, weights)
    rows = [["", "weight", "val nats", "val accuracy", "test nats", "test accuracy"]]
    shown = ["–", *(f"{weight:.2f}" for weight in weights), "–"]
    for (name, each), weight in zip(found.items(), shown, strict=True):
        row = [name, weight]
        for where in (of_val, ~of_val):
            right = labels[where]
            row.append(f"{-np.log(each[where][np.arange(len(right)), right]).mean():.3f}")
            row.append(f"{(each[where].argmax(axis=1) == right).mean():.1%}")
        rows.append(row)
    print_table(rows)


def best_weights(parts: Floats, labels: Ids) -> Floats:
    """Return the weight of each part's log-probabilities (parts, labels, size) that loses the fewest nats."""
    weights = torch.full((len(parts),), 1 / len(parts), dtype=torch.float64, requires_grad=True)
    given, right = torch.from_numpy(parts), torch.from_numpy(labels)
    optimizer = torch.optim.LBFGS([weights], max_iter=20)

    def loss() -> float:
        optimizer.zero_grad()
        nats = torch.nn.functional.cross_entropy(torch.einsum("p,pnv->nv", weights, given), right)
        nats.backward()
        return float(nats.detach())

    optimizer.step(loss)
    return weights.detach().numpy()


def mixture(parts: Floats, weights: Floats) -> Floats:
    """Return the probabilities (labels, size) of weighted log-probabilities."""
    return torch.einsum("p,pnv->nv", torch.from_numpy(weights), torch.from_numpy(parts)).softmax(-1).numpy()


def likeness(ids: Ids, wanted: Ids, trained_on: npt.NDArray[np.bool_], size: int) -> Floats:
    """Return shares of what followed similar contexts, (wanted, size): in training, and before the label."""
    known = np.append(trained_on, False)[: len(ids)].copy()
    after = np.append(ids[1:], 0)
    like = np.zeros(len(ids))
    rows = []
    for label in range(len(ids) - 1):
        like[1:] = LIKENESS_DECAY * like[:-1]
        like[0] = 0.0
        like += ids == ids[label]
        if len(rows) < len(wanted) and wanted[len(rows)] == label:
            votes = np.exp(LIKENESS_SCALE * (like - like.max())) * known
            votes[label + 1 : label + 65] = 0
            row = np.bincount(after, votes, minlength=size)
            rows.append(row / row.sum())
        known[label] = True
    return np.stack(rows)


def probabilities(
    ids: Ids, wanted: Ids, trained_on: npt.NDArray[np.bool_], order: int, size: int, *, remember: bool
) -> Floats:
    """Return P(label | preceding tokens), (wanted, size); slow and plain, label by label."""
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
    """Return the network's probabilities at each wanted label, (wanted, size), in one pass."""
    found, state = [], None
    for start in range(0, len(ids) - 1, AT_A_TIME):
        part = torch.from_numpy(ids[start : min(start + AT_A_TIME, len(ids) - 1)])
        logits, state = model.network(part[None], state)
        here = wanted[(wanted >= start) & (wanted < start + len(part))] - start
        found.append(logits[0, here].double().softmax(-1).numpy())
    return np.concatenate(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--order", type=int, default=24)
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best")
    given = parser.parse_args()
    main(given.runs, given.order, given.checkpoint)
