"""Pieces by the grammar need no repair, whatever the network: the decoders are the judges."""

import random
from collections.abc import Hashable, Sequence
from fractions import Fraction

import pytest
import torch

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.formats.abc.information_fields import TuneSettings, read_key
from etude.formats.abc.reader import parse_abc
from etude.formats.abc.tune_body import TuneBody
from etude.formats.abc.voice import BarLine, Ending, Sound
from etude.models.network import Network
from etude.music import Metre
from etude.sampling.clock import make_clock
from etude.sampling.frame import frame_of
from etude.sampling.grammars.abc import AbcAutomaton
from etude.sampling.grammars.abc_body_state import BodyState
from etude.sampling.grammars.base import IMPOSSIBLE
from etude.sampling.grammars.by_encoding import make_grammar
from etude.sampling.sampler import sample
from networks import network_of
from sampling_settings import sampling

LETTERS = " !\"#'(),-./0123456789:<=>ABCDEFGHIJKLMNOPRSTVWXYZ[]^_abcdefghijklmnopqrstuvwxyz|"
PERFORMANCE = PerformanceEncoding(lowest=21, highest=108)
VOICES = [f"{voice}:{60 - 7 * voice + up}/{n}" for voice in (1, 2, 3, 4) for up in (0, 2) for n in (1, 2, 4)]
ENCODINGS: list[tuple[Encoding, Vocabulary]] = [
    (GridEncoding(), Vocabulary.of(["_", "r", *map(str, range(55, 80))])),
    (NoteDurationEncoding(), Vocabulary.of(f"{what}/{n}" for what in ("r", 60, 62) for n in (1, 2, 4))),
    (PitchSetEncoding(), Vocabulary.of(["C4", "D4", "C4.E4"])),
    (PERFORMANCE, Vocabulary.of(PERFORMANCE.symbols)),
    (CharactersEncoding(), Vocabulary.of(LETTERS, terminator="\n")),
    (VoicesEncoding(), Vocabulary.of([*VOICES, "+1", "+2", "+4"])),
]
BY_NAME = pytest.mark.parametrize(
    ("encoding", "vocabulary"), ENCODINGS, ids=[encoding.name for encoding, _ in ENCODINGS]
)


def untrained(vocabulary: Vocabulary) -> Network:
    return network_of("lstm", len(vocabulary), seed=1, embedding_dim=None, hidden_dim=16, num_layers=1)


def generated(
    encoding: Encoding, vocabulary: Vocabulary, count: int, primer: Sequence[str] = (), *,
    masked: bool = True, length: int = 90, bars: int | None = None, seconds: float | None = None,
) -> list[list[str]]:  # fmt: skip
    ids = vocabulary.ids(primer).tolist()
    limits = sampling(max_bars=bars, max_seconds=seconds, tempo=120.0)
    rows = sample(
        untrained(vocabulary),
        torch.tensor([[vocabulary.terminator, *ids]] * count),
        primer_len=len(ids),
        terminator=vocabulary.terminator,
        ends_after=encoding.ends_after,
        max_new=length,
        grammar=make_grammar(encoding, vocabulary) if masked else None,
        clock=make_clock(limits, encoding, vocabulary.tokens, frame_of(limits, encoding, None)),
    )
    return [[*primer, *vocabulary.look_up(row)] for row in rows]


def faults(encoding: Encoding, tokens: Sequence[str]) -> int:
    decoded = encoding.decode(tokens)
    faults = encoding.faults(tokens) if isinstance(encoding, CharactersEncoding) else decoded.repairs
    return faults.total() + (len(decoded.piece) == 0)


@BY_NAME
@pytest.mark.parametrize("length", [14, 90])
def test_all_pieces_of_an_untrained_network_are_well_formed(
    encoding: Encoding, vocabulary: Vocabulary, length: int
) -> None:
    length = max(length, 30) if encoding.name == "characters" else length
    for tokens in generated(encoding, vocabulary, 40, length=length):
        assert faults(encoding, tokens) == 0, encoding.join(tokens)


