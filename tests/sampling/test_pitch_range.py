"""The range of pitches and the instrument of samples."""

from typing import Any

import pytest

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.encodings.vocabulary import TERMINATOR, Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel
from etude.sampling.context import TrainingContext
from etude.sampling.general_midi import program_of
from etude.sampling.generation import generate
from etude.sampling.note_limits import range_filter
from networks import VOCABULARY, config_of, ready
from sampling_settings import sampling, tokens_left

DATA: dict[str, Any] = {"objective": "every", "sequence_len": 8}


def allowed(encoding: Encoding, tokens: list[str], moved: int = 0, **settings: str) -> set[str]:
    vocabulary = Vocabulary([TERMINATOR, *tokens])
    context = TrainingContext.of(encoding, vocabulary, DATA)
    return tokens_left(range_filter(sampling(**settings), context, moved), vocabulary)


@pytest.mark.parametrize(
    ("encoding", "outside", "inside"),
    [
        (GridEncoding(), ["59", "73"], ["60", "72", "_", "r"]),
        (NoteDurationEncoding(), ["59/4", "73/4"], ["60/4", "72/1", "r/4"]),
        (PitchSetEncoding(), ["B3", "C#5", "C4.C#5"], ["C4", "C5", "C4.E4"]),
        (PerformanceEncoding(), ["NOTE_ON_59", "NOTE_ON_73"], ["NOTE_ON_60", "NOTE_OFF_59", "TIME_SHIFT_10"]),
        (VoicesEncoding(), ["1:59/4", "2:73/4"], ["1:60/4", "2:72/4", "+4"]),
    ],
)
def test_tokens_outside_are_forbidden_and_all_others_allowed(
    encoding: Encoding, outside: list[str], inside: list[str]
) -> None:
    assert allowed(encoding, [*outside, *inside], lowest="C4", highest="72") == {TERMINATOR, *inside}


def test_a_piece_that_is_moved_back_stays_in_the_range() -> None:
    assert allowed(GridEncoding(), ["60", "62", "64"], moved=2, highest="C4") == {TERMINATOR, "60", "62"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"lowest": "H4"}, "sampling.lowest=H4 is no pitch"),
        ({"highest": "128"}, "sampling.highest=128 is no pitch"),
        ({"lowest": "C8"}, "leaves no note; the model knows pitches from 60 to 62"),
        ({"lowest": "C5", "highest": "C4"}, "leaves no note"),
    ],
)
def test_a_range_that_is_none_is_a_sentence(settings: dict[str, str], why: str) -> None:
    with pytest.raises(EtudeError, match=why):
        allowed(GridEncoding(), ["60", "62"], **settings)


def test_abc_text_has_no_range() -> None:
    with pytest.raises(EtudeError, match="several tokens"):
        allowed(CharactersEncoding(), ["C"], lowest="C4")


def test_samples_keep_range_and_instrument() -> None:
    model = TrainedModel(ready("lstm").network, GridEncoding(), VOCABULARY, config_of("lstm"))
    free = generate(model, sampling(num_samples=4, max_tokens=64, temperature=2.0))
    assert {pitch for one in free.samples for pitch in one.piece.pitch.tolist()} - set(range(62, 66))
    kept = generate(
        model,
        sampling(
            num_samples=4, max_tokens=64, temperature=2.0, lowest="62", highest="F4", instrument="pan flute"
        ),
    )
    for one in kept.samples:
        assert set(one.piece.pitch.tolist()) <= set(range(62, 66))
        assert one.piece.programs == (76,)


@pytest.mark.parametrize(
    ("name", "program"),
    [("flute", 74), ("Violin", 41), ("acoustic_grand_piano", 1), ("honky-tonk", 4), ("gunshot", 128)],
)
def test_an_instrument_is_known_by_its_name(name: str, program: int) -> None:
    assert program_of(name) == program


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("violine", "did you mean violin"),
        ("piano", "may mean .*electric grand piano"),
        ("", "is no General MIDI"),
    ],
)
def test_another_name_is_a_sentence(name: str, why: str) -> None:
    with pytest.raises(EtudeError, match=why):
        program_of(name)
