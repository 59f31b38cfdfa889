"""A continued piece keeps the metre, bar lines, tempo, title and part name of the user's music."""

import dataclasses
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.config.compose import compose, plain
from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    VoicesEncoding,
)
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.formats.abc.writer import abc_text
from etude.formats.midi.reader import read_midi_bytes
from etude.formats.midi.writer import midi_bytes
from etude.models.checkpoint import TrainedModel
from etude.music import Key, Metre, Note, Piece
from etude.music.excerpt import first_notes
from etude.music.timing import quarters_at, seconds_at
from etude.notation.bars import bars_of
from etude.sampling.frame import Frame, frame_of, framed
from etude.sampling.generation import generate
from etude.sampling.samples import Sample
from networks import module_from
from sampling_settings import sampling

HEAD = "X:1\nT:A waltz with an upbeat\nM:3/4\nL:1/4\nK:G\n"
WALTZ = HEAD + "D|G3/2B/2A/2F/2|GAB|cde|d3/2c/2B/2A/2|G3|]\n"
TRIPLET_LATE = HEAD + "D|G3/2B/2A/2F/2|GAB|cde|d3/2c/2B/2A/2|d2(3d/2e/2f/2|G3|]\n"
SYMBOLS = {
    "grid": ["_", "r", *map(str, range(30, 100))],
    "note_duration": [f"{pitch}/{steps}" for pitch in ["r", *range(30, 100)] for steps in (2, 4, 6, 8, 12)],
    "voices": [*(f"{voice}:{pitch}/4" for voice in (1, 2, 3, 4) for pitch in range(40, 80)), "+2", "+4"],
}


@cache
def untrained(encoding: Encoding) -> TrainedModel:
    config = plain(compose("train", ["model.hidden_dim=4"]))
    vocabulary = Vocabulary.of(SYMBOLS.get(encoding.name) or encoding.symbols or ())
    return TrainedModel(module_from(config, vocabulary).eval().network, encoding, vocabulary, config)


def continued(encoding: Encoding, path: Path, **changes: Any) -> Sample:
    settings = sampling(num_samples=1, max_tokens=200, primer_file=str(path), **changes)
    [one] = generate(untrained(encoding), settings).samples
    return one


@pytest.mark.parametrize("encoding", [GridEncoding(), NoteDurationEncoding()])
@pytest.mark.parametrize("typed", [None, "3/4"])
def test_a_waltz_goes_on_in_its_metre_with_its_upbeat_title_and_tempo(
    tmp_path: Path, encoding: Encoding, typed: str | None
) -> None:
    (tmp_path / "waltz.abc").write_text(WALTZ.replace("K:G", "Q:1/4=150\nK:G"))
    piece = continued(encoding, tmp_path / "waltz.abc", metre=typed).piece
    assert piece.metres == ((0, Metre(3, 4)),)
    assert piece.pickup == piece.division
    assert [bar.start for bar in bars_of(piece)[:4]] == [0, 1, 4, 7]
    assert piece.title == "Sample 1 after A waltz with an upbeat (lstm_copy, erk)"
    assert piece.tempos == ((0, 150.0),)
    assert piece.key == Key("G")


def test_a_file_that_states_no_metre_is_given_a_usual_one(tmp_path: Path) -> None:
    (tmp_path / "plain.abc").write_text("X:1\nL:1/4\nK:C\nCDEFGABc\n")
    piece = continued(GridEncoding(), tmp_path / "plain.abc", primer_notes=4).piece
    assert (piece.metre, piece.tempo) == (Metre(4, 4), 100.0)


@pytest.mark.parametrize("encoding", [GridEncoding(), NoteDurationEncoding()])
def test_only_the_notes_that_are_used_are_judged(tmp_path: Path, encoding: Encoding) -> None:
    (tmp_path / "late.abc").write_text(TRIPLET_LATE)
    one = continued(encoding, tmp_path / "late.abc", primer_notes=8)
    assert [note.pitch for note in one.piece.notes[:8]] == [62, 67, 71, 69, 66, 67, 69, 71]
    assert one.primer_quarters == 7
    with pytest.raises(EtudeError, match=r"late\.abc .*fit the grid"):
        continued(encoding, tmp_path / "late.abc", primer_notes=20)


