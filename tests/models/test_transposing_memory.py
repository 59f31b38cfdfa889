"""Passages at another pitch: the memory against a plain search, and a piece against itself moved."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from etude.config.resolved import ResolvedConfig
from etude.encodings import GridEncoding, PitchSetEncoding
from etude.encodings.music21_midi.names import PITCH_NAMES
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models import copy_memory
from etude.models.checkpoint import TrainedModel
from etude.models.copy_memory import CopyMemory
from etude.models.module import SequenceModule
from etude.models.transposing_memory import MOST, SHORTEST, TransposingMemory, transpositions
from networks import check_files, check_steps_of_memory, module_from, toy_config

LONGEST = 3
ENCODING = PitchSetEncoding()
NOTES = ["C4", "C#4", "D4", "E-4", "E4", "F4", "C4.E4", "C#4.F4", "D4.F#4", "C4.G4"]
CHORDS = Vocabulary.of(NOTES)
EVERY_NOTE = Vocabulary.of(PITCH_NAMES)
PIECES = st.lists(st.lists(st.integers(0, len(CHORDS) - 1), min_size=24, max_size=24), min_size=1, max_size=3)


def memory(vocabulary: Vocabulary = CHORDS, longest: int = LONGEST) -> TransposingMemory:
    made = TransposingMemory(len(vocabulary), longest, transpositions(ENCODING, vocabulary))
    with torch.no_grad():
        made.score.copy_(torch.linspace(-1, 2, len(made.score)) ** 2)
    return made.requires_grad_(requires_grad=False)


def notes(lowest: int, steps: list[int]) -> Tensor:
    return torch.tensor([[EVERY_NOTE.id_of[PITCH_NAMES[lowest + step]] for step in steps]])


def pitches(token: str) -> list[int]:
    return [] if token == ENCODING.terminator else ENCODING.pitches(token)


def interval(one: str, other: str) -> int | None:
    """How far a token is above another one; None if it is not the same at another pitch."""
    if one == other:
        return 0
    gaps = {high - low for high, low in zip(pitches(one), pitches(other), strict=False)}
    return gaps.pop() if len(gaps) == 1 and len(pitches(one)) == len(pitches(other)) else None


def match(piece: list[str], one: int, other: int) -> tuple[int, int]:
    """How many tokens up to two places agree, and how far the first passage is above the second."""
    found = interval(piece[one], piece[other])
    if found is None:
        return 0, 0
    length = 0
    while length < min(LONGEST, other + 1) and interval(piece[one - length], piece[other - length]) == found:
        length += 1
    return length, found


def copied(made: TransposingMemory, piece: list[str], place: int) -> tuple[Tensor, int]:
    """What the memory gives at a place, place by place and without tensors in between."""
    weights: dict[int, float] = {}
    longest = [0, 0]
    for earlier in range(place):
        length, semitones = match(piece, place, earlier)
        if semitones and length < SHORTEST:
            length, semitones = 0, 0
        token = piece[earlier + 1]
        copy = token if not semitones else "" if not pitches(token) else ENCODING.transposed(token, semitones)
        if copy not in CHORDS.id_of:
            continue
        row = length + (LONGEST + 1 - SHORTEST) * (semitones != 0)
        weight = math.exp(made.score[row]) * (place - earlier) ** -float(made.decay)
        weights[CHORDS.id_of[copy]] = weights.get(CHORDS.id_of[copy], 0) + weight
        longest[semitones != 0] = max(longest[semitones != 0], length)
    probabilities = torch.zeros(len(CHORDS))
    for row, weight in weights.items():
        probabilities[row] = weight / sum(weights.values())
    return probabilities, longest[1] + LONGEST + 1 - SHORTEST if longest[1] > longest[0] else longest[0]


def test_the_table_moves_a_chord_as_the_encoding_does() -> None:
    moved = transpositions(ENCODING, CHORDS).moved
    for row, token in enumerate(CHORDS.tokens):
        for semitones in range(-12, 13):
            found = int(moved[row, MOST + semitones])
            expected = ENCODING.transposed(token, semitones) if pitches(token) else token * (semitones == 0)
            assert (CHORDS.tokens[found] if found >= 0 else None) == (
                expected if expected in CHORDS.id_of else None
            )


@pytest.mark.parametrize("block", [4, 128])
@given(piece=PIECES, count=st.integers(1, 24))
@settings(max_examples=30, deadline=None)
def test_attention_is_by_match_at_any_pitch_and_by_distance(
    piece: list[list[int]], count: int, block: int
) -> None:
    made = memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copy_memory, "BLOCK", block)
        found, longest, matches = made(torch.tensor(piece), count)
    for row, ids in enumerate(piece):
        tokens = [CHORDS.tokens[each] for each in ids]
        assert matches[row, :23].tolist() == [match(tokens, 23, place)[0] for place in range(23)]
        for number, place in enumerate(range(24 - count, 24)):
            expected, length = copied(made, tokens, place)
            assert torch.allclose(found[row, number], expected, atol=1e-5)
            assert longest[row, number] == length


@given(pieces=PIECES, start=st.integers(0, 8), longest=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_a_step_of_the_memory_is_the_last_position_of_a_pass(
    pieces: list[list[int]], start: int, longest: int
) -> None:
    check_steps_of_memory(memory(longest=longest), torch.tensor(pieces), start)


@given(steps=st.lists(st.integers(0, 4), min_size=12, max_size=12), semitones=st.integers(-20, 20))
@settings(max_examples=30, deadline=None)
def test_a_piece_at_another_pitch_is_copied_from_at_that_pitch(steps: list[int], semitones: int) -> None:
    made = memory(EVERY_NOTE)
    here, _, _ = made(notes(60, steps), 12)
    there, _, _ = made(notes(60 + semitones, steps), 12)
    moved = made.moved[:, MOST + semitones]
    assert torch.allclose(here[0][:, moved >= 0], there[0][:, moved[moved >= 0]], atol=1e-6)


def test_without_chords_of_one_shape_it_is_the_memory_at_one_pitch() -> None:
    alone = Vocabulary.of(["C4", "C4.E4", "C4.G4", "D4.E4.F4"])
    ids = torch.randint(len(alone), (2, 40), generator=torch.Generator().manual_seed(0))
    plain = CopyMemory(len(alone), LONGEST)
    moving = TransposingMemory(len(alone), LONGEST, transpositions(ENCODING, alone))
    for one, other in zip(plain(ids, 40), moving(ids, 40), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def trained(vocabulary: Vocabulary = CHORDS) -> tuple[SequenceModule, ResolvedConfig]:
    config = toy_config("experiment=mozart_best", transposed_copies=True)
    torch.manual_seed(0)
    return module_from(config, vocabulary, ENCODING).eval(), ResolvedConfig(config)


def test_an_untrained_network_expects_a_passage_to_come_again_at_another_pitch() -> None:
    network = trained(EVERY_NOTE)[0].network
    passage = [0, 1, 3, 6, 10, 2, 9, 4]  # no two steps alike
    ids = torch.cat([notes(60, passage), notes(83, passage)], dim=1)
    chance = network(ids)[0][0, 8:-1].softmax(-1).gather(1, ids[0, 9:, None]).squeeze(1)
    assert (chance[1:] > 2 / len(EVERY_NOTE)).all()
    assert (chance[1:].diff() > 0).all()  # the longer the match, the more it is trusted


def test_export_reload_and_onnx_give_the_same_steps(tmp_path: Path) -> None:
    module, config = trained()
    ids = torch.randint(len(CHORDS), (2, 30), generator=torch.Generator().manual_seed(0))
    check_files(TrainedModel(module.network, ENCODING, CHORDS, config), ids, tmp_path)


def test_an_encoding_without_pitches_is_refused() -> None:
    config = {**trained()[1].as_dict()}
    config["model"] = {**config["model"], "token_features": False}
    with pytest.raises(
        EtudeError, match=r"model\.transposed_copies=true: tokens of encoding grid are no sets"
    ):
        module_from(config, CHORDS, GridEncoding())
