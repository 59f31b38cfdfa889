"""A network of Étude under the `generate` of Hugging Face's transformers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from etude.models.network import Network


class Wrapped(PreTrainedModel, GenerationMixin):
    """The network, with its state handed on from token to token as their recurrent models do it."""

    config_class = PretrainedConfig
    main_input_name = "input_ids"
    _is_stateful = True

    def __init__(self, network: Network, vocabulary_size: int) -> None:
        super().__init__(PretrainedConfig(vocab_size=vocabulary_size))
        self.network = network
        self.generation_config = GenerationConfig(do_sample=True, top_k=0, pad_token_id=0)

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    def forward(self, input_ids: Tensor, state: Any = None, **_: Any) -> ModelOutput:
        logits, state = self.network(input_ids, state)
        return ModelOutput(logits=logits, state=state)

    def prepare_inputs_for_generation(self, input_ids: Tensor, state: Any = None, **_: Any) -> dict[str, Any]:
        return {"input_ids": input_ids if state is None else input_ids[:, -1:], "state": state}

    def _update_model_kwargs_for_generation(
        self, outputs: ModelOutput, model_kwargs: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        return {**model_kwargs, "state": outputs["state"]}


def generate(network: Network, vocabulary_size: int, tokens: int) -> Tensor:
    """Return one piece of so many tokens after a first one, (1, tokens + 1)."""
    model = Wrapped(network, vocabulary_size).eval()
    ids: Tensor = model.generate(torch.zeros(1, 1, dtype=torch.long), max_new_tokens=tokens)
    assert ids.shape == (1, tokens + 1)
    return ids