def test_a_chord_at_the_end_of_the_notes_that_are_used_is_judged(tmp_path: Path) -> None:
    (tmp_path / "late.mid").write_bytes(midi_bytes(Piece.from_notes([(0, 1, 60), (1, 1, 62), (1, 1, 65)])))
    assert continued(GridEncoding(), tmp_path / "late.mid", primer_notes=1).piece.pitch[0] == 60
    with pytest.raises(EtudeError, match="several notes at the same time"):
        continued(GridEncoding(), tmp_path / "late.mid", primer_notes=2)


def test_a_midi_file_keeps_its_upbeat_tempo_changes_part_name_and_program(tmp_path: Path) -> None:
    song = Piece.from_notes(
        [(time, 1, 60 + time) for time in range(12)],
        key=Key("C"), metres=[(0, Metre(3, 4))], pickup=1, tempos=[(0, 90.0), (4, 72.0), (9, 60.0)],
        part_names=("Flute",), programs=(74,),
    )  # fmt: skip
    (tmp_path / "song.mid").write_bytes(midi_bytes(song))
    piece = continued(GridEncoding(), tmp_path / "song.mid", primer_notes=8).piece
    assert [bar.start for bar in bars_of(piece)[:4]] == [0, 1, 4, 7]
    # the last change is after the notes that are used
    assert [Fraction(tick, piece.division) for tick, _ in piece.tempos] == [0, 4]
    assert [tempo for _, tempo in piece.tempos] == pytest.approx([90.0, 72.0], abs=0.001)
    assert (piece.part_names, piece.programs) == (("Flute",), (74,))
    [read] = read_midi_bytes(midi_bytes(piece), "again.mid").pieces
    assert read.programs == (74,)


def test_four_voices_go_on_as_four_parts_with_their_names_and_programs(tmp_path: Path) -> None:
    notes = [
        Note(Fraction(time), Fraction(1), pitch + time % 2, part=part)
        for time in range(6)
        for part, pitch in enumerate((72, 67, 60, 48))
    ]
    names, programs = ("Soprano", "Alto", "Tenor", "Bass"), (53, 53, 54, 54)
    choir = Piece.from_notes(notes, metres=[(0, Metre(3, 4))], part_names=names, programs=programs)
    (tmp_path / "choir.mid").write_bytes(midi_bytes(choir))
    one = continued(VoicesEncoding(), tmp_path / "choir.mid", primer_notes=12)
    assert one.piece.notes[:12] == choir.notes[:12]
    assert (one.piece.part_names, one.piece.programs) == (names, programs)
    assert one.piece.metre == Metre(3, 4)
    assert one.is_valid
    melody = continued(PerformanceEncoding(), tmp_path / "choir.mid", primer_notes=12).piece
    assert (melody.part_names, melody.programs) == ((), ())


def test_what_the_user_types_comes_before_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "waltz.abc").write_text(WALTZ)
    piece = continued(GridEncoding(), tmp_path / "waltz.abc", metre="2/4", tempo=60.0).piece
    assert (piece.metres, piece.tempos) == (((0, Metre(2, 4)),), ((0, 60.0),))
    with pytest.raises(EtudeError, match=r"metre=3/4 has no effect: .* states its metre"):
        frame_of(sampling(metre="3/4"), CharactersEncoding(), None)


@pytest.mark.parametrize("typed", [None, 60.0])
def test_a_performance_keeps_the_tempo_of_the_file_and_its_seconds(
    tmp_path: Path, typed: float | None
) -> None:
    song = Piece.from_notes(
        [(time, 1, 60 + time) for time in range(8)], metres=[(0, Metre(3, 4))], tempos=[(0, 90.0)]
    )
    (tmp_path / "song.mid").write_bytes(midi_bytes(song))
    one = continued(PerformanceEncoding(), tmp_path / "song.mid", primer_notes=4, tempo=typed)
    assert one.piece.metre == Metre(3, 4)
    assert one.piece.tempo == pytest.approx(typed or 90.0, abs=0.001)  # MIDI rounds to microseconds
    spoken = PerformanceEncoding().decode(one.tokens).piece
    assert seconds_at(one.piece, one.piece.onset) == pytest.approx(
        seconds_at(spoken, spoken.onset), abs=0.001
    )
    if typed is None:
        onsets = [float(note.onset) for note in one.piece.notes[:4]]
        assert onsets == pytest.approx([0, 1, 2, 3], abs=0.015)  # half a step of 10 ms


