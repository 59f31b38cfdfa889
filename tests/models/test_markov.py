"""The Markov chain gives the probabilities of the n-gram baseline, by steps and in one pass."""

from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.config.resolved import ResolvedConfig
from etude.models.checkpoint import load_model, metadata
from networks import VOCABULARY, config_of, module_of, network_of

END = 0


def pieces_of(size: int) -> st.SearchStrategy[list[np.ndarray]]:
    tokens = st.lists(st.integers(0, size - 1), max_size=12)
    return st.lists(tokens.map(lambda piece: np.array([*piece, END])), min_size=1, max_size=6)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[int, list[np.ndarray], list[np.ndarray]]:
    size = draw(st.sampled_from([1, 2, 3, 5, 300]))
    return size, draw(pieces_of(size)), draw(pieces_of(size))


@given(corpora(), st.integers(1, 6))
@settings(deadline=None, max_examples=50)
def test_every_label_is_as_likely_as_in_the_ngram_model(
    corpus: tuple[int, list[np.ndarray], list[np.ndarray]], order: int
) -> None:
    size, train, held_out = corpus
    network = network_of("markov", size, ngram=order)
    network.ngram.count(train)
    network.double()
    expected = network.ngram.predictions(held_out)[-1].nats
    found = []
    for piece in held_out:
        logits, _ = network(torch.tensor([[END, *piece[:-1]]]))
        assert torch.allclose(logits.exp().sum(-1), torch.ones(1, dtype=torch.float64))
        found += (-logits[0, torch.arange(len(piece)), torch.from_numpy(piece)]).tolist()
    assert np.allclose(found, expected, atol=1e-12)


def test_before_anything_is_counted_all_tokens_are_equally_likely() -> None:
    logits, _ = module_of("markov")(torch.zeros(2, 3, dtype=torch.long))
    assert torch.allclose(logits.exp(), torch.full_like(logits, 1 / logits.shape[-1]))


def test_a_longer_ngram_remembers_more() -> None:
    """A text in which the token two back decides: the chain that sees it is sure, the shorter one is not."""
    text = np.array([1, 1, 2, 2] * 50 + [END])
    nats = []
    for order in (1, 2, 3):
        network = network_of("markov", 3, ngram=order)
        network.ngram.count([text])
        logits, _ = network(torch.from_numpy(text[None, :-1]))
        nats.append(float(torch.nn.functional.cross_entropy(logits[0], torch.from_numpy(text[1:]))))
    assert nats[1] > 0.5
    assert nats[2] < 0.3


def test_a_counted_chain_is_opened_from_its_checkpoint(tmp_path: Path) -> None:
    module, config = module_of("markov"), config_of("markov")
    module.network.ngram.count([np.array([1, 2, 1, 3, END])])
    stored = {
        "state_dict": module.state_dict(),
        "etude": metadata(ResolvedConfig(config), VOCABULARY, "a corpus"),
    }
    torch.save(stored, tmp_path / "model.ckpt")
    opened = load_model(tmp_path / "model.ckpt").network
    ids = torch.tensor([[END, 1, 2, 1]])
    assert torch.equal(opened(ids)[0], module.eval()(ids)[0])
