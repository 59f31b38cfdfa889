"""Augmentation: the music of a window stays itself in another key, and the held-out music as it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from etude.corpora.augmentation import augmentation
from etude.corpora.gather import IGNORE
from etude.corpora.settings import CorpusConfig
from etude.corpora.splits import Subset
from etude.corpora.store import EncodedPiece, Store, open_store
from etude.corpora.windows import TrainingWindows
from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.encodings.settings import EncodingConfig
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.music import Note, Piece
from prepared_corpora import write_store

MELODY = Piece.from_notes([Note(time, 1, pitch) for time, pitch in enumerate((60, 64, 67, 62))])
CHORDS = Piece.from_notes([Note(time, 1, pitch) for time in (0, 2, 3) for pitch in (60, 63 + time)])


def config(**changes: float) -> CorpusConfig:
    """Settings of any corpus; only those of the augmentation are read."""
    settings = CorpusConfig(
        name="", encoding=EncodingConfig(), split="by_piece", split_fractions=[1, 0, 0], split_seed=0,
        one_text=False, objective="every", sequence_len=8, batch_size=4, eval_batch_size=4, drop_last=False,
        bucket=False, max_pieces=None, max_rejected=0, on_device=False, data_dir="",
    )  # fmt: skip
    return replace(settings, **changes)


@pytest.mark.parametrize(
    ("encoding", "piece"),
    [
        (GridEncoding(), MELODY),
        (NoteDurationEncoding(), MELODY),
        (VoicesEncoding(), MELODY),
        (PerformanceEncoding(), CHORDS),
        (PitchSetEncoding(), CHORDS),
    ],
)
@pytest.mark.parametrize("semitones", [-7, 1, 12])
def test_transposed_tokens_are_those_of_the_transposed_piece(
    encoding: Encoding, piece: Piece, semitones: int
) -> None:
    tokens = [encoding.transposed(token, semitones) for token in encoding.encode(piece)]  # type: ignore[attr-defined]
    assert tokens == encoding.encode(piece.transposed(semitones))


def test_a_pitch_out_of_range_is_no_token() -> None:
    assert GridEncoding().transposed("127", 1) == "128"
    assert PitchSetEncoding().transposed("C-1.G9", -1) == ""
    assert PerformanceEncoding().transposed("NOTE_ON_0", -1) == "NOTE_ON_-1"


def test_a_stretched_performance_lasts_longer_by_that_share() -> None:
    encoding = PerformanceEncoding()
    tokens = encoding.encode(CHORDS)
    slower = [encoding.stretched(token, 1.2) for token in tokens]
    assert encoding.decode(slower).piece.length == 1.2 * encoding.decode(tokens).piece.length
    assert encoding.stretched("TIME_SHIFT_1", 0.2) == "TIME_SHIFT_1"
    assert encoding.stretched("TIME_SHIFT_100", 1.2) == "TIME_SHIFT_100"


def grid_store(folder: Path) -> Store:
    """Eight scales from C4 to G4, apart by the number of holds after the first note."""
    scale = ["60", "62", "64", "65", "67"]
    pieces = [EncodedPiece(str(holds), holds, [scale[0], *["_"] * holds, *scale[1:]]) for holds in range(8)]
    write_store(folder / "store", pieces, {"fingerprint": "f"})
    return open_store(folder / "store")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return grid_store(tmp_path)


def windows(store: Store, *, bucket: bool = False, objective: str = "every") -> TrainingWindows:
    varied = augmentation(config(augment_semitones=2), GridEncoding(), store.vocabulary)
    whole = Subset(np.arange(len(store)))
    return TrainingWindows(
        store, whole, length=16, batch_size=3, objective=objective, seed=5, bucket=bucket, augment=varied
    )


@pytest.mark.parametrize("bucket", [False, True])
def test_a_window_is_moved_as_a_whole_and_unknown_labels_do_not_count(store: Store, bucket: bool) -> None:
    seen = set()
    made = windows(store, bucket=bucket)
    for _ in range(12):  # epochs
        for inputs, targets, count, _ in made:
            assert int((targets != IGNORE).sum()) == count
            for row, labels in zip(inputs, targets, strict=True):
                names = store.vocabulary.look_up([index for index in labels.tolist() if index >= 0])
                holds = names.count("_")
                original = ["60", *["_"] * holds, "62", "64", "65", "67", "<end>"]
                shifts = [
                    shift
                    for shift in range(-2, 3)
                    if names == [name for name in moved(original, shift) if name in store.vocabulary.id_of]
                ]
                assert shifts, names
                seen.update(shifts if len(shifts) == 1 else ())
                known = labels >= 0
                assert torch.equal(row[1:][known[:-1]], labels[:-1][known[:-1]])
    assert {-2, 0, 2} <= seen


def moved(tokens: list[str], shift: int) -> list[str]:
    return [str(int(token) + shift) if token.isdigit() else token for token in tokens]


@pytest.mark.parametrize("objective", ["every", "last"])
def test_a_resumed_epoch_goes_on_with_the_same_variations(store: Store, objective: str) -> None:
    whole = [batch.inputs for batch in windows(store, objective=objective)]
    first = windows(store, objective=objective)
    stopped = iter(first)
    next(stopped)
    resumed = windows(store, objective=objective)
    resumed.load_state_dict(first.state_dict())
    rest = [batch.inputs for batch in resumed]
    assert len(rest) == len(whole) - 1
    assert all(map(torch.equal, rest, whole[1:]))


def test_epochs_differ(store: Store) -> None:
    made = windows(store)
    first, second = ([sorted(row.tolist()) for batch in made for row in batch.inputs] for _ in range(2))
    assert sorted(first) != sorted(second)


def test_tempos_are_five_at_equal_distances() -> None:
    encoding = PerformanceEncoding()
    tokens = ["<end>", *encoding.symbols]
    varied = augmentation(config(augment_tempo=0.1), encoding, vocabulary := Vocabulary(tokens))
    assert varied is not None
    column = varied._ids[:, vocabulary.id_of["TIME_SHIFT_40"]].tolist()
    assert vocabulary.look_up(column) == [f"TIME_SHIFT_{steps}" for steps in (36, 38, 40, 42, 44)]


def test_keys_and_tempos_together_leave_no_event_undefined() -> None:
    encoding = PerformanceEncoding()
    tokens = ["<end>", *encoding.symbols]
    both = config(augment_semitones=1, augment_tempo=0.1)
    varied = augmentation(both, encoding, vocabulary := Vocabulary(tokens))
    assert varied is not None
    row = varied._ids[0].tolist()  # a semitone down, a tenth less time
    assert vocabulary.tokens[row[vocabulary.id_of["NOTE_ON_60"]]] == "NOTE_ON_59"
    assert vocabulary.tokens[row[vocabulary.id_of["TIME_SHIFT_40"]]] == "TIME_SHIFT_36"
    lowest = vocabulary.id_of["NOTE_OFF_0"]
    assert row[lowest] == lowest
    assert not varied._known[0, lowest]


def test_none_is_asked_for_by_default() -> None:
    assert augmentation(config(), CharactersEncoding(), None) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoding", "setting"),
    [(CharactersEncoding(), {"augment_semitones": 5}), (GridEncoding(), {"augment_tempo": 0.05})],
)
def test_tokens_that_cannot_be_varied_are_refused(encoding: Encoding, setting: dict[str, float]) -> None:
    with pytest.raises(EtudeError, match=next(iter(setting)) + r"=.* one by one; leave this setting out"):
        augmentation(config(**setting), encoding, None)  # type: ignore[arg-type]
