from __future__ import annotations

import hashlib
import logging
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.encodings import music21_midi
from etude.encodings.music21_midi import CHECKED_VERSION, pitch_set_tokens
from etude.encodings.music21_midi.grouping import (
    UNITS,
    Element,
    MidiNote,
    NotCoveredError,
    grouped,
    quantised,
    quantised_duration,
    quantised_onset,
)
from etude.encodings.music21_midi.names import KNOWN_NAMES, PITCH_NAMES, chord_token, names_by_music21
from etude.encodings.music21_midi.tokens import midi_tokens, music21_tokens
from etude.encodings.pitch_set import PitchSetEncoding
from etude.errors import EncodeError, ReadError
from etude.formats.midi.events import parse_midi
from etude.formats.midi.reader import read_midi_bytes
from etude.music import Metre, Note, Piece
from midi_bytes import Timed, meta, metre, midi, named, notes, off, on, program, tempo, track
from midi_corpus import mozart_files

# Made by music21 10.5.1 as the lab does: tokens of the 20 files in the order of their names.
MOZART_TOKENS = 114_215
MOZART_DIFFERENT = 668
MOZART_SHA256 = "433a4e66dc78cb03cfeb60b3727d3435324da4018c1e44fcc3c8d368c72c969b"

tokens_of_ours = st.sets(st.integers(0, 127), min_size=1, max_size=5).map(
    lambda chord: chord_token(tuple(chord))
)


class TestTheLab:
    def test_all_tokens_of_the_mozart_files_are_those_of_music21(self) -> None:
        start = time.process_time()
        tokens = [token for data in mozart_files().values() for token in pitch_set_tokens(data)]
        assert time.process_time() - start < 30  # music21 needs 190 s; ours some two
        assert (len(tokens), len(set(tokens))) == (MOZART_TOKENS, MOZART_DIFFERENT)
        assert hashlib.sha256("\n".join(tokens).encode()).hexdigest() == MOZART_SHA256

    def test_the_known_instruments_are_what_music21_finds(self) -> None:
        for marks, names in KNOWN_NAMES.items():
            for channel in (0, 5, 15):
                assert names_by_music21(tuple((kind, channel, data) for kind, data in marks)) == names

    def test_a_piece_loses_no_more_than_the_order_within_a_tick(self) -> None:
        data = mozart_files()["piano_sonata_281.mid"]
        [piece] = read_midi_bytes(data, "").pieces
        tokens, lab = PitchSetEncoding().encode(piece), pitch_set_tokens(data)
        assert sorted(tokens) == sorted(lab)
        assert sum(ours != theirs for ours, theirs in zip(tokens, lab, strict=True)) == 2


