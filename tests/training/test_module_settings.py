"""Label smoothing and compilation: what they change in a training, and what not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from composed import composed
from etude.config.fields import from_plain
from etude.corpora.gather import IGNORE, Batch
from etude.encodings import GridEncoding
from etude.errors import EtudeError
from etude.models.module import SequenceModule
from etude.training.module_setup import make_module
from etude.training.settings import TrainSettings
from networks import CHOICES, VOCABULARY, config_of, ids

LEARNING = [choice for choice in CHOICES if choice != "markov"]


def made(choice: str, **changes: Any) -> SequenceModule:
    torch.manual_seed(0)
    module = make_module(from_plain(TrainSettings, config_of(choice) | changes), VOCABULARY, GridEncoding())
    module.log = lambda *_, **__: None  # type: ignore[method-assign, assignment]  # there is no trainer
    return module


def batch() -> Batch:
    given = ids(3, 10)
    targets = given[:, 1:].clone()
    targets[0, :4] = IGNORE
    return Batch(given[:, :-1], targets, int((targets != IGNORE).sum()))


@pytest.mark.parametrize("choice", LEARNING)
def test_the_loss_is_smoothed_and_the_figures_are_nats(choice: str) -> None:
    plain, smoothed = made(choice), made(choice, label_smoothing=0.2)
    of = batch()
    logits, targets = plain.label_logits(of)
    chances = logits.log_softmax(-1)[targets != IGNORE]
    nats = -chances.gather(-1, targets[targets != IGNORE][:, None]).mean()
    uniform = -chances.mean()  # over all tokens alike
    torch.testing.assert_close(plain.training_step(of, 0), nats)
    torch.testing.assert_close(smoothed.training_step(of, 0), 0.8 * nats + 0.2 * uniform)
    smoothed.settle_metrics()
    torch.testing.assert_close(smoothed._train.loss.compute(), nats.detach())
    smoothed.eval()
    smoothed.validation_step(of, 0)
    smoothed.settle_metrics()
    expected, at = smoothed.label_logits(of)
    wanted = F.cross_entropy(expected.flatten(0, 1), at.flatten(), ignore_index=IGNORE)
    torch.testing.assert_close(smoothed._val.loss.compute(), wanted.detach())


def test_a_model_that_counts_has_no_labels_to_smooth() -> None:
    with pytest.raises(EtudeError, match=r"counted, not trained by gradients; type label_smoothing=0\.0"):
        made("markov", label_smoothing=0.1)


def test_the_pass_of_a_batch_is_compiled_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiler that only counts: the real one takes a minute."""
    compiled: list[str] = []
    calls: list[str] = []

    def counting(function: Any, **_: Any) -> Any:
        compiled.append(function.__name__)

        def call(*arguments: Any) -> Any:
            calls.append(function.__name__)
            return function(*arguments)

        return call

    monkeypatch.setattr(torch, "compile", counting)
    module = made("music_transformer", compile=True)
    assert (compiled, calls) == (["_increment", "label_logits"], ["_increment"])
    assert module.training_step(batch(), 0) == made("music_transformer").training_step(batch(), 0)
    module.validation_step(batch(), 0)
    module.network(ids(2, 3))
    module.network.stepper()
    assert calls[1:] == ["label_logits"] * 2
    assert module.state_dict().keys() == made("music_transformer").state_dict().keys()


def test_a_machine_without_a_compiler_is_told_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(function: Any, **_: Any) -> Any:
        raise RuntimeError("No working C++ compiler found\nand a long story")

    monkeypatch.setattr(torch, "compile", without)
    with pytest.raises(EtudeError) as caught:
        made("lstm", compile=True)
    assert "No working C++ compiler found)" in str(caught.value)
    assert "type compile=false" in str(caught.value)
    assert "long story" not in str(caught.value)


def test_a_network_that_cannot_be_compiled_ends_the_training_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class CompilerError(RuntimeError):
        pass

    def failing(function: Any, **_: Any) -> Any:
        def call(*arguments: Any) -> Any:
            if function.__name__ == "label_logits":
                raise CompilerError("C++ compile error\nand a long story")

        return call

    monkeypatch.setattr(torch, "compile", failing)
    exceptions = SimpleNamespace(exc=SimpleNamespace(TorchDynamoException=CompilerError))
    monkeypatch.setattr(torch, "_dynamo", exceptions, raising=False)  # importing it takes seconds
    with pytest.raises(EtudeError, match=r"C\+\+ compile error\); type compile=false"):
        made("lstm", compile=True).training_step(batch(), 0)


def test_neither_is_on_unless_it_is_typed() -> None:
    config = composed("train")
    assert (config["label_smoothing"], config["compile"]) == (0.0, False)
