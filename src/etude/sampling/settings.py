"""Settings of sampling; the values are in conf/sampling/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etude.config.fields import setting
from etude.corpora.settings import MELODY, QUANTISE
from etude.encodings.settings import STEPS
from etude.rendering.forms import FORMS

FILTERS = (
    "grammar", "repetition_penalty", "no_repeat_ngram", "temperature", "top_k", "top_p", "min_p",
)  # fmt: skip


CORPUS = "corpus"  # a step: intervals sampled from those of the corpus


def temperature_problem(value: object) -> str:
    """Return what is wrong with a temperature; "" if it is valid.

    Below 0.001, logits divided by it leave the range of float32, and the filters sample from nonsense.
    """
    if isinstance(value, int | float) and (value == 0 or value >= 0.001):
        return ""
    return f"must be 0 (greedy) or from 0.001 up to inf, got {value!r}"


def filter_problem(value: object) -> str:
    """Return what is wrong with an element of sampling.filters; "" if it is valid."""
    if value in FILTERS or (isinstance(value, Mapping) and "_target_" in value):
        return ""
    return f"must be one of {', '.join(FILTERS)}, or a class of yours as {{_target_: …}}, got {value!r}"


@dataclass
class SamplingSettings:
    """Settings of sampling, and of the files that are written."""

    num_samples: int = setting("pieces, generated together in one batch; 0: none", low=0)
    temperature: float = setting(
        "1: the learnt distribution; below 1 safer, 0 greedy; above 1 wilder, inf uniform",
        check=temperature_problem,
    )
    top_k: int | None = setting("sample from the k likeliest tokens; null: from all", low=1)
    top_p: float = setting(
        "sample from the likeliest tokens that together have this probability; 1: from all", low=0, high=1
    )
    min_p: float = setting(
        "drop tokens below this fraction of the likeliest one's probability; 0: none", low=0, high=1
    )
    repetition_penalty: float = setting(
        "above 1: recent tokens, holds and rests included, become rarer; below 1: likelier",
        low=0.01,
        high=100,
    )
    repetition_window: int = setting("tokens that count as recent for the penalty", low=1)
    no_repeat_ngram: int | None = setting(
        "never repeat n tokens in a row; values below about 16 prevent music; null: off", low=1
    )
    grammar: bool = setting("true: generate only pieces that the encoding reads without repair")
    filters: list[Any] = setting(
        "filters in the order in which they are applied; also {_target_: your class, …}", check=filter_problem
    )
    phrase_bars: int | None = setting(
        "a well-formed piece has this many bars, such as 8, or a multiple; null: any number",
        low=1,
        high=64,
    )
    only_valid: bool = setting(
        "true: generate until num_samples pieces are well formed, or max_attempts is reached"
    )
    max_attempts: int = setting("pieces that only_valid may generate", low=1)
    primer: str = setting('first tokens ("65 _ _ 69") or note names ("C4 D4 E4"); empty: none')
    primer_piece: str | None = setting(
        "or the first notes of this corpus piece, found by part of its name or title"
    )
    primer_file: str | None = setting("or those of this file: .mid, .krn, .abc or .musicxml, in any key")
    primer_track: str | None = setting('use this track of it: its number, name or "program 1"; null: all')
    primer_melody: str | None = setting(
        "use the melody of its highest, loudest or longest track; null: all notes", choices=MELODY
    )
    primer_expand_repeats: bool | None = setting(
        "play its repeats, D.C. and D.S.; null: in ABC, not in other formats"
    )
    primer_quantise: str = setting(
        "none: snap its times within 1/6 step; nearest: any, for played music; swing: even swung eighths",
        choices=QUANTISE,
    )
    primer_notes: int = setting("notes to take from the piece or file", low=1)
    primer_window: str | None = setting(
        "or begin with a random window of data.sequence_len tokens from this set (Mozart lab)",
        choices=("train", "val", "test"),
    )
    max_tokens: int = setting(
        "longest piece in tokens, primer included; 256 sixteenths are 16 bars of 4/4",
        low=1,
        high=100_000,
    )
    max_bars: int | None = setting(
        "longest piece in bars of metre, primer included; in ABC text, bar lines; null: no limit",
        low=1,
        high=100_000,
    )
    max_seconds: float | None = setting(
        "longest piece in seconds at tempo; null: no limit", above=0, high=86_400
    )
    seed: int = setting("the same seed generates the same pieces, whatever num_samples is", low=0)
    forms: list[str] = setting(
        "any of midi, musicxml, abc, wav, ogg, flac, mp3, score (SVG), score_png, score_pdf, roll (PNG)",
        choices=tuple(FORMS),
    )
    instrument: str | None = setting(
        "General MIDI instrument of all parts, by name: flute, violin; null: the primer file's, else piano"
    )
    lowest: str | None = setting("lowest pitch to generate, as C4 or 60; null: any")
    highest: str | None = setting("highest pitch to generate, as C6 or 84; null: any")
    key: str | None = setting('key to generate in, as G or "D minor": notes of its scale alone; null: any')
    step: str | None = setting(
        "time between chords for tokens without rhythm; corpus: as in the corpus; null: the encoding's",
        choices=(*STEPS, CORPUS),
    )
    metre: str | None = setting("time signature of the score; null: the primer file's, else 4/4")
    tempo: float | None = setting(
        "quarter notes per minute where the tokens have no tempo; null: the primer file's, else 100",
        low=10,
        high=400,
    )
