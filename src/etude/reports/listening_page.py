"""Self-contained HTML page on which listeners compare pieces of several sources in pairs, blind."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations, cycle, islice
from typing import NamedTuple

from etude.music.piece import Piece
from etude.reports.pages import render
from etude.reports.sample_cards import piece_card


class Pair(NamedTuple):
    """Two pieces in the order in which they are offered: (source, index among its pieces) each."""

    first: tuple[str, int]
    second: tuple[str, int]


def plan_pairs(sources: Sequence[str], count: int, seed: int) -> list[Pair]:
    """Return ``count`` pairs of pieces of different sources, in an order that only the seed decides.

    Each two sources meet equally often, within one pair. No piece is used twice: a source's pieces are
    numbered from 0 in the order of their use.
    """
    chance, used = random.Random(seed), dict.fromkeys(sources, 0)
    met = list(islice(cycle(combinations(sources, 2)), count))
    chance.shuffle(met)
    pairs = []
    for two in met:
        numbered = []
        for source in two:
            numbered.append((source, used[source]))
            used[source] += 1
        chance.shuffle(numbered)
        pairs.append(Pair(*numbered))
    return pairs


def listening_page(pairs: Sequence[Pair], pieces: Mapping[str, Sequence[Piece]]) -> str:
    """Return the page of these pairs; sources are named in its results alone."""
    cards = [
        [
            piece_card(pieces[source][index], f"pair-{number}-{place}", f"Piece {place}")
            for place, (source, index) in enumerate(pair, start=1)
        ]
        for number, pair in enumerate(pairs, start=1)
    ]
    key = [[[source, index + 1] for source, index in pair] for pair in pairs]
    return render("listening.html", title="Which do you like better?", pairs=cards, key=key)
