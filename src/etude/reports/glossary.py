"""Glossary: the meaning of each word of the evaluation, for pages that explain it where it stands."""

from __future__ import annotations

import re

from etude.evaluation.features import FEATURES
from etude.reports.cells import BEST

WORDS = {
    "nats per token": "mean surprise at the true next token; 1 nat is 1.44 bits; lower is better",
    "bits per token": "the same mean in bits; lower is better",
    "note nats": "mean surprise over the tokens that begin a note",
    "note accuracy": "share of the tokens that begin a note that were the likeliest",
    "onset nats": "mean surprise over the tokens that begin a note",
    "onset accuracy": "share of the tokens that begin a note that were the likeliest",
    "accuracy": "share of tokens that the model held for the likeliest",
    "perplexity": "e to the nats per token: between how many equally likely tokens the model is torn",
    "n-gram": "a baseline that counts which token follows the last n − 1 tokens in the training set",
    "calibration": "how far the confidence of the model and its accuracy differ; 0 %: not at all",
    "well formed": "it has notes, the decoder had to repair nothing, and it has as many bars as asked for",
    "degenerate": "the model repeats one event for more than a bar, more than 99 % sure each time",
    "held out": "human pieces that the model has not seen",
    "overlap": "area that the distributions of samples and held-out pieces share; 1: alike, 0: disjoint",
    "of training": "the same overlap for as many training pieces: human music of one kind differs that much",
    "median": "half of the pieces share a longer run of notes with a training piece, half a shorter one",
    "longest": "the longest run of notes that one of the pieces shares with a training piece",
    "known 8-note groups": "share of all groups of eight successive notes that occur in training, in any key",
    **{feature.name: feature.meaning for feature in FEATURES},
}
SAME = {
    "nats/token": "nats per token",
    "nats": "nats per token",
    "bits": "bits per token",
    "test loss": "nats per token",
    "test accuracy": "accuracy",
    "best n-gram": "n-gram",
    "held-out pieces": "held out",
}


def term(text: str) -> str:
    """Return the word of WORDS that a heading or the name of a row stands for, "" if it needs none."""
    word = text.removesuffix(BEST).strip()
    word = SAME.get(word.lower(), word if word in WORDS else word.lower())
    if re.fullmatch(r"\d+-gram", word):
        return "n-gram"
    return word if word in WORDS else ""