@BY_NAME
def test_without_the_mask_it_is_not(encoding: Encoding, vocabulary: Vocabulary) -> None:
    if encoding.name != "pitch_set":  # in which only nothing is illegal
        assert any(faults(encoding, tokens) for tokens in generated(encoding, vocabulary, 40, masked=False))


@pytest.mark.parametrize(("encoding", "vocabulary"), ENCODINGS[:2])
def test_a_piece_is_what_the_encoder_would_write(encoding: Encoding, vocabulary: Vocabulary) -> None:
    for tokens in generated(encoding, vocabulary, 20):
        assert encoding.encode(encoding.decode(tokens).piece) == tokens


def test_voices_are_what_the_encoder_would_write_but_for_the_last_shift() -> None:
    encoding, vocabulary = ENCODINGS[-1]
    for tokens in generated(encoding, vocabulary, 20):
        assert encoding.encode(encoding.decode(tokens).piece)[:-1] == tokens[:-1]
        assert tokens[-1].startswith("+")


@BY_NAME
def test_a_limit_in_bars_or_seconds_holds_and_leaves_nothing_open(
    encoding: Encoding, vocabulary: Vocabulary
) -> None:
    limits = {"bars": 1} if encoding.name == "characters" else {"seconds": 2.0}  # 4 quarters, 2 s: a bar
    for tokens in generated(encoding, vocabulary, 20, length=300, **limits):  # type: ignore[arg-type]
        assert faults(encoding, tokens) == 0, encoding.join(tokens)
        if encoding.name == "characters":
            music = "".join(tokens).partition("\nK:")[2]
            assert 1 <= music.count("|") <= 4  # the bar line, and what closes a repeat that is open
        else:
            assert encoding.decode(tokens).piece.quarters <= 4 + Fraction(1, 10)


def test_a_limit_holds_without_a_grammar_too() -> None:
    encoding, vocabulary = ENCODINGS[0]
    assert all(len(tokens) <= 16 for tokens in generated(encoding, vocabulary, 10, masked=False, bars=1))
    assert any(len(tokens) == 16 for tokens in generated(encoding, vocabulary, 10, masked=False, bars=1))


def test_bars_fill_the_metre_but_for_an_upbeat_and_its_complement() -> None:
    encoding, vocabulary = ENCODINGS[4]
    header = "X:1\nT:a\nM:2/4\nL:1/8\nK:G\n"
    checked = 0
    for tokens in generated(encoding, vocabulary, 30, list(header), length=150):
        text = "".join(tokens)
        for first, *others in sections(text.removeprefix(header)):
            assert all(bar == 2 for bar in others[:-1]), text
            assert (others or [first])[-1] == (2 - first if others and first < 2 else 2), text
            checked += 1
    assert checked > 40


def sections(music: str) -> list[list[Fraction]]:
    """Lengths of the bars of each section, as the reader counts them; a second ending follows the upbeat."""
    settings = TuneSettings(metre=Metre(2, 4), unit=Fraction(1, 2), signature=read_key("G"))
    read = TuneBody(settings)
    for number, line in enumerate(music.split("\n")):
        read.read_line(line, number)
    read.finish()
    [voice] = read.voices.values()
    found: list[list[Fraction]] = [[]]
    time = Fraction(0)
    for place, event in enumerate(voice.events):
        if isinstance(event, Sound):
            time += event.duration
        elif isinstance(event, BarLine):
            if time:
                found[-1].append(time)
            time = Fraction(0)
            if event.ends or event.begins or event.is_double:
                after = voice.events[place + 1 : place + 2]
                is_ending = bool(after) and isinstance(after[0], Ending)
                found.append(found[-1][:1] if is_ending and found[-1] else [])
    assert not time
    return [section for section in found if section]


