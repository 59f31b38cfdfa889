"""Generation: pieces from a trained network, one batch or until enough of them are well formed."""

from __future__ import annotations

from typing import NamedTuple

import torch

from etude.encodings import PitchSetEncoding
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel
from etude.sampling.clock import make_clock, timed_encoding
from etude.sampling.context import TrainingContext
from etude.sampling.filters import check_filters, make_filters
from etude.sampling.frame import frame_of
from etude.sampling.general_midi import program_of
from etude.sampling.grammars.base import IMPOSSIBLE
from etude.sampling.grammars.by_encoding import make_grammar
from etude.sampling.note_limits import key_filter, range_filter
from etude.sampling.primers import Primer, find_primer
from etude.sampling.sampler import sample, token_nats
from etude.sampling.samples import Sample, SampleBuilder
from etude.sampling.settings import CORPUS, SamplingSettings

BATCH = 64  # most pieces at a time while only_valid looks for more


class SampleBatch(NamedTuple):
    """The samples; how many pieces were generated to get them, and how many of these were well formed."""

    samples: list[Sample]
    generated: int
    valid: int


def check_sampling(settings: SamplingSettings, context: TrainingContext) -> None:
    """Raise EtudeError for settings that cannot work together, or with the tokens of this network."""
    frame_of(settings, context.encoding, None)
    check_filters(make_filters(settings), len(context.vocabulary))
    _check_step(settings, context)
    if settings.instrument is not None:
        program_of(settings.instrument)
    primer = find_primer(settings, context)
    range_filter(settings, context, primer.moved)
    key_filter(settings, context, primer.moved)
    frame = frame_of(settings, context.encoding, primer.music)
    make_clock(settings, timed_encoding(settings, context.encoding), context.vocabulary.tokens, frame)
    if settings.grammar:
        _check_room(settings, context, primer)


def _check_step(settings: SamplingSettings, context: TrainingContext) -> None:
    if settings.step is not None and not isinstance(context.encoding, PitchSetEncoding):
        raise EtudeError(
            f"sampling.step={settings.step} has no effect: "
            f"{context.encoding.name} tokens have their own rhythm"
        )
    if settings.step == CORPUS and (settings.max_bars, settings.max_seconds) != (None, None):
        raise EtudeError(
            "sampling.step=corpus: chords get their lengths at the end, so sampling.max_bars and "
            "sampling.max_seconds have nothing to count; sampling.max_tokens limits the number of chords"
        )


def _check_room(settings: SamplingSettings, context: TrainingContext, primer: Primer) -> None:
    """Raise EtudeError if no well-formed piece fits in the tokens after the primer."""
    grammar = make_grammar(context.encoding, context.vocabulary)
    if grammar is None:
        return
    grammar.begin(torch.tensor(primer.rows))
    needed, left = int(grammar.cost.max()), settings.max_tokens - primer.length
    if needed > left:
        raise EtudeError(
            f"sampling.max_tokens={settings.max_tokens} leaves {left} tokens after the primer, and a "
            f"well-formed piece needs {needed if needed < IMPOSSIBLE else 'other letters'}; "
            "sampling.grammar=false samples without rules"
        )


def generate(model: TrainedModel, settings: SamplingSettings) -> SampleBatch:
    """Generate ``num_samples`` pieces.

    With ``only_valid``, until so many are well formed, or ``max_attempts`` are generated. EtudeError as in
    :func:`check_sampling`.
    """
    context = TrainingContext.of_model(model)
    check_sampling(settings, context)
    wanted = settings.num_samples
    if not settings.only_valid:
        samples = _batch(model, settings, context, range(wanted)) if wanted else []
        return SampleBatch(samples, len(samples), sum(one.is_valid for one in samples))
    valid: list[Sample] = []
    generated, size = 0, min(4 * wanted, BATCH)
    while len(valid) < wanted and generated < settings.max_attempts:
        numbers = range(generated, min(generated + size, settings.max_attempts))
        valid += [one for one in _batch(model, settings, context, numbers) if one.is_valid]
        generated, size = numbers.stop, min(2 * size, BATCH)
    return SampleBatch(valid[:wanted], generated, len(valid))


def _batch(
    model: TrainedModel, settings: SamplingSettings, context: TrainingContext, numbers: range
) -> list[Sample]:
    """Generate the pieces of these numbers together."""
    encoding, vocabulary, network = context.encoding, context.vocabulary, model.network
    primer = find_primer(settings, context, numbers)
    frame = frame_of(settings, encoding, primer.music)
    filters = make_filters(settings)
    for limit in (range_filter, key_filter):
        if keep := limit(settings, context, primer.moved):
            filters = filters._replace(before=[keep, *filters.before])  # no other filter brings tokens back
    starts = torch.tensor([network_start(primer, number, context) for number in numbers])
    rows = sample(
        network,
        starts,
        primer_len=min(primer.length, starts.shape[1]),
        terminator=vocabulary.terminator,
        ends_after=encoding.ends_after,
        max_new=settings.max_tokens - primer.length,
        filters=filters,
        grammar=make_grammar(encoding, vocabulary) if settings.grammar else None,
        clock=make_clock(settings, timed_encoding(settings, encoding), vocabulary.tokens, frame),
        seed=settings.seed,
        first=numbers.start,
    )
    nats = token_nats(network, starts, rows)
    builder = SampleBuilder(settings, context, primer, model.name)
    return [builder.sample(*each) for each in zip(numbers, rows, nats, strict=True)]


def network_start(primer: Primer, number: int, context: TrainingContext) -> list[int]:
    """Return the ids that the network reads before it continues piece ``number``, as in training.

    With a label at each position, a terminator stands before each piece. With one label a window, the
    network has seen only windows of ``sequence_len``, with terminators on the left of a shorter beginning.
    """
    ids, terminator = primer.row(number), context.vocabulary.terminator
    if context.objective == "last":
        return [terminator] * max(0, context.sequence_len - len(ids)) + ids
    return ids if primer.within else [terminator, *ids]
