"""Token features: chords share the vectors of their pitches, in training and in files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from etude.config.resolved import ResolvedConfig
from etude.encodings import GridEncoding, PitchSetEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel
from etude.models.initial_weights import InitialWeights, start_from
from etude.models.module import SequenceModule
from etude.models.token_features import CLASSES, PITCHES, feature_table
from networks import check_files, module_from, toy_config

CHORDS = Vocabulary.of(["C4", "E4", "G4", "C4.E4", "C4.E4.G4", "C5.E5.G5"])


def trained(vocabulary: Vocabulary = CHORDS, **changes: object) -> tuple[SequenceModule, ResolvedConfig]:
    config = toy_config("experiment=mozart_best", token_features=True, **changes)
    torch.manual_seed(0)
    return module_from(config, vocabulary, PitchSetEncoding()).eval(), ResolvedConfig(config)


def test_the_table_has_pitches_their_classes_and_their_number() -> None:
    table = feature_table(PitchSetEncoding(), CHORDS)
    found = [index.nonzero().squeeze(1).tolist() for index in table]
    classes, sizes = PITCHES, PITCHES + CLASSES
    assert found[CHORDS.terminator] == [sizes]
    assert found[CHORDS.id_of["C4.E4"]] == [60, 64, classes, classes + 4, sizes + 2]
    assert found[CHORDS.id_of["C5.E5.G5"]] == [72, 76, 79, classes, classes + 4, classes + 7, sizes + 3]


def test_what_one_chord_teaches_reaches_another_with_the_same_pitch_but_no_stranger() -> None:
    module, _ = trained(Vocabulary.of(["C4.E4", "C4.G4", "B-7.F8"]), dropout=0.0)
    chord, kin, stranger = 2, 3, 1
    ids = torch.zeros(1, 4, dtype=torch.long)
    before = module.network(ids)[0][0, -1]
    F.cross_entropy(before[None], torch.tensor([chord])).backward()
    with torch.no_grad():
        of_feature = module.network.linear.of_feature
        of_feature -= 0.1 * of_feature.grad
    change = module.network(ids)[0][0, -1] - before
    assert change[chord] > change[kin] > change[stranger]


def test_export_reload_and_onnx_give_the_same_steps(tmp_path: Path) -> None:
    module, config = trained()
    sequence = torch.randint(len(CHORDS), (2, 9), generator=torch.Generator().manual_seed(0))
    check_files(TrainedModel(module.network, PitchSetEncoding(), CHORDS, config), sequence, tmp_path)


def test_a_training_starts_from_weights_of_another_vocabulary() -> None:
    given, _ = trained(Vocabulary.of(["G4", "C4.E4", "A4.C5"]))
    module, config = trained()
    initial = InitialWeights(
        Path("given.ckpt"), given.network.state_dict(), Vocabulary.of(["G4", "C4.E4", "A4.C5"])
    )
    match = start_from(initial, module.network, config, CHORDS)
    assert not match.random
    theirs, ours = given.network.embedding, module.network.embedding
    assert torch.equal(ours.of_feature, theirs.of_feature)
    assert torch.equal(ours.own.weight[CHORDS.id_of["G4"]], theirs.own.weight[3])


def test_an_encoding_without_pitches_is_refused() -> None:
    with pytest.raises(EtudeError, match=r"model\.token_features=true: tokens of encoding grid are no sets"):
        module_from({**trained()[1].as_dict()}, CHORDS, GridEncoding())
