"""Primers: a piece begins with the user's notes, in the user's key, wherever they come from."""

import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etude.config.compose import compose, plain
from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PitchSetEncoding,
)
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.formats.abc.writer import abc_text
from etude.formats.midi.writer import midi_bytes
from etude.formats.musicxml.writer import musicxml_bytes
from etude.models.checkpoint import TrainedModel
from etude.music import Key, Metre, Piece
from etude.music.transposition import to_c_major_or_a_minor
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate
from etude.sampling.grammars.by_encoding import make_grammar
from etude.sampling.primers import beginning, find_primer
from networks import module_from
from sampling_settings import sampling
from strategies import keys

KERN_LENGTHS = {1: "16", 2: "8", 3: "8.", 4: "4", 6: "4.", 8: "2", 12: "2.", 16: "1"}  # of sixteenths
KERN_NAMES = ("c", "c#", "d", "e-", "e", "f", "f#", "g", "a-", "a", "b-", "b")
GRID = Vocabulary.of(["_", "r", *map(str, range(30, 100))])


@cache
def _config(*overrides: str) -> dict[str, Any]:
    return plain(compose("train", ["model.hidden_dim=4", *overrides]))


@cache
def untrained(objective: str = "every") -> TrainedModel:
    config = _config(f"data.objective={objective}")
    return TrainedModel(module_from(config, GRID).eval().network, GridEncoding(), GRID, config)


def context_of(
    config: dict[str, Any], vocabulary: Vocabulary = GRID, encoding: Encoding = GridEncoding()
) -> TrainingContext:
    return TrainingContext.of(encoding, vocabulary, config["data"])


def kern(piece: Piece) -> str:
    signature = piece.key or Key("C")
    tonic = signature.tonic.replace("b", "-")
    tonic = tonic.lower() if signature.mode == "minor" else tonic
    notes = []
    for note in piece.notes:
        name, octave = KERN_NAMES[note.pitch % 12], note.pitch // 12 - 1
        letters = name[0] * (octave - 3) if octave >= 4 else name[0].upper() * (4 - octave)
        notes.append(f"{KERN_LENGTHS[int(note.duration * 4)]}{letters}{name[1:]}")
    return "\n".join(["**kern", f"*{tonic}:", "*M4/4", *notes, "*-", ""])


WRITERS = {
    "song.mid": midi_bytes,
    "song.krn": lambda piece: kern(piece).encode(),
    "song.abc": lambda piece: abc_text(piece).encode(),
    "song.musicxml": musicxml_bytes,
}


@st.composite
def songs(generate: st.DrawFn) -> Piece:
    """A melody without rests, in a major or minor key, of lengths that all the formats write plainly."""
    rows = generate(
        st.lists(st.tuples(st.sampled_from(list(KERN_LENGTHS)), st.integers(48, 80)), min_size=2, max_size=8)
    )
    key = generate(keys.filter(lambda key: key.mode in ("major", "minor")))
    notes, onset = [], Fraction(0)
    for sixteenths, pitch in rows:
        notes.append((onset, Fraction(sixteenths, 4), pitch))
        onset += notes[-1][1]
    return Piece.from_notes(notes, key=key, metres=[(0, Metre(4, 4))])


def heard(piece: Piece, count: int) -> list[tuple[Fraction, int]]:
    return [(note.onset, note.pitch) for note in piece.notes[:count]]


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(song=songs(), count=st.integers(1, 8), objective=st.sampled_from(["every", "last"]))
def test_samples_continue_the_users_notes_in_the_users_key(
    tmp_path: Path, name: str, song: Piece, count: int, objective: str
) -> None:
    (tmp_path / name).write_bytes(WRITERS[name](song))
    given_settings = sampling(
        num_samples=2, max_tokens=200, primer_file=str(tmp_path / name), primer_notes=count
    )
    count = min(count, len(song))
    for one in generate(untrained(objective), given_settings).samples:
        assert heard(one.piece, count) == heard(song, count)
        whole = count - 1  # the last one may be held on
        assert [note.duration for note in one.piece.notes[:whole]] == [n.duration for n in song.notes[:whole]]
        assert one.piece.key == song.key


