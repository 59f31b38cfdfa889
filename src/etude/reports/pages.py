"""HTML pages from the templates in templates/, and the words of the evaluation that they explain.

Every value is escaped: text of a run cannot become markup. A page names the hashes of its scripts, so that a
browser runs no other, and asks no network for anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from etude.evaluation.features import FEATURES
from etude.reports.cells import BEST, cell, short
from etude.reports.sweep_rows import with_deviation

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


def render(template: str, **values: Any) -> str:
    """Return the page of a template in templates/."""
    return _environment().get_template(template).render(values)


@cache
def asset(name: str) -> Markup:
    """Return a style sheet or script of static/ or vendor/, to be inlined."""
    return Markup((files("etude.reports") / name).read_text(encoding="utf-8").strip())


def script_hash(name: str) -> str:
    """Return the hash of an inlined script as a content security policy writes it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("etude.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        {"asset": asset, "script_hash": script_hash, "term_of": term, "glossary": WORDS}
    )
    environment.filters.update({"short": short, "with_deviation": with_deviation, "cell": cell})
    return environment


def term(text: str) -> str:
    """Return the word of WORDS that a heading or the name of a row stands for, "" if it needs none."""
    word = text.removesuffix(BEST).strip()
    word = SAME.get(word.lower(), word if word in WORDS else word.lower())
    if re.fullmatch(r"\d+-gram", word):
        return "n-gram"
    return word if word in WORDS else ""
