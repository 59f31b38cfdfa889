"""Fitting to a grid: gate times, rounded ticks, played timing, swing."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.encodings import GridEncoding, PitchSetEncoding
from etude.encodings.fitting import fitted
from etude.errors import EncodeError
from etude.formats.midi.reader import read_midi_bytes
from etude.music import Piece
from etude.music.grid_fitting import TOLERANCE, fit_to_grid, is_melody
from midi_bytes import midi, notes, track

Rows = list[tuple[int, int]]  # (onset, end) of a melody, in ticks


def read(rows: Rows, division: int = 480) -> Piece:
    [piece] = read_midi_bytes(
        midi(track(notes(*((start, end, 60 + n % 12) for n, (start, end) in enumerate(rows))))), "one.mid"
    ).pieces
    return piece if division == 480 else Piece(*_arrays(piece), division=division)


def _arrays(piece: Piece) -> tuple:
    return piece.onset, piece.duration, piece.pitch, piece.velocity, piece.part


def times(piece: Piece) -> list[tuple[Fraction, Fraction]]:
    return [(note.onset, note.duration) for note in piece.notes]


@st.composite
def rhythms(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """(rest before, sounding steps, 0) of each note of a melody of sixteenths; rests of two steps or more."""
    rest = st.sampled_from([0, 0, 0, 2, 4])
    return draw(
        st.lists(st.tuples(rest, st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16])), min_size=2, max_size=20)
    )


def written(rhythm: list[tuple[int, int]], step: int) -> Rows:
    rows, time = [], 0
    for rest, length in rhythm:
        time += rest * step
        rows.append((time, time + length * step))
        time += length * step
    return rows


@given(rhythms(), st.integers(1, 19))
def test_notes_that_end_early_or_late_by_some_ticks_get_their_written_length(
    rhythm: list[tuple[int, int]], short: int
) -> None:
    exact = written(rhythm, 120)
    piece = read([(start, end - short) for start, end in exact])
    found = fit_to_grid(piece, "1/16")
    assert times(found.piece) == times(read(exact))
    assert (found.moved, found.farthest) == (len(exact), Fraction(short, 480))
    assert found.piece.length == found.piece.onset[-1] + found.piece.duration[-1]


@given(rhythms(), st.sampled_from([95, 90, 97, 80]))
def test_gate_times_in_percent_are_closed_into_the_full_note_before_rests_too(
    rhythm: list[tuple[int, int]], percent: int
) -> None:
    exact = written([*rhythm, (0, 4), (0, 4), (0, 4), (0, 8), (0, 8)], 120)
    piece = read([(start, start + (end - start) * percent // 100) for start, end in exact])
    assert times(fit_to_grid(piece, "1/16").piece) == times(read(exact))


@pytest.mark.parametrize(
    ("percent", "step"),
    [(103, "1/24"), (103, "1/48"), (105, "1/16"), (105, "1/24"), (105, "1/48"), (108, "1/80"), (110, "1/48")],
)
def test_a_legato_melody_gets_its_written_lengths_to_its_last_note(percent: int, step: str) -> None:
    rows = [(start, start + 480 * percent // 100) for start in range(0, 3840, 480)]
    assert times(fit_to_grid(read(rows), step).piece) == [(Fraction(n), Fraction(1)) for n in range(8)]


@given(st.integers(24, 1000), st.sampled_from(["1/12", "1/24", "1/48"]))
def test_triplets_fit_at_any_division(division: int, step: str) -> None:
    ticks = [round(Fraction(third * division, 3)) for third in range(13)]
    piece = read(list(pairwise(ticks)), division)
    assert times(fit_to_grid(piece, step).piece) == [
        (Fraction(third, 3), Fraction(1, 3)) for third in range(12)
    ]


@given(rhythms())
def test_a_piece_on_the_grid_stays_as_it_is(rhythm: list[tuple[int, int]]) -> None:
    piece = read(written(rhythm, 120))
    for quantise in ("none", "nearest"):
        found = fit_to_grid(piece, "1/16", quantise)
        assert found.piece is piece
        assert found.moved == 0


@given(rhythms(), st.randoms(use_true_random=False))
def test_played_notes_are_quantised_on_request_and_stay_one_after_another(rhythm, random) -> None:
    exact = written(rhythm, 120)
    played = [(max(0, start + random.randint(-29, 29)), end) for start, end in exact]
    played = [
        (start, max(start + 1, min(end - random.randint(0, 20), following - 1)))
        for (start, end), following in zip(played, [*(row[0] for row in played[1:]), 10**9], strict=True)
    ]
    piece = read(played)
    found = fit_to_grid(piece, "1/16", "nearest").piece
    assert found.onset.tolist() == [start for start, _ in exact]
    assert found.is_monophonic


def test_notes_that_would_share_a_step_follow_one_another() -> None:
    piece = read([(0, 30), (31, 50), (55, 100), (480, 900)])
    found = fit_to_grid(piece, "1/16", "nearest").piece
    assert found.onset.tolist() == [0, 120, 240, 480]
    assert found.is_monophonic


@pytest.mark.parametrize("place", [560, 600, 640])  # of the second eighth, in a quarter of 960
def test_swung_eighths_become_even(place: int) -> None:
    rows = [
        (beat * 960 + start, beat * 960 + end)
        for beat in range(6)
        for start, end in ((0, place), (place, 960))
    ]
    found = fit_to_grid(read(rows, 960), "1/16", "swing").piece
    assert times(found) == [(Fraction(eighth, 2), Fraction(1, 2)) for eighth in range(12)]


@pytest.mark.parametrize("step", ["1/24", "1/48"])
def test_triplets_among_swung_eighths_stay(step: str) -> None:
    ticks = [0, 320, 640, 960, 1600, 1920, 2240, 2560, 2880, 3520, 3840]  # of 960 to the quarter
    found = fit_to_grid(read(list(pairwise(ticks)), 960), step, "swing").piece
    third, half = Fraction(1, 3), Fraction(1, 2)
    onsets = [0, third, 2 * third, 1, 1 + half, 2, 2 + third, 2 + 2 * third, 3, 3 + half]
    assert [onset for onset, _ in times(found)] == onsets


@pytest.mark.parametrize(
    ("rows", "step", "finest"),
    [
        ([(0, 160), (160, 320), (320, 480)], "1/16", "1/48"),  # triplets
        ([(0, 60), (60, 120), (120, 480)], "1/16", "1/32"),  # thirty-seconds
        ([(0, 120), (120, 240), (240, 480)], "1/12", "1/48"),
    ],
)
def test_another_rhythm_is_refused_with_the_finest_grid_that_takes_it(
    rows: Rows, step: str, finest: str
) -> None:
    with pytest.raises(EncodeError, match=f"does not fit the grid of {step}; a step of {finest} takes it"):
        fitted(read(rows), GridEncoding(step))


@pytest.mark.parametrize(
    ("length", "others", "step"),
    [(96, [], "1/20"), (48, [], "1/40"), (96, [(480, 600), (600, 720)], "1/80")],  # the last: with sixteenths
)
def test_quintuplets_are_refused_with_the_grid_that_takes_them(length: int, others: Rows, step: str) -> None:
    rows = [(n * length, n * length + length) for n in range(5)] + others
    with pytest.raises(EncodeError, match=f"does not fit the grid of 1/16; a step of {step} takes it"):
        fitted(read(rows), GridEncoding("1/16"))
    assert times(fitted(read(rows), GridEncoding(step)).piece) == times(read(rows))


def test_what_no_grid_takes_is_offered_quantising() -> None:
    septuplets = [(n * 60, n * 60 + 60) for n in range(7)]
    with pytest.raises(EncodeError, match="quantise=nearest"):
        fitted(read(septuplets, 420), GridEncoding("1/16"))


@given(st.integers(0, 59))
def test_the_tolerance_is_a_sixth_of_a_step(late: int) -> None:
    piece = read([(0, 480 + late), (480 + late, 960)])
    if late <= 120 * TOLERANCE:
        assert fit_to_grid(piece, "1/16").piece.onset.tolist() == [0, 480]
    else:
        with pytest.raises(EncodeError, match="an onset does not fit"):
            fit_to_grid(piece, "1/16")


def test_tokens_without_a_grid_take_any_time() -> None:
    piece = read([(0, 7), (13, 19)])
    assert fitted(piece, PitchSetEncoding()).piece is piece


def test_legato_on_the_grid_loses_its_overlaps_and_two_voices_keep_theirs() -> None:
    legato = [(start, start + 520) for start in range(0, 1920, 480)]  # 13 steps of 1/48
    assert [length for _, length in times(fit_to_grid(read(legato), "1/48").piece)] == [1, 1, 1, 1]
    voices = [(0, 960), (480, 1440), (960, 1920)]
    assert fit_to_grid(read(voices), "1/48").moved == 0


def test_legato_is_a_melody_and_a_chord_is_none() -> None:
    assert is_melody(read([(0, 500), (480, 960)]), "1/48")
    assert is_melody(read([(0, 500), (480, 960)]), "1/16")
    assert not is_melody(read([(0, 600), (480, 960)]), "1/16")
    assert not is_melody(read([(0, 480), (0, 480)]), "1/16")
