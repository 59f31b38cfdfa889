from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from etude.config.conf_files import conf_dir
from etude.encodings.performance import PerformanceEncoding
from etude.errors import EncodeError
from etude.formats.midi.reader import read_midi_bytes
from etude.music import Note, Piece
from etude.music.timing import seconds_at
from midi_corpus import mozart_files
from strategies import pieces


def shipped(name: str) -> PerformanceEncoding:
    """The encoding that a file of conf/ describes."""
    stored = yaml.safe_load((conf_dir() / f"data/encoding/performance_{name}.yaml").read_text())
    return PerformanceEncoding(
        **{key: value for key, value in stored.items() if key not in ("defaults", "_target_")}
    )


OORE, MAGENTA, HUANG = (shipped(name) for name in ("oore413", "magenta388", "huang310"))
BINS = [1 + 4 * index for index in range(32)]  # the velocities that decoding gives

presets = st.sampled_from([OORE, MAGENTA, HUANG])


def played(*rows: tuple[float, float, int, int], tempo: float = 60.0) -> Piece:
    """A piece of (onset, end, pitch, velocity) rows, times in seconds at 60 quarter notes a minute."""
    notes = [
        Note(Fraction(str(start)), Fraction(str(end)) - Fraction(str(start)), pitch, velocity)
        for start, end, pitch, velocity in rows
    ]
    return Piece.from_notes(notes, tempos=[(0, tempo)])


