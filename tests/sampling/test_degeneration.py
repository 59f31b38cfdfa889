"""Degeneration: found where a slow reading of the rule finds it; reported and cut in a sample."""

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from etude.config.compose import compose, plain
from etude.encodings import Encoding, GridEncoding, NoteDurationEncoding, PerformanceEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.checkpoint import TrainedModel
from etude.sampling.degeneration import LONGEST_EVENT, SAME_EVENTS, degenerate_from
from etude.sampling.generation import generate
from etude.sampling.samples import Sample
from networks import module_from
from sampling_settings import sampling

BAR = Fraction(4)
tokens = st.tuples(
    st.sampled_from(["", "", "", "a", "a", "b"]),
    st.sampled_from([0.5, 0.99, 0.991, 0.999, 1.0, 1.0, 1.0]),
    st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(1), Fraction(3)]),
)


def slowly(rows: list[tuple[str, float, Fraction]]) -> int | None:
    """The rule, read backwards from each token in turn."""
    for end in range(1, len(rows) + 1):
        sure = end
        while sure and rows[sure - 1][1] > 0.99:
            sure -= 1
        events = [place for place in range(sure, end) if rows[place][0]]
        same: list[int] = []
        while events and rows[events[-1]][0] == rows[max(same, default=events[-1])][0]:
            same.insert(0, events.pop())
        begin = same[0] if same else sure
        since = sum((row[2] for row in rows[begin:end]), Fraction(0))
        held = sum((row[2] for row in rows[max(same, default=sure) : end]), Fraction(0))
        if (len(same) >= SAME_EVENTS and since > BAR) or held > LONGEST_EVENT * BAR:
            return begin
    return None


@given(st.lists(tokens, max_size=40))
@example([("b", 1.0, Fraction(3)), *[("a", 1.0, Fraction(1))] * 4])  # another event's time
def test_it_is_found_where_the_rule_says(rows: list[tuple[str, float, Fraction]]) -> None:
    events, probabilities, quarters = zip(*rows, strict=True) if rows else ((), (), ())
    assert degenerate_from(events, probabilities, quarters, BAR) == slowly(rows)


@pytest.mark.parametrize(
    ("row", "count", "found"),
    [
        (("a", 1.0, Fraction(1)), 5, 0),
        (("a", 1.0, Fraction(1)), 4, None),  # a bar, and no more
        (("a", 0.99, Fraction(1)), 50, None),  # as likely as that is not sure
        (("a", 1.0, Fraction(3)), 3, None),  # three of a kind are not degenerate
        (("a", 1.0, Fraction(6)), 3, None),
        (("", 1.0, Fraction(4)), 4, None),  # a note of four bars
        (("", 1.0, Fraction(4)), 5, 0),
    ],
)
def test_the_limits_of_the_rule(row: tuple[str, float, Fraction], count: int, found: int | None) -> None:
    events, probabilities, quarters = zip(*[row] * count, strict=True)
    assert degenerate_from(events, probabilities, quarters, BAR) == found


PERFORMANCE = PerformanceEncoding(lowest=21, highest=108)


def generated(encoding: Encoding, vocabulary: Vocabulary, sure_of: dict[str, float], primer: str) -> Sample:
    """A sample of a network that finds some tokens likely, whatever came before."""
    config: dict[str, Any] = plain(compose("train", ["model=lstm", "model.hidden_dim=4"]))
    module = module_from(config, vocabulary).eval()
    bias = torch.full((len(vocabulary),), -20.0)
    for token, logit in sure_of.items():
        bias[vocabulary.id_of[token]] = logit
    module.network.linear.weight.data.zero_()  # type: ignore[union-attr]
    module.network.linear.bias.data = bias  # type: ignore[union-attr]
    model = TrainedModel(module.network, encoding, vocabulary, config)
    [one] = generate(model, sampling(num_samples=1, max_tokens=400, primer=primer)).samples
    return one


GRID = Vocabulary.of(["_", "r", "60", "62"])
NOTES = Vocabulary.of([f"{pitch}/{length}" for pitch in (60, 62) for length in (2, 4)])
EVENTS = Vocabulary.of(PERFORMANCE.symbols)


@pytest.mark.parametrize(
    ("encoding", "vocabulary", "sure_of", "primer", "quarters"),
    [
        (GridEncoding(), GRID, {"60": 0.0}, "62 _ 60 _", Fraction(1) + 4),  # 60 60 60 …: a bar of it
        (GridEncoding(), GRID, {"_": 0.0}, "62 _ 60 _", Fraction(1) + 4),  # one note for ever
        (NoteDurationEncoding(), NOTES, {"60/2": 0.0}, "62/4", Fraction(1) + 4),
        (PERFORMANCE, EVENTS, {"TIME_SHIFT_100": 0.0}, "VELOCITY_16 NOTE_ON_60 TIME_SHIFT_50", Fraction(5)),
    ],
    ids=["note", "hold", "note and duration", "performance"],
)
def test_a_degenerate_sample_is_reported_and_cut_after_a_bar(
    encoding: Encoding, vocabulary: Vocabulary, sure_of: dict[str, float], primer: str, quarters: Fraction
) -> None:
    one = generated(encoding, vocabulary, sure_of, primer)
    assert one.degenerate_from == len(encoding.split(primer))
    if encoding is not PERFORMANCE:  # a cut would leave its key down, so it stays whole
        assert one.piece.quarters == quarters
    assert not one.repairs


def test_a_network_that_is_not_so_sure_has_not_degenerated() -> None:
    one = generated(GridEncoding(), GRID, {"60": 0.0, "62": -4.0}, "60")  # 98.2 %
    assert one.degenerate_from is None
    assert len(one.tokens) == 400
    assert math.isfinite(one.nats)
