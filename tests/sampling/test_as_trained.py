"""Before sampling, a network reads its training context; stepwise sampling equals the full pass."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.corpora.gather import Gather
from etude.corpora.splits import Subset
from etude.corpora.store import EncodedPiece, Store, open_store
from etude.encodings import GridEncoding
from etude.models.checkpoint import TrainedModel
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate, network_start
from etude.sampling.primers import Primer
from etude.sampling.sampler import NOISE_BLOCK, sequence_seed
from networks import CHOICES, VOCABULARY, config_of, ready
from prepared_corpora import write_store
from sampling_settings import sampling

LENGTH = 6  # tokens a window


def context(objective: str) -> TrainingContext:
    return TrainingContext.of_model(model("lstm", objective))


def model(choice: str, objective: str) -> TrainedModel:
    config = config_of(choice)
    config["data"] = {**config["data"], "objective": objective, "sequence_len": LENGTH}
    return TrainedModel(ready(choice).network, GridEncoding(), VOCABULARY, config)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("as_trained") / "store"
    lengths = range(1, 14)
    pieces = [EncodedPiece(str(n), n, [str(60 + (n * k) % 10) for k in range(1, n + 1)]) for n in lengths]
    write_store(folder, [*pieces, EncodedPiece("all", 99, list(VOCABULARY.tokens[1:]))], {"fingerprint": "f"})
    return open_store(folder)


@given(data=st.data(), objective=st.sampled_from(["last", "every"]))
@settings(max_examples=60, deadline=None)
def test_a_primer_is_read_as_the_window_before_its_next_token(
    store: Store, data: st.DataObject, objective: str
) -> None:
    """The row of ids from which a piece goes on is a row of a training batch."""
    assert store.vocabulary == VOCABULARY
    number = data.draw(st.integers(0, len(store) - 1))
    piece = store.piece(number).tolist()
    label = data.draw(st.integers(0, min(len(piece), LENGTH)))  # the token that comes next, or the end
    gather = Gather(store, Subset(np.arange(len(store))))
    length = LENGTH if objective == "last" else label + 1
    inputs, targets, _, _ = gather(np.array([number]), np.array([label - length + 1]), length, last_only=True)
    assert network_start(Primer([piece[:label]]), 0, context(objective)) == inputs[0].tolist()
    assert targets[0].tolist() == [[*piece, 0][label]]


def test_a_window_of_a_piece_is_read_without_a_beginning_before_it() -> None:
    window = list(range(1, LENGTH + 1))
    primer = Primer([window], within=True)
    assert network_start(primer, 0, context("every")) == window
    assert network_start(primer, 0, context("last")) == window


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("objective", ["last", "every"])
def test_each_token_is_sampled_from_a_full_pass_over_all_before_it(choice: str, objective: str) -> None:
    """And its nats are those of that pass, whether a beginning is padded as in training or not."""
    trained = model(choice, objective)
    settings = sampling(temperature=1.0, grammar=False, max_tokens=30, num_samples=2)
    longest = 0
    for primer in ("64 62 60", "61", "", "69 69 68 67 66 65 64 63"):
        begun = len(primer.split())
        padding = max(0, LENGTH - begun) if objective == "last" else 1
        for one in generate(trained, replace(settings, primer=primer)).samples:
            ids = [0] * padding + VOCABULARY.ids(one.tokens).tolist()
            with torch.inference_mode():
                logits, _ = trained.network(torch.tensor([ids]))
            chances = torch.softmax(logits[0].double(), dim=-1)  # (T, V)
            generator = torch.Generator().manual_seed(sequence_seed(0, one.number - 1))
            noise = torch.rand(NOISE_BLOCK, generator=generator, dtype=torch.float64).tolist()
            generated = range(padding + begun, len(ids))
            longest = max(longest, len(generated))
            for place, uniform in zip(generated, noise, strict=False):
                below = float(chances[place - 1, : ids[place]].sum())
                assert below - 1e-5 <= uniform <= below + float(chances[place - 1, ids[place]]) + 1e-5
            if generated:
                logs = [math.log(chances[place - 1, ids[place]]) for place in generated]
                assert one.nats == pytest.approx(-sum(logs) / len(logs), abs=1e-4)
    assert longest > LENGTH