@st.composite
def on_the_steps(draw: st.DrawFn, encoding: PerformanceEncoding) -> Piece:
    """Pieces at 120, on the steps, with binned velocities, where no pitch sounds twice at once."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 900), st.integers(1, 700), st.integers(21, 108), st.sampled_from(BINS)),
            min_size=1,
            max_size=25,
        )
    )
    quarter = Fraction(2, encoding.steps_per_second)  # a step, in quarter notes of half a second
    notes: list[tuple[int, int, int, int]] = []
    for start, length, pitch, velocity in rows:
        if not any(other[2] == pitch and other[0] <= start + length and start <= other[1] for other in notes):
            notes.append((start, start + length, pitch, velocity))
    end = max(note[1] for note in notes) + draw(st.sampled_from([0, 0, 1, 99, 333]))
    return Piece.from_notes(
        [
            Note(start * quarter, (stop - start) * quarter, pitch, velocity)
            for start, stop, pitch, velocity in notes
        ],
        length=end * quarter,
    )


class TestPublishedRules:
    def test_counts(self) -> None:
        assert [len(encoding.symbols) for encoding in (OORE, MAGENTA, HUANG)] == [
            413,
            388,
            308,
        ]
        kinds = Counter(symbol.rpartition("_")[0] for symbol in OORE.symbols)
        assert list(kinds.items()) == [
            ("NOTE_ON", 128),
            ("NOTE_OFF", 128),
            ("TIME_SHIFT", 125),
            ("VELOCITY", 32),
        ]
        assert (HUANG.symbols[0], HUANG.symbols[87], HUANG.symbols[88]) == (
            "NOTE_ON_21",
            "NOTE_ON_108",
            "NOTE_OFF_21",
        )

    def test_steps_are_8_or_10_ms(self) -> None:
        piece = played((0.04, 0.08, 60, 1))
        assert OORE.encode(piece) == [
            "TIME_SHIFT_5",
            "VELOCITY_1",
            "NOTE_ON_60",
            "TIME_SHIFT_5",
            "NOTE_OFF_60",
        ]
        assert MAGENTA.encode(piece) == [
            "TIME_SHIFT_4",
            "VELOCITY_1",
            "NOTE_ON_60",
            "TIME_SHIFT_4",
            "NOTE_OFF_60",
        ]

    def test_a_gap_is_full_shifts_and_then_the_rest(self) -> None:
        assert MAGENTA.encode(played((2.34, 3.34, 60, 1))) == [
            *["TIME_SHIFT_100"] * 2,
            *["TIME_SHIFT_34", "VELOCITY_1", "NOTE_ON_60", "TIME_SHIFT_100", "NOTE_OFF_60"],
        ]

    def test_time_is_rounded_half_up_and_a_note_lasts_a_step(self) -> None:
        assert MAGENTA.encode(played((0.005, 0.006, 60, 1)))[0] == "TIME_SHIFT_1"
        assert MAGENTA.encode(played((0.0049, 0.0149, 60, 1)))[-2:] == ["TIME_SHIFT_1", "NOTE_OFF_60"]
        assert MAGENTA.encode(played((0.0, 0.001, 60, 1)))[-2:] == ["TIME_SHIFT_1", "NOTE_OFF_60"]

    def test_velocity_only_before_an_on_and_only_when_its_bin_changes(self) -> None:
        piece = played((0, 1, 60, 4), (0, 1, 62, 1), (0, 1, 64, 5), (2, 3, 65, 127))
        assert [token for token in MAGENTA.encode(piece) if not token.startswith("TIME")] == [
            *["VELOCITY_1", "NOTE_ON_60", "NOTE_ON_62", "VELOCITY_2", "NOTE_ON_64"],
            *["NOTE_OFF_60", "NOTE_OFF_62", "NOTE_OFF_64", "VELOCITY_32", "NOTE_ON_65", "NOTE_OFF_65"],
        ]

    @given(st.integers(1, 128), st.integers(1, 127))
    def test_any_number_of_bins_has_one_for_each_velocity(self, bins: int, velocity: int) -> None:
        encoding = PerformanceEncoding(velocity_bins=bins)
        tokens = encoding.encode(played((0, 1, 60, velocity)))
        decoded, repairs = encoding.decode(tokens)
        assert not repairs
        assert 0 <= velocity - decoded.velocity[0] < 127 / bins + 1
        assert encoding.encode(decoded) == tokens

    @pytest.mark.parametrize(
        ("velocity", "bin_"), [(1, 1), (4, 1), (5, 2), (64, 16), (65, 17), (124, 31), (127, 32)]
    )
    def test_bins_of_four(self, velocity: int, bin_: int) -> None:
        tokens = MAGENTA.encode(played((0, 1, 60, velocity)))
        assert tokens[0] == f"VELOCITY_{bin_}"
        assert MAGENTA.decode(tokens).piece.velocity.tolist() == [1 + 4 * (bin_ - 1)]

    def test_at_one_step_older_notes_come_first_offs_before_newer_ons(self) -> None:
        piece = played((0, 1, 72, 1), (0, 2, 60, 1), (1, 2, 48, 1))
        assert [token for token in MAGENTA.encode(piece) if token.startswith("NOTE")] == [
            *["NOTE_ON_60", "NOTE_ON_72", "NOTE_OFF_72", "NOTE_ON_48", "NOTE_OFF_60", "NOTE_OFF_48"]
        ]

    def test_notes_that_a_step_brings_together_keep_the_order_of_their_onsets(self) -> None:
        piece = played((0.001, 1, 72, 1), (0.002, 1, 60, 1))
        assert MAGENTA.encode(piece)[1:3] == ["NOTE_ON_72", "NOTE_ON_60"]

    def test_silence_at_the_end_is_kept(self) -> None:
        piece = Piece.from_notes([Note(Fraction(0), Fraction(1), 60)], length=2)
        assert MAGENTA.encode(piece)[-2:] == ["NOTE_OFF_60", "TIME_SHIFT_50"]

    @given(
        st.lists(
            st.tuples(st.integers(0, 999), st.floats(10, 300)), max_size=5, unique_by=lambda change: change[0]
        ),
        st.integers(0, 2000),
    )
    def test_seconds_add_up_tick_by_tick(self, tempos: list[tuple[int, float]], tick: int) -> None:
        tempos.sort()
        piece = Piece(*np.zeros((5, 0), dtype=np.int64), division=24, length=2000, tempos=tuple(tempos))
        ruling = [
            next((qpm for start, qpm in reversed(tempos) if start <= each), 120.0) for each in range(tick)
        ]
        assert seconds_at(piece, np.array([tick]))[0] == pytest.approx(sum(60 / (qpm * 24) for qpm in ruling))


class TestRoundTrip:
    @given(st.data(), presets)
    def test_pieces_on_the_steps_come_back(self, data: st.DataObject, encoding: PerformanceEncoding) -> None:
        piece = data.draw(on_the_steps(encoding))
        tokens = encoding.encode(piece)
        assert set(tokens) <= set(encoding.symbols)
        decoded = encoding.decode(tokens)
        assert decoded.piece == piece
        assert not decoded.repairs

    @given(pieces(), presets)
    def test_what_came_back_once_comes_back_the_same(
        self, piece: Piece, encoding: PerformanceEncoding
    ) -> None:
        once = encoding.decode(encoding.encode(piece))
        assert not once.repairs
        assert len(once.piece) == len(piece)
        assert encoding.decode(encoding.encode(once.piece)).piece == once.piece

    @given(st.data(), presets)
    def test_any_events_decode_to_a_piece_that_comes_back(
        self, data: st.DataObject, encoding: PerformanceEncoding
    ) -> None:
        tokens = data.draw(st.lists(st.sampled_from(encoding.symbols), max_size=60))
        piece, repairs = encoding.decode(tokens)
        shifts = [int(token.rpartition("_")[2]) for token in tokens if token.startswith("TIME")]
        assert piece.quarters == sum(shifts) * Fraction(2, encoding.steps_per_second)
        ons = sum(token.startswith("NOTE_ON") for token in tokens)
        offs = sum(token.startswith("NOTE_OFF") for token in tokens)
        assert len(piece) == ons - repairs["note of no length"]
        assert ons - repairs["note left open"] == offs - repairs["note-off without a note"]
        if len(piece):
            assert encoding.decode(encoding.encode(piece)).piece == piece


class TestRepairs:
    def notes(self, *tokens: str) -> tuple[list[tuple[int, int, int]], dict[str, int]]:
        """(start, end, pitch) in steps, and the repairs."""
        piece, repairs = MAGENTA.decode(["VELOCITY_16", *tokens])
        rows = zip(
            piece.onset.tolist(), (piece.onset + piece.duration).tolist(), piece.pitch.tolist(), strict=True
        )
        return [(start // 2, end // 2, pitch) for start, end, pitch in rows], dict(repairs)

    def test_first_in_first_out(self) -> None:
        tokens = [
            "NOTE_ON_60",
            "TIME_SHIFT_5",
            "NOTE_ON_60",
            "TIME_SHIFT_1",
            "NOTE_OFF_60",
            "TIME_SHIFT_1",
            "NOTE_OFF_60",
        ]
        assert self.notes(*tokens) == ([(0, 6, 60), (5, 7, 60)], {})

    def test_unmatched_offs(self) -> None:
        assert self.notes("NOTE_OFF_60") == ([], {"note-off without a note": 1})

    def test_open_notes_end_with_the_piece_or_after_five_seconds(self) -> None:
        assert self.notes("NOTE_ON_60", "TIME_SHIFT_9") == ([(0, 9, 60)], {"note left open": 1})
        assert self.notes("NOTE_ON_60", *["TIME_SHIFT_100"] * 6) == ([(0, 500, 60)], {"note left open": 1})

    def test_notes_of_no_length(self) -> None:
        assert self.notes("NOTE_ON_60", "NOTE_OFF_60") == ([], {"note of no length": 1})

    def test_a_note_before_any_velocity(self) -> None:
        piece, repairs = MAGENTA.decode(["NOTE_ON_60", "TIME_SHIFT_1", "NOTE_OFF_60"])
        assert (piece.velocity.tolist(), dict(repairs)) == ([77], {"note before any velocity": 1})

    @pytest.mark.parametrize(
        "token", ["", "NOTE_ON_20", "TIME_SHIFT_0", "TIME_SHIFT_101", "VELOCITY_33", "NOTE_ON"]
    )
    def test_other_tokens_are_errors(self, token: str) -> None:
        with pytest.raises(ValueError, match="is not one of the 308 events"):
            HUANG.decode([token])


def test_what_it_does_not_accept() -> None:
    with pytest.raises(EncodeError, match="no notes"):
        MAGENTA.encode(Piece.from_notes([]))
    with pytest.raises(EncodeError, match=r"pitches outside 21\.\.108"):
        HUANG.encode(played((0, 1, 20, 1)))
    with pytest.raises(EncodeError, match="velocities"):
        MAGENTA.encode(played((0, 1, 60, 0)))


def test_config_fixes_the_tokens() -> None:
    assert OORE.config() == {
        "steps_per_second": 125,
        "longest_shift": 125,
        "velocity_bins": 32,
        "lowest": 0,
        "highest": 127,
    }
    assert PerformanceEncoding(**OORE.config()) == OORE


def test_a_real_performance_is_a_fixed_point() -> None:
    [piece] = read_midi_bytes(mozart_files()["piano_sonata_545.mid"], "", pedal=True).pieces
    tokens = OORE.encode(piece)
    decoded = OORE.decode(tokens)
    assert not decoded.repairs
    assert len(decoded.piece) == len(piece) == 3628
    assert OORE.decode(OORE.encode(decoded.piece)).piece == decoded.piece
    length = seconds_at(piece, np.array([piece.length]))[0]
    assert seconds_at(decoded.piece, np.array([decoded.piece.length]))[0] == pytest.approx(length, abs=0.004)
