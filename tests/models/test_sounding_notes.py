"""Sounding notes: the network is told which notes sound and for how long, as decoding finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from etude.config.resolved import ResolvedConfig
from etude.encodings import GridEncoding, PerformanceEncoding
from etude.encodings.performance import OFF, ON, SHIFT
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel
from etude.models.initial_weights import InitialWeights, start_from
from etude.models.module import SequenceModule
from etude.models.sounding_notes import PITCHES, SoundingNotes, note_table
from networks import check_files, module_from, toy_config

ENCODING = PerformanceEncoding(velocity_bins=1, lowest=60, highest=62, longest_shift=4)
EVENTS = Vocabulary.of(ENCODING.symbols)
WIDTH = 6


def ids_of(*tokens: str) -> Tensor:
    return torch.tensor([[EVENTS.id_of[token] for token in tokens]])


def drawn(batch: int, time: int) -> Tensor:
    return torch.randint(len(EVENTS), (batch, time), generator=torch.Generator().manual_seed(0))


def notes() -> SoundingNotes:
    torch.manual_seed(0)
    made = SoundingNotes(note_table(ENCODING, EVENTS), WIDTH)
    for vectors in made.parameters():
        torch.nn.init.normal_(vectors)
    return made


def trained(encoding: PerformanceEncoding = ENCODING, *, sounding_notes: bool = True) -> SequenceModule:
    """A small network whose vectors of notes are no longer zero."""
    torch.manual_seed(0)
    module = module_from(config(sounding_notes), Vocabulary.of(encoding.symbols), encoding).eval()
    if sounding_notes:
        for vectors in module.network.sounding.parameters():
            torch.nn.init.normal_(vectors)
    return module


def config(sounding_notes: bool = True) -> dict[str, Any]:
    whole = toy_config("experiment=performance_best", max_distance=8, sounding_notes=sounding_notes)
    encoding = {"steps_per_second": 100, "velocity_bins": 1, "lowest": 60, "highest": 62, "longest_shift": 4}
    data = {**whole["data"], "encoding": {**whole["data"]["encoding"], **encoding}}
    return {**whole, "data": data}


def as_decoding_finds(tokens: list[str]) -> tuple[list[int], list[int]]:
    """Return how many notes of each pitch sound at the end, and milliseconds since the last of each began."""
    count, ages = [0] * PITCHES, [0] * PITCHES
    for token in tokens:
        kind, _, value = token.rpartition("_")  # the terminator has no value
        if kind == SHIFT:
            ages = [age + 10 * int(value) for age in ages]
        elif kind == ON:
            count[int(value)] += 1
            ages[int(value)] = 0
        elif kind == OFF:
            count[int(value)] = max(count[int(value)] - 1, 0)
    return count, ages


def test_what_sounds_is_what_decoding_finds() -> None:
    made, sequence = notes(), drawn(2, 60)
    for length in (1, 2, 17, 60):
        _, held = made(sequence[:, :length])
        for row in range(2):
            found = [each[0, row].tolist() for each in held]
            assert found == list(as_decoding_finds(EVENTS.look_up(sequence[row, :length].numpy())))


def test_a_note_that_sounds_has_its_vector_and_one_that_has_ended_has_none() -> None:
    made = notes()
    vectors, _ = made(
        ids_of(f"{ON}_60", f"{SHIFT}_4", f"{ON}_62", f"{OFF}_60", f"{ON}_62", f"{OFF}_62", f"{OFF}_62")
    )
    low, high, low_older = made.of_pitch[60], made.of_pitch[62], made.of_age[60] * torch.tensor(1.8).log()
    wanted = [low, low + low_older, low + low_older + high, high, high, high, torch.zeros(WIDTH)]
    assert torch.allclose(vectors[0], torch.stack(wanted), atol=1e-6)


def test_several_calls_and_single_steps_give_exactly_what_one_call_gives() -> None:
    made, sequence = notes(), drawn(3, 50)
    whole, last = made(sequence)
    for cuts in ([1] * 50, [7, 1, 30, 12]):
        parts, held = [], None
        for part in sequence.split(cuts, dim=1):
            vectors, held = made(part, held)
            parts.append(vectors)
        assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-6)
        assert [each.tolist() for each in held or ()] == [each.tolist() for each in last]


def test_a_network_steps_as_in_one_pass_and_sees_what_sounds() -> None:
    network, sequence = trained().network, drawn(2, 40)
    whole, _ = network(sequence)
    logits, state = network(sequence[:, :1])
    step = network.stepper()
    for position in range(1, 40):
        logits, state = step(sequence[:, position], state)
        assert torch.allclose(logits, whole[:, position], atol=1e-5)
    with torch.no_grad():
        network.sounding.of_pitch[61] += 1
    changed = (network(sequence)[0] != whole).any(dim=-1)
    for row in range(2):
        counts = [as_decoding_finds(EVENTS.look_up(sequence[row, :n].numpy()))[0][61] for n in range(1, 41)]
        first = next(place for place, count in enumerate(counts) if count)
        assert changed[row].tolist() == [place >= first for place in range(40)]


def test_a_network_starts_as_it_would_without_them() -> None:
    torch.manual_seed(0)
    with_notes = module_from(config(), EVENTS, ENCODING).eval().network(drawn(2, 20))[0]
    assert torch.equal(with_notes, trained(sounding_notes=False).network(drawn(2, 20))[0])


def test_export_reload_and_onnx_give_the_same_steps(tmp_path: Path) -> None:
    model = TrainedModel(trained().network, ENCODING, EVENTS, ResolvedConfig(config()))
    check_files(model, drawn(2, 9), tmp_path)


def test_a_training_starts_from_the_vectors_of_another_vocabulary() -> None:
    other = PerformanceEncoding(velocity_bins=4, lowest=60, highest=61, longest_shift=2)
    given = trained(other).network
    network = trained().network
    for vectors in network.sounding.parameters():
        torch.nn.init.zeros_(vectors)
    initial = InitialWeights(Path("given.ckpt"), given.state_dict(), Vocabulary.of(other.symbols))
    match = start_from(initial, network, ResolvedConfig(config()), EVENTS)
    assert not match.random
    assert torch.equal(network.sounding.of_age, given.sounding.of_age)


def test_an_encoding_without_starts_and_ends_of_notes_is_refused() -> None:
    with pytest.raises(EtudeError, match=r"model\.sounding_notes=true: tokens of encoding grid start"):
        module_from(config(), Vocabulary.of(["60", "62"]), GridEncoding())
