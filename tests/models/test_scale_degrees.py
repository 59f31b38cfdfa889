"""Scale degrees: what is learnt of a letter in one key counts in all keys, in training and in files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st

from etude.config.resolved import ResolvedConfig
from etude.encodings import CharactersEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.checkpoint import TrainedModel
from etude.models.initial_weights import InitialWeights, start_from
from etude.models.module import SequenceModule
from etude.models.scale_degrees import LETTERS, ScaleDegrees, character_codes
from networks import check_files, module_from, toy_config

TUNE = "X:1\nT:K:A\nM:C|\nK: G Major\nGABc dedB|[K:Ador] a2A2:|\n\nX:2\nK:D\nd2"
TEXT = Vocabulary.of([*sorted(set(TUNE) - {"\n"}), *"DEFKefg"], terminator="\n")
START, ANY = r"(?:^|[\n\[])", re.DOTALL


def trained(vocabulary: Vocabulary = TEXT, **changes: object) -> tuple[SequenceModule, ResolvedConfig]:
    config = toy_config("experiment=cobb_best", token_features=True, **changes)
    torch.manual_seed(0)
    module = module_from(config, vocabulary, CharactersEncoding()).eval()
    torch.nn.init.normal_(module.network.degrees.of_tonic)
    return module, ResolvedConfig(config)


def ids_of(text: str) -> torch.Tensor:
    return torch.tensor([[TEXT.id_of[character] for character in text]])


def tonics_by_a_pattern(text: str) -> list[int]:
    found, tonic = [], 0
    for end in range(1, len(text) + 1):
        if field := re.search(START + r"K: ?([A-Ga-g])$", text[:end], ANY):
            tonic = 1 + LETTERS.index(field[1].upper())
        found.append(tonic)
    return found


@example("K:A")
@given(st.lists(st.sampled_from([*"\n[K: AdG|", "\nK:", "[K: "])).map("".join).filter(bool))
def test_the_tonic_is_what_the_last_key_field_names_in_one_pass_and_in_steps(text: str) -> None:
    degrees = ScaleDegrees(character_codes(TEXT), 2, 2)
    ids = ids_of(text)
    assert degrees.tonics(ids)[0].tolist() == tonics_by_a_pattern(text)
    tonic, found = torch.zeros(1, dtype=torch.long), []
    for place in range(len(text)):
        tonic = degrees.last_tonic(ids[:, : place + 1], tonic)
        found.append(int(tonic))
    assert found == tonics_by_a_pattern(text)


def test_degree_one_is_the_tonic_in_both_octaves_and_other_characters_have_none() -> None:
    degrees = ScaleDegrees(character_codes(TEXT), 2, 2).degrees
    in_g = degrees[1 + LETTERS.index("G")]
    assert {letter: int(in_g[TEXT.id_of[letter]]) for letter in "GgAcBfF"} == {
        "G": 1, "g": 1, "A": 2, "c": 4, "B": 3, "f": 7, "F": 7,
    }  # fmt: skip
    assert not in_g[[TEXT.id_of[sign] for sign in "\n|:XK2 "]].any()
    assert not degrees[0].any()


def test_every_character_gets_the_vector_of_the_tonic_and_letters_that_of_their_degree() -> None:
    degrees = trained()[0].network.degrees
    ids, g = ids_of("|A"), 1 + LETTERS.index("G")
    found = degrees(ids, torch.full_like(ids, g))[0]
    assert torch.equal(found, degrees.of_tonic[g] + degrees.of_degree[[0, 2]])


@pytest.mark.parametrize("cut", [1, 26, 30, 47, 60])
def test_steps_and_a_pass_in_two_parts_give_the_logits_of_one_pass(cut: int) -> None:
    network = trained()[0].network
    ids = ids_of(TUNE)
    whole = network(ids)[0]
    first, state = network(ids[:, :cut])
    second, _ = network(ids[:, cut:], state)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-5)
    step = network.stepper()
    for place in range(cut, ids.shape[1]):
        logits, state = step(ids[:, place], state)
        assert torch.allclose(logits, whole[:, place], atol=1e-5)


def test_what_the_tonic_of_one_key_teaches_reaches_the_tonic_of_another() -> None:
    network = trained(dropout=0.0)[0].network
    in_g, in_d = ids_of("\nK:G\nB"), ids_of("\nK:D\nf")
    before = network(in_d)[0][0, -1]
    F.cross_entropy(network(in_g)[0][0, -1:], torch.tensor([TEXT.id_of["G"]])).backward()
    with torch.no_grad():
        scores = network.degrees.scores
        scores.bias -= scores.bias.grad
    change = (network(in_d)[0][0, -1] - before).detach()
    assert change[TEXT.id_of["D"]] > 0
    assert torch.isclose(change[TEXT.id_of["D"]], change[TEXT.id_of["d"]], atol=1e-5)
    assert change[TEXT.id_of["G"]] < change[TEXT.id_of["D"]]


def test_the_tonic_before_the_first_key_field_is_unknown() -> None:
    degrees = ScaleDegrees(character_codes(TEXT), 2, 2)
    assert not degrees.tonics(ids_of("X:1\nT:K:A\nA")).any()


def test_export_reload_and_onnx_give_the_same_steps(tmp_path: Path) -> None:
    module, config = trained()
    check_files(TrainedModel(module.network, CharactersEncoding(), TEXT, config), ids_of(TUNE), tmp_path)


def test_a_training_starts_from_weights_of_other_characters() -> None:
    others = Vocabulary.of([*"AGz|"], terminator="\n")
    theirs, _ = trained(others)
    module, config = trained()
    initial = InitialWeights(Path("given.ckpt"), theirs.network.state_dict(), others)
    assert not start_from(initial, module.network, config, TEXT).random
    assert torch.equal(module.network.degrees.of_degree, theirs.network.degrees.of_degree)
