"""Samples: music drawn from a network, written in the forms that were asked for."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from etude.data.encodings import Encoding
from etude.data.encodings.characters import CharactersEncoding
from etude.data.readers.abc_repair import write_repaired_abc
from etude.data.vocabulary import TERMINATOR, Vocabulary
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.models.checkpoint import TrainedModel
from etude.sampling.filters import temperature
from etude.sampling.sampler import sample
from etude.scores import Key, Metre, Piece
from etude.scores.forms import write_forms
from etude.scores.pickup import with_inferred_pickup


@dataclass(frozen=True)
class Drawn:
    """One drawn piece: its tokens, the music, what was repaired, and how long the primer lasts (quarters)."""

    tokens: list[str]
    piece: Piece
    repairs: Counter[str]
    primer_quarters: Fraction


def check_sampling(settings: dict[str, Any], encoding: Encoding, vocabulary: Vocabulary) -> list[str]:
    """Return the primer's tokens; EtudeError for one that cannot be continued, or a metre that is none."""
    parse_metre(settings["metre"])
    tokens = encoding.split(settings["primer"])
    vocabulary.ids(tokens)
    if TERMINATOR in tokens:
        raise EtudeError(f"sampling.primer: {TERMINATOR} ends a piece, so nothing can follow it")
    if len(tokens) >= settings["max_tokens"]:
        raise EtudeError(
            f"sampling.primer has {len(tokens)} tokens, so nothing can be added to it with "
            f"sampling.max_tokens={settings['max_tokens']}"
        )
    return tokens


def draw(model: TrainedModel, settings: dict[str, Any]) -> list[Drawn]:
    """Draw ``settings["num_samples"]`` pieces; EtudeError for a primer with unknown tokens."""
    primer_tokens = check_sampling(settings, model.encoding, model.vocabulary)
    if not settings["num_samples"]:
        return []
    primer = model.vocabulary.ids(primer_tokens).tolist()
    primer_quarters = model.encoding.decode(primer_tokens).piece.quarters
    sequences = sample(
        model.module.network,
        count=settings["num_samples"],
        primer=primer,
        terminator=model.vocabulary.terminator,
        ends_after=model.encoding.ends_after,
        max_tokens=settings["max_tokens"],
        filters=[partial(temperature, degree=settings["temperature"])],
        seed=settings["seed"],
    )
    drawn = []
    for number, ids in enumerate(sequences, start=1):
        tokens = model.vocabulary.look_up(ids)
        decoded = model.encoding.decode(tokens)
        piece = _dressed(decoded.piece, f"Sample {number}", model.config, settings)
        drawn.append(Drawn(tokens, piece, decoded.repairs, primer_quarters))
    return drawn


def write_samples(drawn: list[Drawn], encoding: Encoding, folder: Path, forms: list[str]) -> list[Path]:
    """Write each piece in each form, and its tokens beside it; return the files.

    Of ABC text, what was drawn is written as ``.raw.abc`` and mended as ``.abc`` (see ``repair_abc``).
    """
    is_abc = isinstance(encoding, CharactersEncoding)
    written = [form for form in forms if not (is_abc and form == "abc")]
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for number, one in enumerate(drawn, start=1):
        stem = folder / f"sample-{number}"
        tokens = stem.with_suffix(".tokens.txt")
        atomic_write(tokens, (encoding.join(one.tokens) + "\n").encode())
        files += write_forms(one.piece, stem, written, primer_quarters=one.primer_quarters or None)
        files += write_repaired_abc(encoding.join(one.tokens), stem) if is_abc else []
        files.append(tokens)
    return files


def parse_metre(text: str) -> Metre:
    """Return the metre that "3/4" stands for; EtudeError if it is none."""
    beats, _, unit = text.partition("/")
    if beats.isdigit() and unit in ("1", "2", "4", "8", "16", "32") and 1 <= int(beats) <= 64:
        return Metre(int(beats), int(unit))
    raise EtudeError(f"sampling.metre={text}: beats over a note value are wanted, such as 4/4, 3/4 or 6/8")


def _dressed(piece: Piece, title: str, config: dict[str, Any], settings: dict[str, Any]) -> Piece:
    """Give the music what its tokens do not say, of title, key, metre and tempo."""
    dressed = dataclasses.replace(
        piece,
        title=piece.title or title,
        key=piece.key or (Key("C") if config["data"].get("transpose") else None),
        metres=piece.metres or ((0, parse_metre(settings["metre"])),),
        tempos=piece.tempos or ((0, float(settings["tempo"])),),
    )
    return with_inferred_pickup(dressed) if piece.is_monophonic and not piece.metres else dressed