def test_music_without_a_key_is_taken_as_it_stands(tmp_path: Path) -> None:
    song = Piece.from_notes([(0, 1, 61), (1, 1, 66), (2, 1, 68)])
    (tmp_path / "song.mid").write_bytes(midi_bytes(song))
    path = str(tmp_path / "song.mid")
    [one] = generate(untrained(), sampling(num_samples=1, primer_file=path, primer_notes=3)).samples
    assert heard(one.piece, 3) == heard(song, 3)


def test_its_key_is_inferred_if_those_of_the_corpus_were(tmp_path: Path) -> None:
    scale = [(time, 1, 62 + step) for time, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 7, 0))]
    (tmp_path / "scale.mid").write_bytes(midi_bytes(Piece.from_notes(scale)))
    config = _config("data=midi_folder", "data.path=x", "data/encoding=grid", "data.transpose=true")
    settings = sampling(primer_file=str(tmp_path / "scale.mid"), primer_notes=10)
    config["data"]["infer_key"] = True
    inferred = find_primer(settings, context_of(config))
    assert (inferred.moved, inferred.music.key if inferred.music else None) == (-2, Key("D"))
    config["data"]["infer_key"] = False
    assert find_primer(settings, context_of(config)).moved == 0


def test_notes_that_the_tokens_cannot_say_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "chord.mid").write_bytes(midi_bytes(Piece.from_notes([(0, 1, 60), (0, 1, 64)], key=Key("C"))))
    (tmp_path / "fine.mid").write_bytes(midi_bytes(Piece.from_notes([(0, Fraction(1, 7), 60)], key=Key("C"))))
    for name, reason in {
        "chord.mid": "several notes at the same time",
        "fine.mid": r"fit the grid of 1/16.*sampling\.primer_quantise=nearest moves it",
    }.items():
        with pytest.raises(EtudeError, match=rf"{name} .*{reason}"):
            generate(untrained(), sampling(primer_file=str(tmp_path / name)))