@st.composite
def small_files(draw: st.DrawFn) -> bytes:
    """Files with every case of the rules, dense enough to need voices and ties."""
    division = draw(st.sampled_from([12, 24, 96, 100, 480]))
    lengths = st.sampled_from(
        [0, 1, division // 4, division // 3, division // 2, division, 2 * division, 7 * division]
    )

    def conductor() -> list[Timed]:
        metres_ = st.tuples(
            st.integers(0, 12 * division), st.builds(metre, st.integers(1, 7), st.integers(1, 4))
        )
        tempos = st.tuples(st.integers(0, 14 * division), st.just(tempo(500_000)))
        return draw(st.lists(metres_, max_size=3)) + draw(st.lists(tempos, max_size=2))

    def part(channel: int) -> list[Timed]:
        events: list[Timed] = [(0, program(draw(st.sampled_from([0, 0, 40])), channel))]
        if draw(st.booleans()):
            events.append((0, named(draw(st.sampled_from(["Unnamed Track", "Violin", "xyz"])))))
        step = draw(st.sampled_from([1, division // 12, division // 4, division // 3]))
        for onset in draw(st.lists(st.integers(0, 10 * division), min_size=1, max_size=40)):
            start, pitch = onset // step * step, draw(st.integers(48, 71))
            end = start + draw(lengths)
            for each in {pitch, pitch + draw(st.sampled_from([0, 0, 4, 7]))}:
                events += [(start, on(each, 64, channel)), (end, off(each, channel))]
        return events

    if draw(st.booleans()):
        return midi(track(conductor() + part(0)), format_=0, division=division)
    parts = [track(part(channel)) for channel in range(draw(st.integers(1, 3)))]
    return midi(track(conductor()), *parts, division=division)


class TestTheRulesBesideMusic21:
    @settings(max_examples=40, deadline=None)
    @given(small_files())
    def test_small_files(self, data: bytes) -> None:
        try:
            tokens = midi_tokens(parse_midi(data))
        except NotCoveredError:
            return
        assert tokens == music21_tokens(data)

    @pytest.mark.parametrize(
        "tracks",
        [
            [track([(0, program(0)), *notes((0, 480, 60), (0, 1000, 64), (480, 2400, 62), (480, 2400, 65))])],
            [track([(0, metre(1, 2)), (960, metre(3, 3))]), track([(0, program(0)), *notes((0, 5000, 60))])],
            [track([(0, program(0)), *notes((0, 480, 60))]), track([(0, program(40)), *notes((0, 480, 72))])],
            [track([(0, program(0)), *notes((0, 480, 60))]), track(notes((0, 480, 72)))],
            [track(notes((0, 480, 60), (480, 960, 61))), track(notes((0, 480, 72)))],
            [track([(0, program(0)), *notes((0, 480, 60), (480, 480, 61), (480, 960, 62), (960, 1440, 63))])],
            [
                track(
                    [
                        (0, program(0)),
                        (0, on(60)),
                        (240, on(60)),
                        (480, off(60)),
                        (960, off(60)),
                        (990, on(61)),
                    ]
                )
            ],
        ],
        ids=["voices", "metres", "instruments", "one_without", "none_at_all", "grace", "overlap_and_hanging"],
    )
    def test_cases(self, tracks: list[bytes]) -> None:
        data = midi(*tracks)
        assert midi_tokens(parse_midi(data)) == music21_tokens(data)

    @pytest.mark.parametrize(
        ("conductor", "played", "later"),
        [
            pytest.param(
                [],
                [
                    (41, 44, (54, 58)),
                    (36, 42, (69,)),
                    (45, 57, (52, 56)),
                    (3, 63, (69, 73)),
                    (0, 3, (50,)),
                    (39, 99, (50,)),
                ],
                102,
                id="the_first_voice_is_asked_when_the_second_comes",
            ),
            pytest.param(
                [(0, metre(1, 2)), (22, metre(1, 3))],
                [(12, 18, (56,)), (18, 30, (61, 65)), (13, 37, (69, 73)), (84, 124, (52,))],
                102,
                id="but_not_if_a_metre_stands_within_the_bar",
            ),
            pytest.param(
                [(5, metre(1, 2))],
                [(20, 26, (51, 55)), (21, 81, (61, 65)), (0, 60, (66, 70))],
                78,
                id="a_voice_is_asked_when_it_is_found_busy",
            ),
            pytest.param(
                [(0, metre(2, 2))],
                [(48, 54, (52, 56)), (24, 64, (57, 61)), (36, 36, (63, 67)), (48, 88, (60, 64))],
                102,
                id="all_voices_are_asked_when_a_rest_is_laid_beside_them",
            ),
            pytest.param(
                [(0, metre(2, 2))],
                [(4, 16, (68, 72)), (16, 40, (63, 67)), (15, 21, (61,)), (72, 75, (66, 70)), (1, 5, (67,))],
                84,
                id="a_voice_in_thirds_is_sorted_and_forgets",
            ),
            pytest.param(
                [(0, metre(1, 2)), (119, tempo(1))],
                [(12, 52, (55, 59))],
                72,
                id="all_bars_are_asked_when_a_mark_is_on_the_last_bar_line",
            ),
            pytest.param(
                [(0, metre(1, 2)), (143, tempo(1))],
                [(21, 81, (67, 71))],
                102,
                id="a_bar_that_takes_the_rest_of_a_chord_forgets",
            ),
            pytest.param(
                [(0, metre(2, 2)), (119, tempo(1))],
                [(0, 4, (69,)), (4, 64, (56, 60))],
                102,
                id="a_bar_in_thirds_is_sorted_and_forgets",
            ),
            pytest.param(
                [(0, metre(1, 2))], [(39, 63, (64,)), (36, 96, (64, 68))], 102, id="a_note_is_no_chord"
            ),
        ],
    )
    def test_what_a_chord_split_at_the_bar_line_delays(
        self, conductor: list[Timed], played: list[tuple[int, int, tuple[int, ...]]], later: int
    ) -> None:
        # The second part tells by its place among the tokens whether the first came too late.
        struck = notes(*((start, end, pitch) for start, end, chord in played for pitch in chord))
        parts = [[(0, program(0)), *struck], [(0, program(0)), *notes((later, later + 3, 36))]]
        data = midi(track(conductor), *map(track, parts), division=12)
        assert midi_tokens(parse_midi(data)) == music21_tokens(data)

    def test_a_chord_split_at_the_bar_line_may_delay_what_follows_in_its_track(self) -> None:
        # music21 keeps the old end of the chord's voice: bar 2 of the first part starts late.
        first = track([(0, program(0)), *notes((0, 3000, 60), (0, 3000, 64), (0, 400, 70), (3000, 3480, 72))])
        second = track([(0, program(0)), *notes((3360, 3840, 40), (4320, 4800, 41))])
        data = midi(track([(0, metre(3, 2)), (10_000, tempo(500_000))]), first, second)
        tokens = midi_tokens(parse_midi(data))
        assert tokens == music21_tokens(data)
        assert tokens.index("C5") > tokens.index("E2")  # though the file has it before


class TestGroups:
    def groups(self, *struck: tuple[int, int, int]) -> tuple[list[tuple[int, int, tuple[int, ...]]], bool]:
        elements, voices = grouped([MidiNote(*note) for note in struck], 480)
        return [(each.onset, each.duration, each.pitches) for each in elements], voices

    def test_notes_that_start_and_end_nearly_together_are_a_chord_as_long_as_its_last(self) -> None:
        assert self.groups((0, 400, 60), (119, 520, 64)) == ([(0, 401, (60, 64))], False)

    def test_a_quarter_of_a_beat_apart_is_too_far(self) -> None:
        assert self.groups((0, 400, 60), (120, 400, 64))[0] == [(0, 400, (60,)), (120, 280, (64,))]

    def test_another_end_is_another_voice(self) -> None:
        assert self.groups((0, 400, 60), (0, 521, 64)) == ([(0, 400, (60,)), (0, 521, (64,))], True)

    def test_a_note_may_join_two_groups(self) -> None:
        struck = ((0, 400, 60), (50, 600, 62), (100, 500, 64))
        assert [group[2] for group in self.groups(*struck)[0]] == [(60, 64), (62, 64)]

    def test_grace_notes_come_first(self) -> None:
        assert [group[2] for group in self.groups((0, 400, 60), (0, 0, 62))[0]] == [(62,), (60,)]


class TestQuantising:
    @given(st.integers(1, 1000), st.data())
    def test_an_onset_goes_to_the_nearest_fourth_or_third(self, division: int, data: st.DataObject) -> None:
        tick = data.draw(st.integers(0, 20 * division))
        place = Fraction(quantised_onset(tick, division), UNITS)
        exact = Fraction(tick, division)
        distances = {
            Fraction(round(exact * grid), grid): abs(Fraction(round(exact * grid), grid) - exact)
            for grid in (4, 3)
        }
        assert place.denominator in (1, 2, 3, 4)
        assert abs(place - exact) == min(distances.values())

    @pytest.mark.parametrize(
        ("ticks", "gap", "quarters"),
        [
            (185, 0, Fraction(1, 3)),  # the nearest, where nothing follows
            (185, Fraction(1, 2), Fraction(1, 2)),  # fills the gap, though a third is nearer
            (1, 0, Fraction(1, 4)),  # never nothing
            (0, 1, 0),  # but for grace notes
            (160, 1, Fraction(1, 4)),  # a whole gap is no multiple of 1/3 in floating point
        ],
    )
    def test_a_duration_leaves_the_least_gap(self, ticks: int, gap: Fraction, quarters: Fraction) -> None:
        assert quantised_duration(ticks, 480, int(gap * UNITS)) == quarters * UNITS

    def test_other_events_count_as_what_comes_next(self) -> None:
        element = [Element(0, 185, (60,))]
        assert quantised(element, [], 480)[0].duration == UNITS // 3
        assert quantised(element, [240], 480)[0].duration == UNITS // 2


DRUM = [(0, on(35, channel=9)), (10, off(35, channel=9))]
PIANO = [(0, program(0)), *notes((0, 480, 60))]


class TestWhereTheRulesEnd:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (midi(track(PIANO + DRUM)), "drums"),
            (midi(track([*PIANO, (480, program(40))])), "an instrument or track name after the start"),
            (midi(track(PIANO), format_=2), "format 2"),
            (midi(track(PIANO), division=b"\xe7\x28"), "SMPTE times"),
            (
                midi(track([(0, metre(4, 2))]), track([*PIANO, (9, metre(3, 2))])),
                "metres in more than one track",
            ),
            (midi(track([(0, metre(4, 2)), (0, metre(3, 2))]), track(PIANO)), "two metres at one time"),
            (midi(track([(0, metre(4, 9)), *PIANO])), "a metre that is none"),
            (midi(track([(0, meta(0x58, b"")), *PIANO])), "a metre that is none"),
        ],
    )
    def test_reasons(self, data: bytes, reason: str) -> None:
        with pytest.raises(NotCoveredError, match=f"^{reason}"):
            midi_tokens(parse_midi(data))

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (midi(track([(0, program(0)), *notes((0, 1920, 60), (1920, 1920, 62))])), "ends the piece"),
            (
                midi(track([(0, program(0)), (0, meta(4, b"xyz")), *notes((0, 0, 60), (0, 480, 62))])),
                "grace note",
            ),
        ],
    )
    def test_reasons_found_on_the_way(self, data: bytes, reason: str) -> None:
        with pytest.raises(NotCoveredError, match=reason):
            midi_tokens(parse_midi(data))

    def test_music21_decides_and_the_log_says_why(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(music21_midi, "call", lambda function, data: ["what music21 says"])
        with caplog.at_level(logging.INFO):
            assert pitch_set_tokens(midi(track(PIANO + DRUM)), "a.mid") == ["what music21 says"]
        assert "a.mid: drums" in caplog.text

    def test_another_version_of_music21_is_reported_once(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        music21_midi._warn_of_another_version.cache_clear()
        monkeypatch.setattr(music21_midi, "version", lambda package: "11.0")
        data = midi(track(PIANO))
        assert pitch_set_tokens(data) == pitch_set_tokens(data) == ["C4"]
        [warning] = caplog.messages
        assert "music21 11.0 is installed" in warning
        assert f"music21 {CHECKED_VERSION}" in warning
        assert "data.reader=music21" in warning
        music21_midi._warn_of_another_version.cache_clear()

    def test_the_installed_version_is_the_checked_one(self, caplog: pytest.LogCaptureFixture) -> None:
        music21_midi._warn_of_another_version.cache_clear()
        pitch_set_tokens(midi(track(PIANO)))
        assert caplog.messages == []

    def test_a_broken_file_is_named(self) -> None:
        with pytest.raises(ReadError, match=r"a\.mid, byte 0x0"):
            pitch_set_tokens(b"nonsense", "a.mid")


class TestTheEncoding:
    def test_names_are_those_of_music21(self) -> None:
        from music21 import pitch

        assert [str(pitch.Pitch(midi=number)) for number in range(128)] == list(PITCH_NAMES)

    def test_a_chord_keeps_its_octaves_and_is_spelt_in_the_order_of_strings(self) -> None:
        piece = Piece.from_notes([Note(Fraction(0), Fraction(1), pitch) for pitch in (50, 54, 82)])
        assert PitchSetEncoding().encode(piece) == ["B-5.D3.F#3"]

    @given(st.lists(tokens_of_ours, min_size=1, max_size=40), st.sampled_from(["1/8", "1/16"]))
    def test_tokens_come_back(self, tokens: list[str], step: str) -> None:
        encoding = PitchSetEncoding(step)
        decoded = encoding.decode(tokens)
        assert not decoded.repairs
        assert encoding.encode(decoded.piece) == tokens

    @given(st.lists(tokens_of_ours, min_size=1, max_size=20))
    def test_chords_are_one_step_apart_and_one_step_long(self, tokens: list[str]) -> None:
        piece = PitchSetEncoding("1/8").decode(tokens).piece
        assert {note.duration for note in piece.notes} == {Fraction(1, 2)}
        assert sorted({note.onset for note in piece.notes}) == [
            Fraction(index, 2) for index in range(len(tokens))
        ]
        assert piece.quarters == Fraction(len(tokens), 2)

    def test_an_empty_list_is_an_empty_piece(self) -> None:
        assert len(PitchSetEncoding().decode([]).piece) == 0

    @pytest.mark.parametrize("token", ["", "H4", "C", "C4.", "C4 E4", "D#4", "C10", "r", "60"])
    def test_other_tokens_are_errors(self, token: str) -> None:
        with pytest.raises(ValueError, match="is not a pitch-set token"):
            PitchSetEncoding().decode([token])

    def test_what_it_does_not_accept(self) -> None:
        note = Note(Fraction(0), Fraction(1), 60)
        with pytest.raises(EncodeError, match="no notes"):
            PitchSetEncoding().encode(Piece.from_notes([]))
        with pytest.raises(EncodeError, match="a metre"):
            PitchSetEncoding().encode(Piece.from_notes([note], metres=[(0, Metre(1, 128))]))

    def test_metres_split_and_parts_merge(self) -> None:
        rows = [Note(Fraction(0), Fraction(6), 60), Note(Fraction(3), Fraction(1), 72, part=1)]
        encoding = PitchSetEncoding()
        assert encoding.encode(Piece.from_notes(rows)) == ["C4", "C5", "C4"]
        assert encoding.encode(Piece.from_notes(rows, metres=[(0, Metre(3, 4))])) == ["C4", "C4", "C5"]

    def test_config_fixes_the_tokens(self) -> None:
        assert (PitchSetEncoding().name, PitchSetEncoding("1/16").config()) == ("pitch_set", {"step": "1/16"})
