"""Tied weights: one matrix as the embedding and as the last layer (Press & Wolf 2017)."""

from __future__ import annotations

from torch import nn

from etude.errors import EtudeError


def tie_weights(embedding: nn.Module, linear: nn.Linear) -> None:
    """Make the matrix (V, H) of the last layer the embedding too.

    It starts with the last layer's values: those of an embedding are as large as 1 and would give logits of
    the size of √H. EtudeError if the two have different widths.
    """
    assert isinstance(embedding, nn.Embedding)
    if embedding.embedding_dim != linear.in_features:
        raise EtudeError(
            f"model.tie_weights=true needs an embedding as wide as the last layer, {linear.in_features}, not "
            f"{embedding.embedding_dim}; type model.embedding_dim={linear.in_features} too"
        )
    embedding.weight = linear.weight
