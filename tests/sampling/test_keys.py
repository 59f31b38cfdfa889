"""The key of samples: notes of its scale alone, in the key that was typed."""

from typing import Any

import pytest

from etude.encodings import CharactersEncoding, Encoding, GridEncoding, PerformanceEncoding, PitchSetEncoding
from etude.encodings.vocabulary import TERMINATOR, Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel
from etude.music import Key
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate
from etude.sampling.note_limits import key_filter, key_shift, parse_key
from networks import VOCABULARY, config_of, ready
from sampling_settings import sampling, tokens_left

DATA: dict[str, Any] = {"objective": "every", "sequence_len": 8}
OCTAVE = [str(pitch) for pitch in range(60, 72)]


def allowed(encoding: Encoding, tokens: list[str], key: str, moved: int = 0) -> set[str]:
    vocabulary = Vocabulary([TERMINATOR, *tokens])
    keep = key_filter(sampling(key=key), TrainingContext.of(encoding, vocabulary, DATA), moved)
    return tokens_left(keep, vocabulary) - {TERMINATOR}


@pytest.mark.parametrize(
    ("key", "outside"),
    [
        ("C", {1, 3, 6, 8, 10}),
        ("Bb major", {1, 4, 6, 8, 11}),
        ("A minor", {1, 3, 10}),  # with F sharp and G sharp
        ("D dorian", {1, 3, 6, 8, 10}),
    ],
)
def test_notes_of_the_scale_are_allowed(key: str, outside: set[int]) -> None:
    kept = allowed(GridEncoding(), [*OCTAVE, "_", "r"], key)
    assert kept == {str(60 + step) for step in range(12) if step not in outside} | {"_", "r"}


def test_chords_need_all_their_notes_and_other_events_none() -> None:
    assert allowed(PitchSetEncoding(), ["C4.E4", "C4.C#4", "F#5"], "C") == {"C4.E4"}
    tokens = ["NOTE_ON_60", "NOTE_ON_61", "NOTE_OFF_61", "TIME_SHIFT_10"]
    assert allowed(PerformanceEncoding(), tokens, "C") == {"NOTE_ON_60", "NOTE_OFF_61", "TIME_SHIFT_10"}


def test_the_scale_moves_with_the_piece() -> None:
    assert allowed(GridEncoding(), OCTAVE, "D", moved=-2) == allowed(GridEncoding(), OCTAVE, "C")
    assert [key_shift(Key(tonic)) for tonic in ("C", "D", "F", "F#", "Bb")] == [0, -2, -5, 6, 2]
    assert [key_shift(Key(tonic, "minor")) for tonic in ("A", "D", "G")] == [0, -5, 2]


@pytest.mark.parametrize("transposes", [True, False])
def test_samples_are_in_the_key_that_was_typed(transposes: bool) -> None:
    config = config_of("lstm")
    config["data"] = {**config["data"], "transpose": transposes}
    model = TrainedModel(ready("lstm").network, GridEncoding(), VOCABULARY, config)
    scale = {(2 + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)}
    settings = sampling(num_samples=4, max_tokens=64, temperature=2.0, key="D")
    for one in generate(model, settings).samples:
        assert len(one.piece) > 0
        assert one.piece.key == Key("D")
        assert {pitch % 12 for pitch in one.piece.pitch.tolist()} <= scale
    typed = sampling(num_samples=1, max_tokens=64, temperature=2.0, key="D", primer="62")
    assert generate(model, typed).samples[0].piece.pitch[0] == 62  # a primer sounds as typed


@pytest.mark.parametrize(
    ("key", "why"), [("H", "sampling.key=H is no key; type G, Bb or 'D minor'"), ("C lydisch", "is no key")]
)
def test_another_key_is_a_sentence(key: str, why: str) -> None:
    with pytest.raises(EtudeError, match=why):
        parse_key(key)


def test_what_cannot_obey_a_key_says_so() -> None:
    with pytest.raises(EtudeError, match="states its key after K:"):
        allowed(CharactersEncoding(), ["C"], "C")
    with pytest.raises(EtudeError, match="leaves no note that the model knows"):
        allowed(GridEncoding(), ["61", "_"], "C")
