"""Samples: music drawn from a network, written in the forms that were asked for."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import torch

from etude.encodings import CharactersEncoding, Encoding, PitchSetEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.formats.abc.reader import first_readable_tune
from etude.models.checkpoint import TrainedModel
from etude.music import Key, Metre, Piece
from etude.notation.pickup import with_inferred_pickup
from etude.rendering.forms import write_forms
from etude.sampling.clock import make_clock, token_quarters
from etude.sampling.degeneration import degenerate_from
from etude.sampling.filters import make_filters
from etude.sampling.grammars.base import ENDLESS
from etude.sampling.grammars.build import make_grammar
from etude.sampling.intervals import corpus_intervals, retimed, sample_times
from etude.sampling.likelihood import token_nats
from etude.sampling.primers import Primer, find_primer
from etude.sampling.sampler import sample

CORPUS = "corpus"  # sampling.step: steps drawn as the corpus has them
BATCH = 64  # pieces drawn at a time while only_valid looks for more


@dataclass(frozen=True)
class Sample:
    """One drawn piece.

    ``repairs`` are those that the primer alone did not need; ``primer_quarters`` is how long the primer
    lasts; ``nats`` is the mean over the drawn tokens under the network itself, whatever the filters did;
    ``collapsed`` is the token from which the network was sure of nothing but the same, None if it never was.
    """

    number: int
    tokens: list[str]
    piece: Piece
    repairs: Counter[str]
    primer_quarters: Fraction
    nats: float = math.nan
    collapsed: int | None = None

    @property
    def is_valid(self) -> bool:
        """Whether there is music, and nothing had to be repaired."""
        return not self.repairs and len(self.piece) > 0


class SampleBatch(NamedTuple):
    """The samples, and how many were drawn to get them, of which how many valid."""

    samples: list[Sample]
    drawn: int
    valid: int


def check_sampling(
    settings: Mapping[str, Any], encoding: Encoding, vocabulary: Vocabulary, config: Mapping[str, Any]
) -> None:
    """Raise EtudeError for settings that cannot work together, or with this encoding and its tokens."""
    parse_metre(settings["metre"])
    make_filters(settings)
    _clock(settings, _timed(encoding, settings["step"]), vocabulary)
    if settings["step"] is not None and not isinstance(encoding, PitchSetEncoding):
        raise EtudeError(
            f"sampling.step={settings['step']}: the tokens of {encoding.name} tell the time themselves"
        )
    if settings["step"] == CORPUS and (settings["max_bars"], settings["max_seconds"]) != (None, None):
        raise EtudeError(
            "sampling.step=corpus: how long a chord lasts is drawn after it, so sampling.max_bars and "
            "sampling.max_seconds have nothing to count; sampling.max_tokens limits the number of chords"
        )
    primer = find_primer(settings, encoding, vocabulary, config)
    if settings["grammar"]:
        grammar = make_grammar(encoding, vocabulary)
        grammar.begin(torch.tensor(primer.rows))
        needed, left = int(grammar.cost.max()), settings["max_tokens"] - len(primer.rows[0])
        if needed > left:
            raise EtudeError(
                f"sampling.max_tokens={settings['max_tokens']} leaves {left} tokens after the primer, and a "
                f"legal piece needs {needed if needed < ENDLESS else 'letters that the vocabulary lacks'}; "
                "sampling.grammar=false draws without rules"
            )


def generate(model: TrainedModel, settings: dict[str, Any]) -> list[Sample]:
    """Draw ``settings["num_samples"]`` pieces, all in one batch or until so many are valid."""
    return generate_until(model, settings).samples


def generate_until(model: TrainedModel, settings: dict[str, Any]) -> SampleBatch:
    """Draw pieces and count those that are valid; with ``only_valid`` until there are enough, or too many."""
    check_sampling(settings, model.encoding, model.vocabulary, model.config)
    wanted = settings["num_samples"]
    if not settings["only_valid"]:
        samples = _batch(model, settings, range(wanted)) if wanted else []
        return SampleBatch(samples, len(samples), sum(one.is_valid for one in samples))
    valid: list[Sample] = []
    drawn = 0
    while len(valid) < wanted and drawn < settings["max_draws"]:
        count = min(BATCH, settings["max_draws"] - drawn)
        found = _batch(model, settings, range(drawn, drawn + count))
        drawn += count
        valid += [one for one in found if one.is_valid]
    return SampleBatch(valid[:wanted], drawn, len(valid))


def _batch(model: TrainedModel, settings: dict[str, Any], numbers: range) -> list[Sample]:
    encoding, vocabulary, network = model.encoding, model.vocabulary, model.module.network
    primer = find_primer(settings, encoding, vocabulary, model.config, numbers)
    starts = torch.tensor([network_start(primer.row(number), primer, model) for number in numbers])
    primer_len = len(primer.row(0))
    rows = sample(
        network,
        starts,
        primer_len=min(primer_len, starts.shape[1]),
        terminator=vocabulary.terminator,
        ends_after=encoding.ends_after,
        max_new=settings["max_tokens"] - primer_len,
        filters=make_filters(settings),
        grammar=make_grammar(encoding, vocabulary) if settings["grammar"] else None,
        clock=_clock(settings, _timed(encoding, settings["step"]), vocabulary),
        seed=settings["seed"],
        first=numbers.start,
    )
    nats = token_nats(network, starts, rows)
    return [
        _drawn(model, settings, primer, number, (row, found))
        for number, row, found in zip(numbers, rows, nats, strict=True)
    ]


def network_start(primer: list[int], primed: Primer, model: TrainedModel) -> list[int]:
    """Return what the network reads before it goes on, as it did in training.

    With a label at each position, a terminator stands before each piece. With one label a window, the
    network has seen windows of ``sequence_len`` alone, filled up with terminators on the left.
    """
    terminator, data = model.vocabulary.terminator, model.config["data"]
    if data["objective"] == "last":
        return [terminator] * max(0, data["sequence_len"] - len(primer)) + primer
    return primer if primed.within else [terminator, *primer]


def _drawn(
    model: TrainedModel,
    settings: dict[str, Any],
    primer: Primer,
    number: int,
    found: tuple[list[int], list[float]],
) -> Sample:
    """Make music of the ids that were ``found`` for a piece, and of what the network thought of each."""
    begun = model.vocabulary.look_up(primer.row(number))
    tokens, nats = model.vocabulary.look_up(found[0]), found[1]
    collapsed = _collapse(model.encoding, tokens, nats, parse_metre(settings["metre"]))
    if collapsed is not None:
        tokens = _cut(model.encoding, begun, tokens, collapsed, parse_metre(settings["metre"]).quarters)
        nats = nats[: len(tokens)]
    encoding = _timed(model.encoding, settings["step"])
    decoded, before = encoding.decode([*begun, *tokens]), encoding.decode(begun)
    piece, primer_quarters = decoded.piece, before.piece.quarters
    if settings["step"] == CORPUS:
        steps = corpus_intervals(model.config)
        times = sample_times(steps, len(begun) + len(tokens), settings["seed"], number)
        piece = retimed(piece, 4 * Fraction(str(encoding.config()["step"])), times)
        primer_quarters = times[len(begun)]
    repairs = decoded.repairs - before.repairs
    if isinstance(encoding, CharactersEncoding):
        repairs = encoding.faults([*begun, *tokens])
    return Sample(
        number=number + 1,
        tokens=[*begun, *tokens],
        piece=_dressed(piece, f"Sample {number + 1}", model.config, settings, primer),
        repairs=repairs,
        primer_quarters=primer_quarters,
        nats=sum(nats) / len(nats) if nats else math.nan,
        collapsed=None if collapsed is None else len(begun) + collapsed,
    )


def _collapse(encoding: Encoding, tokens: list[str], nats: list[float], metre: Metre) -> int | None:
    if isinstance(encoding, CharactersEncoding):  # eight letters of notes stand for a bar
        events = [token if token in "ABCDEFGabcdefgz" else "" for token in tokens]
        quarters = [metre.quarters / 8 * bool(event) for event in events]
    else:
        events = [token if encoding.is_onset(token) else "" for token in tokens]
        quarters = token_quarters(encoding, tokens)
    return degenerate_from(events, [math.exp(-one) for one in nats], quarters, metre.quarters)


def _cut(encoding: Encoding, begun: list[str], tokens: list[str], collapsed: int, bar: Fraction) -> list[str]:
    """Return the tokens with a bar of the collapse, where what is left needs no repair for the cut."""
    time = Fraction(0)
    for place, lasts in enumerate(token_quarters(encoding, tokens)):
        time += lasts if place >= collapsed else 0
        if time >= bar:
            kept = tokens[: place + 1]
            return tokens if encoding.decode([*begun, *kept]).repairs else kept
    return tokens


def write_samples(drawn: Sequence[Sample], encoding: Encoding, folder: Path, forms: list[str]) -> list[Path]:
    """Write each piece in each form, and its tokens beside it; return the files.

    ABC text is written unchanged as ``.raw.abc``. The tune that the other files play is written as ``.abc``.
    """
    is_abc = isinstance(encoding, CharactersEncoding)
    written = [form for form in forms if not (is_abc and form == "abc")]
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for one in drawn:
        stem = folder / f"sample-{one.number}"
        tokens = stem.with_suffix(".tokens.txt")
        atomic_write(tokens, (encoding.join(one.tokens) + "\n").encode())
        files += write_forms(one.piece, stem, written, primer_quarters=one.primer_quarters or None)
        files += _write_abc_text(encoding.join(one.tokens), stem) if is_abc else []
        files.append(tokens)
    return files


def _write_abc_text(text: str, stem: Path) -> list[Path]:
    """Write ABC text as it was drawn, and the first tune in it that can be read."""
    texts = {".raw.abc": text, ".abc": first_readable_tune(text)}
    written = {stem.with_name(stem.name + suffix): abc for suffix, abc in texts.items() if abc is not None}
    for path, abc in written.items():
        atomic_write(path, abc.encode())
    return list(written)


def parse_metre(text: str) -> Metre:
    """Return the metre that "3/4" stands for; EtudeError if it is none."""
    beats, _, unit = text.partition("/")
    if beats.isdigit() and unit in ("1", "2", "4", "8", "16", "32") and 1 <= int(beats) <= 64:
        return Metre(int(beats), int(unit))
    raise EtudeError(f"sampling.metre={text}: beats over a note value are wanted, such as 4/4, 3/4 or 6/8")


def _clock(settings: Mapping[str, Any], encoding: Encoding, vocabulary: Vocabulary) -> Any:
    return make_clock(
        encoding,
        vocabulary.tokens,
        max_bars=settings["max_bars"],
        max_seconds=settings["max_seconds"],
        bar_quarters=parse_metre(settings["metre"]).quarters,
        tempo=settings["tempo"],
    )


def _timed(encoding: Encoding, step: str | None) -> Encoding:
    """Return the encoding, with the time between chords that the settings ask for."""
    if step in (None, CORPUS) or not isinstance(encoding, PitchSetEncoding):
        return encoding
    return dataclasses.replace(encoding, step=step)


def _dressed(
    piece: Piece, title: str, config: dict[str, Any], settings: dict[str, Any], primer: Primer
) -> Piece:
    """Give the music what its tokens do not say: title, key, metre, tempo; move it back to its own key."""
    dressed = dataclasses.replace(
        piece,
        title=piece.title or title,
        key=piece.key or _key(config, primer),
        metres=piece.metres or ((0, parse_metre(settings["metre"])),),
        tempos=piece.tempos or ((0, float(settings["tempo"])),),
    )
    if piece.is_monophonic and not piece.metres:
        dressed = with_inferred_pickup(dressed)
    if not primer.moved:
        return dressed
    try:  # and its key as the user spells it
        return dataclasses.replace(dressed.transposed(-primer.moved), key=primer.key)
    except ValueError:  # the music has wandered to where the way back leaves MIDI's pitches
        return dressed


def _key(config: dict[str, Any], primer: Primer) -> Key | None:
    """Return the key that tokens are in that state none."""
    if primer.key is not None:
        return primer.key.transposed(primer.moved) if primer.moved else primer.key
    return Key("C") if config["data"].get("transpose") else None
