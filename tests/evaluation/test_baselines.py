import numpy as np
import pytest

from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.baselines import LabelledPieces, baseline_scores
from etude.evaluation.baselines import baseline as means_of
from etude.evaluation.likelihood import LabelMetrics
from etude.models.ngram import NGram

VOCABULARY = Vocabulary.of(["60", "62", "_", "r"])
ONSETS = np.array([token in {"60", "62", "r"} for token in VOCABULARY.tokens])


def baselines(train, validation, held_out, vocabulary, *, onsets=None, **settings):
    found = baseline_scores(train, validation, held_out, vocabulary, **settings)
    is_note = np.zeros_like(found[0].right) if onsets is None else onsets[held_out.labels]
    return [means_of(each, is_note) for each in found]


def baselines_of(train, validation, held_out, vocabulary, **settings):
    sets = (LabelledPieces(pieces) for pieces in (train, validation, held_out))
    return baselines(*sets, vocabulary, **settings)


def piece(text):
    return np.append(VOCABULARY.ids(text.split()), VOCABULARY.terminator)


TRAIN = [piece("60 _ 62 _ _ _"), piece("62 _ 60 _ _ _"), piece("60 _ 62 _ r _")]
VALIDATION = [piece("60 _ 62 _ _ _")]
HELD_OUT = [piece("60 _ _ 62"), piece("62 _ r")]


def predicted(order):
    model = NGram(len(VOCABULARY), order).double()
    model.count(TRAIN)
    return model.predictions(HELD_OUT)[-1]


def test_always_the_most_frequent_token_counts_every_label():
    baseline = baselines_of(TRAIN, VALIDATION, HELD_OUT, VOCABULARY)[0]
    assert baseline.name == "always '_'"
    assert baseline.accuracy == pytest.approx(3 / 9)  # three holds; nine labels, with the two terminators
    assert baseline.nats is None  # it gives every other token no chance at all


def test_most_frequent_means_in_training():
    baseline = baselines_of(TRAIN, VALIDATION, [piece("60 60 60 60 _")], VOCABULARY)[0]
    assert baseline.accuracy == pytest.approx(1 / 6)


def test_the_ngrams_are_those_of_each_order():
    found = baselines_of(TRAIN, VALIDATION, HELD_OUT, VOCABULARY, orders=3)
    assert [baseline.name for baseline in found[1:]] == ["1-gram", "2-gram", "3-gram"]
    for order, baseline in enumerate(found[1:], start=1):
        nats, argmax = predicted(order)
        assert baseline.nats == pytest.approx(nats.mean(), abs=1e-12)
        assert baseline.accuracy == np.mean(argmax == np.concatenate(HELD_OUT))


def test_there_are_eight_orders_unless_told_otherwise():
    assert baselines_of(TRAIN, VALIDATION, HELD_OUT, VOCABULARY)[-1].name == "8-gram"


def test_the_order_is_chosen_on_validation_not_on_the_held_out_pieces():
    strange = [piece("r r r 62 62 r r")]  # long contexts never seen: the unigram does least badly
    names = {}
    for label, validation in {"alike": TRAIN, "strange": strange}.items():
        found = baselines_of(TRAIN, validation, HELD_OUT, VOCABULARY, orders=4)
        names[label] = [baseline.name for baseline in found if baseline.chosen]
    assert names == {"alike": ["4-gram"], "strange": ["1-gram"]}


def test_onsets_alone():
    found = baselines_of(TRAIN, VALIDATION, HELD_OUT, VOCABULARY, onsets=ONSETS, orders=2)
    labels = np.concatenate(HELD_OUT)
    is_onset = np.isin(labels, VOCABULARY.ids(["60", "62", "r"]))
    nats, argmax = predicted(2)
    assert found[0].onsets == LabelMetrics(None, 0.0)
    assert found[2].onsets is not None
    assert found[2].onsets.nats == pytest.approx(nats[is_onset].mean(), abs=1e-12)
    assert found[2].onsets.accuracy == np.mean((argmax == labels)[is_onset])
    assert found[2].nats == pytest.approx(nats.mean(), abs=1e-12)


def test_without_onsets_there_are_no_metrics_of_them():
    assert all(baseline.onsets is None for baseline in baselines_of(TRAIN, VALIDATION, HELD_OUT, VOCABULARY))
    silent = baselines_of(TRAIN, VALIDATION, [piece("_ _")], VOCABULARY, onsets=ONSETS)
    assert all(baseline.onsets is None for baseline in silent)


@pytest.mark.parametrize(("validation", "held_out"), [([], HELD_OUT), (VALIDATION, [])])
def test_an_empty_set_of_pieces_is_refused(validation, held_out):
    with pytest.raises(ValueError, match="need validation pieces"):
        baselines_of(TRAIN, validation, held_out, VOCABULARY)


def test_labels_that_do_not_count_are_neither_learnt_nor_measured():
    both = [*TRAIN, *HELD_OUT]
    in_train = np.arange(sum(map(len, both))) < sum(map(len, TRAIN))
    by_label = baselines(
        LabelledPieces(both, in_train),
        LabelledPieces(VALIDATION),
        LabelledPieces(both, ~in_train),
        VOCABULARY,
    )
    assert by_label == baselines_of(TRAIN, VALIDATION, HELD_OUT, VOCABULARY)


def test_of_too_many_labels_the_ngrams_count_a_part_and_say_so():
    whole, part = LabelledPieces(TRAIN), LabelledPieces([TRAIN[0], TRAIN[2]])
    found = baselines(
        whole, LabelledPieces(VALIDATION), LabelledPieces(HELD_OUT), VOCABULARY, most=len(TRAIN[0]) * 2
    )
    expected = baselines(part, LabelledPieces(VALIDATION), LabelledPieces(HELD_OUT), VOCABULARY)
    assert [baseline.name for baseline in found[1:3]] == [
        "1-gram of 1 in 2 pieces",
        "2-gram of 1 in 2 pieces",
    ]
    assert [baseline.nats for baseline in found[1:]] == [baseline.nats for baseline in expected[1:]]
    counted = np.arange(sum(map(len, TRAIN))) % 2 == 0
    thinned = LabelledPieces(TRAIN, counted).every(2)
    lengths = [len(each) for each in TRAIN]
    assert thinned.counted.tolist() == [*counted[: lengths[0]], *counted[sum(lengths[:2]) :]]
