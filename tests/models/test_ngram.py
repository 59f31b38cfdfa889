from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.models.ngram import NGram

END = 0


class Reference:
    """Witten–Bell as it is written down: dictionaries, one distribution over the vocabulary at a time."""

    def __init__(self, pieces, order, vocabulary_size):
        self.order, self.vocabulary_size = order, vocabulary_size
        self.counts = defaultdict(Counter)
        for context, token in self.places(pieces):
            for length in range(order):
                self.counts[context[len(context) - length :]][token] += 1

    def places(self, pieces):
        for piece in pieces:
            padded = (END,) * (self.order - 1) + tuple(int(token) for token in piece)
            for place in range(self.order - 1, len(padded)):
                yield padded[place - self.order + 1 : place], padded[place]

    def distribution(self, context):
        probabilities = [1 / self.vocabulary_size] * self.vocabulary_size
        for length in range(self.order):
            seen = self.counts.get(context[len(context) - length :])
            if seen:
                total, kinds = seen.total(), len(seen)
                probabilities = [
                    (seen[token] + kinds * lower) / (total + kinds)
                    for token, lower in enumerate(probabilities)
                ]
        return np.array(probabilities)


def counted(train, order, vocabulary_size):
    model = NGram(vocabulary_size, order).double()
    model.count(train)
    return model


def nats_of(model, pieces):
    return model.predictions(pieces)[-1].nats


def likeliest(model, pieces):
    return model.predictions(pieces)[-1].argmax


def pieces_of(vocabulary_size, longest=12):
    tokens = st.lists(st.integers(0, vocabulary_size - 1), max_size=longest)
    return st.lists(tokens.map(lambda piece: np.array([*piece, END])), min_size=1, max_size=6)


@st.composite
def corpora(draw):
    vocabulary_size = draw(st.sampled_from([1, 2, 3, 5, 1000]))
    return vocabulary_size, draw(pieces_of(vocabulary_size)), draw(pieces_of(vocabulary_size))


@given(corpora(), st.integers(1, 8))
def test_agrees_with_the_dictionaries(corpus, order):
    vocabulary_size, train, held_out = corpus
    model = counted(train, order, vocabulary_size)
    reference = Reference(train, order, vocabulary_size)
    nats, argmax = nats_of(model, held_out), likeliest(model, held_out)
    places = list(reference.places(held_out))
    assert len(nats) == len(argmax) == len(places)
    for label, (context, token) in enumerate(places):
        distribution = reference.distribution(context)
        assert nats[label] == pytest.approx(-np.log(distribution[token]), abs=1e-12)
        assert distribution[argmax[label]] == pytest.approx(distribution.max(), abs=1e-12)


def test_agrees_with_the_dictionaries_on_a_thousand_tokens_and_order_eight():
    generator = np.random.default_rng(0)
    train, held_out = (
        [np.append(generator.zipf(1.5, 80) % 1000, END) for _ in range(count)] for count in (40, 4)
    )
    reference = Reference(train, 8, 1000)
    expected = [
        -np.log(reference.distribution(context)[token]) for context, token in reference.places(held_out)
    ]
    np.testing.assert_allclose(nats_of(counted(train, 8, 1000), held_out), expected, rtol=0, atol=1e-12)


@given(pieces_of(4), st.lists(st.integers(0, 3), max_size=9), st.integers(1, 8))
def test_a_distribution_sums_to_one(train, context, order):
    model = counted(train, order, 4)
    followed = [np.array([*context, token, END]) for token in range(4)]
    nats = [nats_of(model, [piece])[len(context)] for piece in followed]
    assert np.exp(-np.array(nats)).sum() == pytest.approx(1, abs=1e-12)


def test_a_unigram_by_hand():
    # c(1) = 2, c(end) = 1, so N = 3 and T = 2; P(w) = (c(w) + 2 · 1/3) / 5
    model = counted([np.array([1, 1, END])], 1, 3)
    nats = nats_of(model, [np.array([1, 2, END])])
    np.testing.assert_allclose(np.exp(-nats), [8 / 15, 2 / 15, 5 / 15], rtol=0, atol=1e-12)


