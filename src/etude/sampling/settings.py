"""Settings of sampling; the values are in conf/sampling/."""

from __future__ import annotations

from dataclasses import dataclass

from etude.config.fields import setting
from etude.encodings.settings import STEPS
from etude.rendering.forms import FORMS

FILTERS = (
    "grammar", "repetition_penalty", "no_repeat_ngram", "temperature", "top_k", "top_p", "min_p",
)  # fmt: skip


CORPUS = "corpus"  # a step: intervals sampled from those of the corpus


@dataclass
class SamplingSettings:
    """How a network generates music, and the files that are written."""

    num_samples: int = setting("pieces, drawn together in one batch; 0: none", low=0)
    temperature: float = setting(
        "1: the learnt distribution; below: safer, 0 is greedy; above: wilder, inf is uniform",
        low=0,
        infinite=True,
    )
    top_k: int | None = setting("draw among the k likeliest tokens; null: among all", low=1)
    top_p: float = setting(
        "draw among the likeliest tokens that have this share of the probability; 1: among all", low=0, high=1
    )
    min_p: float = setting(
        "leave out tokens below this share of the likeliest one's probability; 0: none", low=0, high=1
    )
    repetition_penalty: float = setting(
        "above 1 makes tokens of late rarer, below 1 likelier; holds and rests are tokens too", above=0
    )
    repetition_window: int = setting("how many tokens back the penalty looks", low=1)
    no_repeat_ngram: int | None = setting(
        "never the same n tokens twice in a piece; below some 16 it forbids music; null: no such rule", low=1
    )
    grammar: bool = setting("draw only what can be read without repair; false: whatever the network says")
    filters: list[str] = setting("the order in which they work", choices=FILTERS)
    only_valid: bool = setting(
        "true: draw on until num_samples pieces need no repair, or max_attempts is reached"
    )
    max_attempts: int = setting("pieces that only_valid may draw", low=1)
    primer: str = setting(
        'tokens to start from, e.g. "65 _ _ _ 65 _ 69"; empty: the network begins by itself'
    )
    primer_piece: str | None = setting(
        "or the first notes of this piece of the corpus, by its name or a part of it"
    )
    primer_file: str | None = setting(
        "take the primer from this file: .mid, .krn, .abc or .musicxml, in any key"
    )
    primer_notes: int = setting("how many notes are taken of the piece or file", low=1)
    primer_window: str | None = setting(
        "take a random window of data.sequence_len tokens from this set, as the Mozart lab does",
        choices=("train", "val", "test"),
    )
    max_tokens: int = setting(
        "longest piece in tokens, primer included; 256 sixteenths are 16 bars of 4/4", low=1
    )
    max_bars: int | None = setting(
        "stop after so many bars of the metre below (in ABC text: bar lines), primer included", low=1
    )
    max_seconds: float | None = setting("or after so many seconds at the tempo below", above=0)
    seed: int = setting(
        "any whole number from 0; the same seed draws the same music, however many pieces are drawn", low=0
    )
    forms: list[str] = setting(
        "any of midi, musicxml, abc, wav, score (SVG), score_png, roll (PNG)", choices=tuple(FORMS)
    )
    step: str | None = setting(
        "time between chords for tokens without rhythm; corpus: as in the corpus; null: the encoding's",
        choices=(*STEPS, CORPUS),
    )
    metre: str = setting("time signature that the score is barred by where the tokens do not tell")
    tempo: float = setting(
        "quarter notes a minute, 10 to 400, where the tokens do not tell", low=10, high=400
    )