def test_the_primer_of_a_performance_is_measured_in_the_quarters_of_its_piece(tmp_path: Path) -> None:
    song = Piece.from_notes([(time, 1, 60 + time) for time in range(8)], tempos=[(0, 60.0)])
    (tmp_path / "song.mid").write_bytes(midi_bytes(song))
    one = continued(PerformanceEncoding(), tmp_path / "song.mid", primer_notes=4)
    assert float(one.primer_quarters) == pytest.approx(4, abs=0.02)


def test_bars_are_counted_after_the_upbeat_and_in_the_metre_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "waltz.abc").write_text(WALTZ)
    one = continued(GridEncoding(), tmp_path / "waltz.abc", max_bars=4)
    assert one.piece.quarters <= 1 + 4 * 3
    two = continued(GridEncoding(), tmp_path / "waltz.abc", max_seconds=4.0, primer_notes=2)
    assert two.piece.quarters <= 4 * Fraction(100, 60)


def test_the_end_of_bars_and_seconds_follows_the_changes() -> None:
    frame = Frame(
        metres=((Fraction(0), Metre(3, 4)), (Fraction(4), Metre(2, 4))),
        tempos=((Fraction(0), 60.0), (Fraction(4), 120.0)),
        pickup=Fraction(1),
    )
    assert [frame.end_of_bars(bars) for bars in range(4)] == [1, 4, 6, 8]
    assert [frame.end_of_seconds(seconds) for seconds in (0, 2, 4, 5)] == [0, 2, 4, 6]
    assert [frame.seconds_of(Fraction(quarters)) for quarters in (0, 2, 4, 6)] == [0, 2, 4, 5]


@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(20, 300)), min_size=1, max_size=4),
    st.lists(st.integers(0, 100), min_size=1, max_size=5),
)
def test_quarters_are_the_inverse_of_seconds(changes: list[tuple[int, int]], times: list[int]) -> None:
    starts = [sum(length for length, _ in changes[:index]) for index in range(len(changes))]
    tempos = [(Fraction(start), float(tempo)) for start, (_, tempo) in zip(starts, changes, strict=True)]
    piece = Piece.from_notes([(0, 200, 60)], tempos=tempos)
    assert quarters_at(tempos, seconds_at(piece, times)) == pytest.approx(times)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=8), st.integers(1, 9))
def test_an_excerpt_has_all_notes_up_to_the_last_wanted(rows: list[tuple[int, int]], count: int) -> None:
    piece = Piece.from_notes([(onset, length, 60) for onset, length in rows], length=20)
    excerpt = first_notes(piece, count)
    last = piece.onset[min(count, len(piece)) - 1]
    assert excerpt.notes == [note for note in piece.notes if note.onset <= last]
    whole = len(excerpt) == len(piece)
    assert excerpt.length == (20 if whole else max(note.onset + note.duration for note in excerpt.notes))


def test_a_tune_that_states_its_metre_keeps_it() -> None:
    piece = CharactersEncoding().decode(list(WALTZ)).piece
    typed = frame_of(sampling(tempo=72.0), CharactersEncoding(), None)
    fast = dataclasses.replace(piece, tempos=((0, 200.0),))
    assert framed(fast, typed, CharactersEncoding()).tempos == ((0, 72.0),)
    written = framed(piece, Frame(), CharactersEncoding())
    assert (written.metre, written.pickup, written.tempo) == (Metre(3, 4), written.division, 100.0)
    assert "M:3/4" in abc_text(written)


def test_a_short_first_bar_is_a_pickup() -> None:
    notes = [(time, 1, 60) for time in range(5)]
    music = Piece.from_notes(notes, metres=[(0, Metre(1, 4)), (1, Metre(4, 4))])
    frame = frame_of(sampling(), GridEncoding(), music)
    assert (frame.pickup, frame.metres) == (1, ((0, Metre(4, 4)),))
    longer = dataclasses.replace(music, metres=((0, Metre(1, 4)), (2, Metre(4, 4))))
    assert frame_of(sampling(), GridEncoding(), longer).metres[0] == (0, Metre(1, 4))