def test_a_bigram_by_hand():
    # after 1 come 1 and end, once each: P(1 | 1) = (1 + 2 · 8/15) / 4; nothing has ever followed 2
    model = counted([np.array([1, 1, END])], 2, 3)
    nats = nats_of(model, [np.array([1, 1, 2, 1, END])])
    np.testing.assert_allclose(np.exp(-nats[[1, 3]]), [31 / 60, 8 / 15], rtol=0, atol=1e-12)


@given(pieces_of(3), pieces_of(3))
def test_each_order_of_a_model_is_the_model_of_that_order(train, held_out):
    predictions = counted(train, 4, 3).predictions(held_out)
    assert len(predictions) == 4
    for order, prediction in enumerate(predictions, start=1):
        alone = counted(train, order, 3)
        assert alone.order == order
        np.testing.assert_array_equal(prediction.nats, nats_of(alone, held_out))
        np.testing.assert_array_equal(prediction.argmax, likeliest(alone, held_out))


@given(pieces_of(3), pieces_of(3))
def test_no_piece_is_context_to_the_next(train, held_out):
    model = counted(train, 3, 3)
    one_by_one = np.concatenate([nats_of(model, [piece]) for piece in held_out])
    np.testing.assert_array_equal(nats_of(model, held_out), one_by_one)


@given(pieces_of(4), st.integers(1, 4))
def test_the_order_of_the_pieces_does_not_matter(train, order):
    forwards, backwards = (nats_of(counted(pieces, order, 4), train) for pieces in (train, train[::-1]))
    np.testing.assert_allclose(forwards, backwards, rtol=0, atol=1e-12)


def test_the_start_of_a_piece_is_a_context():
    train = [np.array([3, 1, 1, 1, 1, END]), np.array([3, 1, 1, 1, END])]
    assert likeliest(counted(train, 2, 4), [np.array([1, 1, END])])[0] == 3
    assert likeliest(counted(train, 1, 4), [np.array([1, 1, END])])[0] == 1


def test_of_equally_likely_tokens_the_smallest_is_predicted():
    train = [np.array([4, 2, 3, END]), np.array([4, 3, 2, END])]  # 2, 3 and end are each seen twice, like 4
    assert likeliest(counted(train, 1, 5), [np.array([END])]).tolist() == [END]
    after_four = likeliest(counted(train, 2, 5), [np.array([4, 3, END])])[1]
    assert after_four == 2


def test_a_token_never_seen_after_a_context_may_still_be_the_likeliest():
    # 2 was followed by 1, 3 and 4 once each, never by the frequent 5
    train = [np.array([2, 1, 2, 3, 2, 4, *[5] * 50, END])]
    model = counted(train, 2, 6)
    assert likeliest(model, [np.array([2, END])])[1] == 5


def test_a_tie_of_a_seen_and_an_unseen_token_goes_to_the_smallest_id_too():
    # All lengths together N = 27, T = 5. Seen alone: P(1) = 18/32, P(3) = P(4) = 2/32. After 2 come 3 and 4,
    # once each: P(1 | 2) = (0 + 2 · 18/32) / 4 equals P(3 | 2) = P(4 | 2) = (1 + 2 · 2/32) / 4.
    train = [np.array(piece) for piece in ([2, 3, 2, 4, *[1] * 17, END], *[[END]] * 5)]
    assert likeliest(counted(train, 2, 5), [np.array([2, END])])[1] == 1


def test_ids_may_come_in_a_small_type():
    pieces = [np.array([200, 250, 200, END])]
    small = [piece.astype(np.uint8) for piece in pieces]
    np.testing.assert_array_equal(
        nats_of(counted(small, 8, 251), small), nats_of(counted(pieces, 8, 251), pieces)
    )


@pytest.mark.parametrize(
    ("pieces", "order", "message"),
    [
        ([], 2, "at least one piece"),
        ([np.array([1, END])], 0, "at least 1, not 0"),
        ([np.array([1, END]), np.array([1, 2])], 2, "piece 1 does not end with the terminator"),
        ([np.array([], dtype=int)], 2, "piece 0 does not end with the terminator"),
        ([np.array([1, 3, END])], 2, "0 to 3, but there are 3 tokens"),
        ([np.array([-1, END])], 2, "-1 to 0"),
    ],
)
def test_pieces_that_cannot_be_counted(pieces, order, message):
    with pytest.raises(ValueError, match=message):
        counted(pieces, order, 3)
