"""Measure tokens per second: the published way against ours, for each network of conf/model.

    python benchmarks/sampling.py [--tokens 1000] [--budget 10] [--device cpu] [model ...]
    python benchmarks/bench.py --only sampling

The published way reads the whole prefix again for each token, one piece at a time, so its cost grows with
the length. It stops after `--budget` seconds, and the table says after how many tokens; more tokens would
be slower still. Ours keeps the state: batches of 1 and of 64, with and without the grammar and filters,
always `--tokens` tokens. "products" is the time of a step's matrix products alone, the input's included,
beside that of the whole step; the aim is a step within twice that. The encoding is the grid with the folk
songs' 36 tokens; weights are untrained, and no piece ends early. `make bench` also has the `generate` of
Hugging Face's transformers drive the same network, with the same state from token to token.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from functools import cache

import torch
from machine import heading, print_table
from rows import Row, Scale, pick, processor_seconds

from etude.api import sampling_settings
from etude.config.build import build
from etude.config.compose import compose
from etude.config.conf_files import conf_dir
from etude.encodings import GridEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.network import Network
from etude.sampling.filters import make_filters
from etude.sampling.grammars.by_encoding import make_grammar
from etude.sampling.sampler import NO_FILTERS, sample
from etude.sampling.settings import SamplingSettings

VOCABULARY = Vocabulary.of(["_", "r", *map(str, range(48, 81))])
NEVER = 10**6  # no such id, so that nothing ends
LONG = 5.0  # seconds; longer measurements are not repeated


def rows(scale: Scale) -> list[Row]:
    torch.set_num_threads(1)
    found = []
    tokens = pick(scale, 8, 200, 1000)
    for model in ("lstm", "lstm_copy", "music_transformer"):
        network = untrained(model)
        one = tokens / processor_seconds(lambda n=network: ours(n, 1, tokens))  # type: ignore[misc]
        _, slow = published_way(network, tokens, budget=pick(scale, 1, 3, 20), device="cpu")
        theirs = by_transformers(network, tokens)
        what = f"generate {tokens:,} tokens, {model}"
        found += [
            Row(what, one, "tokens/s", "the whole prefix again", slow, True),
            Row(what, one, "tokens/s", "Hugging Face generate", theirs, True),
        ]
    return found


def by_transformers(network: Network, tokens: int) -> float | None:
    """Return tokens per second; None if transformers is not installed."""
    if importlib.util.find_spec("transformers") is None:
        return None
    from hugging_face import generate

    return tokens / processor_seconds(lambda: generate(network, len(VOCABULARY), tokens))


def main(models: list[str], tokens: int, budget: float, device: str) -> None:
    torch.set_num_threads(1)
    print(heading(f"Tokens a second, {tokens} tokens, on {device}"))
    head = [
        "",
        "published",
        "over",
        "batch 1",
        "",
        "batch 64",
        "",
        "with grammar, top-k, top-p",
        "products",
        "",
    ]
    table = [head]
    for model in models or sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml")):
        network = untrained(model).to(device)
        drawn, slow = published_way(network, tokens, budget, device)
        one, many = (
            tokens * size / seconds(lambda n=network, b=size: ours(n, b, tokens)) for size in (1, 64)
        )
        steered = tokens * 64 / seconds(lambda n=network: ours(n, 64, tokens, steered=True))
        products = product_seconds(network, 64, device)
        step = 64 / many
        table.append(
            [
                model, f"{slow:,.0f}", f"{drawn}", f"{one:,.0f}", f"{one / slow:.0f} ×", f"{many:,.0f}",
                f"{many / slow:.0f} ×", f"{steered:,.0f}",
                f"{products * 1e6:,.0f} of {step * 1e6:,.0f} µs" if products else "–",
                f"{step / products:.1f} ×" if products else "",
            ]
        )  # fmt: skip
    print_table(table)


def untrained(model: str) -> Network:
    torch.manual_seed(0)
    config = compose("train", [f"model={model}"])
    network: Network = build(config.model, vocabulary_size=len(VOCABULARY))
    return network.eval()


@torch.inference_mode()
def published_way(network: Network, length: int, budget: float, device: str) -> tuple[int, float]:
    """Return the number of sampled tokens and tokens per second."""
    ids = torch.zeros(1, 1, dtype=torch.long, device=device)
    started = time.process_time()
    while ids.shape[1] <= length and time.process_time() - started < budget:
        logits, _ = network(ids)
        chosen = torch.multinomial(torch.softmax(logits[:, -1], dim=-1), 1)
        ids = torch.cat([ids, chosen], dim=1)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    drawn = ids.shape[1] - 1
    return drawn, drawn / (time.process_time() - started)


def ours(network: Network, batch: int, tokens: int, *, steered: bool = False) -> None:
    device = next(network.parameters()).device
    sample(
        network,
        torch.zeros(batch, 1, dtype=torch.long, device=device),
        terminator=NEVER,
        max_new=tokens,
        filters=make_filters(steered_settings()) if steered else NO_FILTERS,
        grammar=make_grammar(GridEncoding(), VOCABULARY) if steered else None,
    )


@cache
def steered_settings() -> SamplingSettings:
    return sampling_settings(top_k=20, top_p=0.95)


@torch.inference_mode()
def product_seconds(network: Network, batch: int, device: str) -> float | None:
    """Time the matrix products of one step: each two-dimensional weight once, without the embedding."""
    weights = [
        parameter.detach().T.contiguous()
        for name, parameter in network.named_parameters()
        if parameter.dim() == 2 and not name.startswith("embedding")
    ]
    if not weights:  # a chain of counts multiplies nothing
        return None
    inputs = [torch.randn(batch, weight.shape[0], device=device) for weight in weights]

    def products() -> None:
        for _ in range(200):
            for each, weight in zip(inputs, weights, strict=True):
                each @ weight

    return seconds(products) / 200


def seconds(work: Callable[[], object]) -> float:
    """Return the best of three times, or the first if it is over five seconds."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
        if best > LONG:
            break
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*")
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    main(given.models, given.tokens, given.budget, given.device)