HEAD = "X:1\nT:a\nM:2/4\nL:1/8\nK:G\n"


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        (HEAD + "A|BcdA|BcA|", True),
        (HEAD + "A|BcA|BcdA|", False),  # a short bar before the last
        (HEAD + "A|BcdA|BcA::A|BcA|BcdA:|", False),  # or before the sign of the repeat
        (HEAD + "A|BcdA|BcA::A|BcdA|BcA|", False),
        (HEAD + "A|BcdA|BcA::A|BcdA|BcA:|", True),
        (HEAD + "[ABcd]4|", True),
        (HEAD + "[ABcde]4|", False),  # no hand takes more, and a network may find no end
        (HEAD + "ABcd|[1 " + "ABcd|" * 3 + "ABcd:|2 ABcd|", True),
        (HEAD + "ABcd|[1 " + "ABcd|" * 4 + "ABcd:|2 ABcd|", False),  # a first ending that goes on
        (HEAD.replace("T:a", "T: a"), True),
        (HEAD.replace("T:a", "T: |a"), False),  # reads as music
        (HEAD.replace("T:a", "T:  "), False),
        (HEAD.replace("K:G", "K:Gbmaj"), True),
        (HEAD.replace("K:G", "K:Gbmin"), False),  # nine flats: no other program reads it
    ],
)
def test_abc_that_is_taken_and_abc_that_is_not(text: str, legal: bool) -> None:
    letters = ENCODINGS[4][1]
    automaton = AbcAutomaton(letters.tokens)
    state: object = automaton.start
    for token in letters.ids(list(text)).tolist():
        state = None if state is None else automaton.step(state, token)  # type: ignore[arg-type]
    assert (state is not None) == legal
    if legal and text.endswith("|"):
        assert not parse_abc(text, strict=True).rejected


SIGNS = " !'(),/12346:<=>[]^_z|"


def walk(automaton: AbcAutomaton, letters: str, begun: str, length: int, rng: random.Random) -> str:
    """Return music by the rules, in bars of 4 units: as it is begun where that is legal, else by chance."""
    state: Hashable | None = BodyState(full_bar=16)
    music = ""
    for left in range(length, 0, -1):
        after = {letter: automaton.step(state, token) for token, letter in enumerate(letters)}
        choices = [letter for letter, each in after.items() if each and automaton.cost(each) < left]
        assert choices, f"nothing can follow {music!r}"
        wanted = begun[len(music) :][:1]
        letter = wanted if wanted in choices else rng.choice(choices)
        music, state = music + letter, after[letter]
    return music


@pytest.mark.parametrize("lacking", [*SIGNS.replace("|", ""), "AB", "cdz", "[]", "()<>"])
def test_music_has_a_way_on_whatever_sign_the_vocabulary_lacks(lacking: str) -> None:
    letters = "".join(sorted({*"ABcd\n", *SIGNS} - set(lacking)))
    automaton = AbcAutomaton(letters)
    for begun in ("", "A|AAAA|1AAA:|", "c|cccc|[1ccc:|", "A|[AA", "c2c(3cc"):
        music = walk(automaton, letters, begun, 40, random.Random(begun))
        assert not parse_abc("X:1\nT:a\nM:C\nL:1/4\nK:G\n" + music, strict=True).rejected, music


@pytest.mark.parametrize("lacking", ["X", "T", "M", "L", "K", ":", "|", "0123456789", "ABCDEFGabcdefg"])
def test_abc_cannot_be_written_without_what_every_tune_has(lacking: str) -> None:
    automaton = AbcAutomaton(sorted({*LETTERS, "\n"} - set(lacking)))
    assert automaton.cost(automaton.start) >= IMPOSSIBLE


def test_a_primer_that_breaks_the_rules_of_abc_is_an_error() -> None:
    encoding, vocabulary = ENCODINGS[4]
    with pytest.raises(EtudeError, match=r"at token 1.*sampling.grammar=false"):
        generated(encoding, vocabulary, 1, list("AB|"))


def test_a_primer_from_the_middle_of_a_melody_is_gone_on_from() -> None:
    encoding, vocabulary = ENCODINGS[0]
    for tokens in generated(encoding, vocabulary, 20, ["_", "_", "r"]):
        assert encoding.decode(tokens).repairs <= encoding.decode(tokens[:3]).repairs
