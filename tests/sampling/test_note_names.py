"""Note names are primers: scientific, LilyPond's and ABC letters, in every encoding of notes."""

from fractions import Fraction

import pytest

from composed import composed
from etude.encodings import (
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
)
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.sampling.context import TrainingContext
from etude.sampling.note_names import named_notes
from etude.sampling.primers import find_primer
from sampling_settings import sampling

NOTES = [
    ("C4 D4 E4", [(0, 60), (1, 62), (2, 64)]),
    ("F#3 Bb5 Cb4", [(0, 54), (1, 82), (2, 59)]),
    ("fis'4 g'8 a' bes'4.", [(0, 66), (1, 67), (1.5, 69), (2, 70)]),
    ("es' as, r2 c", [(0, 63), (1, 44), (4, 48)]),
    ("CDEC", [(0, 60), (1, 62), (2, 64), (3, 60)]),
    ("^Fc' B2C", [(0, 66), (1, 84), (2, 71), (4, 60)]),
]


@pytest.mark.parametrize(("text", "notes"), NOTES)
def test_names_mean_these_notes(text: str, notes: list[tuple[float, int]]) -> None:
    piece = named_notes(text)
    assert piece is not None
    assert [(note.onset, note.pitch) for note in piece.notes] == [
        (Fraction(onset), pitch) for onset, pitch in notes
    ]


@pytest.mark.parametrize("text", ["", "60 _ _", "C4 60", "H4", "r4", "hello", "C99", "B,,,,,,,,,,"])
def test_other_text_has_no_notes(text: str) -> None:
    assert named_notes(text) is None


@pytest.mark.parametrize(
    "encoding", [GridEncoding(), NoteDurationEncoding(), PerformanceEncoding(), PitchSetEncoding()]
)
@pytest.mark.parametrize("text", ["C4 D4 E4", "c'4 d' e'", "CDE"])
def test_every_encoding_of_notes_takes_names(encoding: Encoding, text: str) -> None:
    melody = named_notes("C4 D4 E4")
    assert melody is not None
    tokens = encoding.encode(melody)
    vocabulary = Vocabulary.of(dict.fromkeys(tokens))
    context = TrainingContext.of(encoding, vocabulary, composed("train")["data"])
    primer = find_primer(sampling(primer=text), context)
    assert vocabulary.look_up(primer.row(0)) == tokens


def test_a_name_that_the_corpus_lacks_is_named_by_its_token() -> None:
    vocabulary = Vocabulary.of(["_", "r", "60", "62"])
    context = TrainingContext.of(GridEncoding(), vocabulary, composed("train")["data"])
    with pytest.raises(EtudeError, match="unknown token '64'"):
        find_primer(sampling(primer="C4 D4 E4"), context)


def test_abc_letters_may_stand_apart() -> None:
    assert named_notes("C D E C") == named_notes("CDEC")
    assert named_notes("C2 D |E") == named_notes("C2D|E")