TUNES = [
    Piece.from_notes(
        [(n, 1, 62 + step * number % 11) for n, step in enumerate((0, 4, 7, 3))],
        key=Key("D"),
        title=f"Tune {number}",
        metres=[(0, Metre(4, 4))],
    )
    for number in range(1, 11)
]


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The training config of a book of ten tunes."""
    monkeypatch.setenv("ETUDE_DATA_DIR", str(tmp_path / "data"))
    text = "\n".join(abc_text(tune).replace("X:1\n", f"X:{n}\n") for n, tune in enumerate(TUNES, start=1))
    (tmp_path / "book.abc").write_text(text)
    overrides = ["data=abc_file", f"data.path={tmp_path / 'book.abc'}", "data.name=book"]
    small = ["data.sequence_len=5", "data.split_fractions=[0.4,0.3,0.3]", "model.hidden_dim=4"]
    return plain(compose("train", [*overrides, *small]))


def test_the_first_notes_of_a_piece_of_the_corpus(corpus: dict[str, Any]) -> None:
    store = context_of(corpus).corpus.store
    for index, tune in enumerate(TUNES):
        tokens = GridEncoding().encode(to_c_major_or_a_minor(tune))
        for notes in (1, 3, 9):
            wanted = store.names[index] if index % 2 else f"X:{index + 1}"  # X:1 is part of X:10's too
            wanted = store.names[index] if wanted == "X:1" else wanted
            given_settings = sampling(primer_piece=wanted, primer_notes=notes)
            primer = find_primer(given_settings, context_of(corpus, store.vocabulary))
            assert store.vocabulary.look_up(primer.row(0)) == tokens[: 4 * notes]
            assert not primer.moved  # it is in the corpus' key, and stays there


def test_a_name_of_several_pieces_or_of_none_is_reported(corpus: dict[str, Any]) -> None:
    vocabulary = context_of(corpus).corpus.store.vocabulary
    for wanted, said in {
        "book": "part of 10 names",
        "X:2": "",
        "Forth": "no such piece; the nearest",
    }.items():
        given_settings = sampling(primer_piece=wanted)
        if not said:
            find_primer(given_settings, context_of(corpus, vocabulary))
            continue
        with pytest.raises(EtudeError, match=said):
            find_primer(given_settings, context_of(corpus, vocabulary))


@pytest.mark.parametrize("wanted", ["Tune 7", "tune 7", "TÚNE 7", "une 7"])
def test_a_piece_is_found_by_its_title(corpus: dict[str, Any], wanted: str) -> None:
    context = context_of(corpus, context_of(corpus).corpus.store.vocabulary)
    tokens = GridEncoding().encode(to_c_major_or_a_minor(TUNES[6]))
    primer = find_primer(sampling(primer_piece=wanted, primer_notes=3), context)
    assert context.vocabulary.look_up(primer.row(0)) == tokens[:12]


def test_pieces_whose_titles_are_alike_are_listed(corpus: dict[str, Any]) -> None:
    context = context_of(corpus, context_of(corpus).corpus.store.vocabulary)
    with pytest.raises(EtudeError, match=r"part of 10 titles: .*X:1 \(Tune 1\)"):
        find_primer(sampling(primer_piece="tune"), context)
    whole = find_primer(sampling(primer_piece="Tune 1", primer_notes=3), context)  # not Tune 10
    assert (
        context.vocabulary.look_up(whole.row(0))
        == GridEncoding().encode(to_c_major_or_a_minor(TUNES[0]))[:12]
    )


def test_a_window_comes_from_its_set_whatever_else_is_sampled(corpus: dict[str, Any]) -> None:
    data = context_of(corpus).corpus
    for which in ("train", "val", "test"):
        given_settings = sampling(primer_window=which, seed=3)
        together = find_primer(given_settings, context_of(corpus, data.store.vocabulary), range(20))
        alone = find_primer(given_settings, context_of(corpus, data.store.vocabulary), range(7, 8))
        assert together.row(7) == alone.row(7)
        pieces = [data.store.piece(int(piece)).tolist() for piece in getattr(data.split, which).pieces]
        windows = [piece[at : at + 5] for piece in pieces for at in range(len(piece) - 4)]
        assert all(row in windows for row in together.rows)
        assert len({tuple(row) for row in together.rows}) > 1
        assert together.within


def test_a_window_has_the_tokens_of_the_corpus_in_the_networks_numbers(corpus: dict[str, Any]) -> None:
    known = context_of(corpus).corpus.store.vocabulary
    shifted = Vocabulary.of(["0", "1", *known.tokens[1:]])
    given_settings = sampling(primer_window="test", seed=3)
    expected = find_primer(given_settings, context_of(corpus, known), range(4))
    found = find_primer(given_settings, context_of(corpus, shifted), range(4))
    assert found.rows != expected.rows
    assert list(map(shifted.look_up, found.rows)) == list(map(known.look_up, expected.rows))
    lacking = Vocabulary.of(known.tokens[1:4])
    with pytest.raises(EtudeError, match="unknown token"):
        find_primer(given_settings, context_of(corpus, lacking), range(4))


@pytest.mark.parametrize("name", [*WRITERS, "book.abc"])
def test_a_network_of_characters_goes_on_from_any_file(tmp_path: Path, name: str) -> None:
    song = Piece.from_notes(
        [(0, 1, 60), (1, 1, 64), (2, 2, 67)], key=Key("C"), metres=[(0, Metre(4, 4))], tempos=[(0, 90.0)]
    )
    written = WRITERS.get(name, lambda piece: b"% a book\n\n" + abc_text(piece).encode())(song)
    (tmp_path / name).write_bytes(written)
    letters = Vocabulary.of(set(map(chr, range(32, 127))) - set("%Q"), terminator="\n")
    chosen = sampling(primer_file=str(tmp_path / name), primer_notes=2)
    primer = find_primer(chosen, context_of(_config(), letters, CharactersEncoding()))
    text = "".join(letters.look_up(primer.row(0)))
    assert text.startswith("X:1\nT:")
    assert re.search(r"^K:C.*\nC2? ?E2?$", text, re.MULTILINE)
    make_grammar(CharactersEncoding(), letters).begin(torch.tensor(primer.rows))  # it breaks no rule


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("empty.mid", midi_bytes(Piece.from_notes([])), PitchSetEncoding()),
        ("empty.abc", b"no tune\n", CharactersEncoding()),
    ],
)
def test_a_file_without_music_is_named(tmp_path: Path, name: str, content: bytes, encoding: Encoding) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EtudeError, match=rf"{name}: (there are )?no (notes|tune)[^,]*$"):
        find_primer(sampling(primer_file=str(tmp_path / name)), context_of(_config(), GRID, encoding))


def token_lists() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(["60", "62", "_", "r"]), max_size=20)


@given(token_lists(), st.integers(1, 6))
def test_a_beginning_has_so_many_notes_and_stops_before_the_next(tokens: list[str], notes: int) -> None:
    begun = beginning(GridEncoding(), tokens, notes)
    assert begun == tokens[: len(begun)]
    count = sum(token.isdigit() for token in begun)
    assert count == min(notes, sum(token.isdigit() for token in tokens))
    if len(begun) < len(tokens):
        assert count == notes
        assert tokens[len(begun)] != "_"


@pytest.mark.parametrize(
    ("notes", "left"),
    [
        (1, "A2"),
        (2, "A2 ^c"),
        (3, 'A2 ^c|"Am"d'),
        (4, 'A2 ^c|"Am"d!trill!{ga}e,'),
        (5, 'A2 ^c|"Am"d!trill!{ga}e,f/'),
        (6, 'A2 ^c|"Am"d!trill!{ga}e,f/|!\n[K:D]g'),
    ],
)
def test_a_beginning_of_abc_counts_notes_alone(notes: int, left: str) -> None:
    head = "X:1\nT:A Bad Cage\nK:D\n"
    text = head + 'A2 ^c|"Am"d!trill!{ga}e,f/|!\n[K:D]g a|!\n'
    assert "".join(beginning(CharactersEncoding(), list(text), notes)) == head + left
    assert "".join(beginning(CharactersEncoding(), list(text), 8)) == text


VOCABULARIES: list[tuple[Encoding, Vocabulary, str, str]] = [
    (GridEncoding(), Vocabulary.of(["_", "r", "60", "62", "64"]), "60 _ 63 90", "unknown token '63'.* 62 64"),
    (
        GridEncoding(),
        Vocabulary.of(["_", "r", "60"]),
        "60 -",
        "unknown token '-'; the nearest known ones are",
    ),
    (NoteDurationEncoding(), Vocabulary.of(["60/4", "62/4", "r/2"]), "60/3", "nearest known ones are 60/4"),
    (CharactersEncoding(), Vocabulary.of("X:1\nK", terminator="\n"), "X:2", "unknown token '2'"),
]


@pytest.mark.parametrize(("encoding", "vocabulary", "primer", "said"), VOCABULARIES)
def test_unknown_tokens_are_listed_with_the_nearest_known(
    encoding: Encoding, vocabulary: Vocabulary, primer: str, said: str
) -> None:
    with pytest.raises(EtudeError, match=said) as error:
        find_primer(sampling(primer=primer), context_of(_config(), vocabulary, encoding))
    unknown = {token for token in encoding.split(primer) if token not in vocabulary.id_of}
    assert len(str(error.value).splitlines()) == len(unknown)  # all of them at once


@pytest.mark.parametrize(
    ("encoding", "quarter"), [(GridEncoding(), "{} _ _ _"), (NoteDurationEncoding(), "{}/4")]
)
@pytest.mark.parametrize(
    ("name", "pitch"), [("C4", 60), ("A4", 69), ("F#3", 54), ("Bb5", 82), ("Cb4", 59), ("E0", 16)]
)
def test_the_name_of_a_note_is_answered_with_its_tokens(
    encoding: Encoding, quarter: str, name: str, pitch: int
) -> None:
    with pytest.raises(
        EtudeError, match=re.escape(f"{name} is {pitch}. Type {quarter.format(pitch)} for a quarter")
    ):
        find_primer(sampling(primer=f"{name} 60"), context_of(_config(), GRID, encoding))


def test_a_word_among_note_names_that_is_none_is_named() -> None:
    with pytest.raises(EtudeError, match="H4 is no note name; those are C4"):
        find_primer(sampling(primer="C4 D4 H4"), context_of(_config()))
