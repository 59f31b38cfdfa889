"""MidiTok's tokenizers as encodings: decoded pieces come back, with options and trained byte pairs."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from etude.config.resolved import ResolvedConfig
from etude.encodings import miditok as ours
from etude.encodings.miditok import JOINT, MidiTokEncoding
from etude.errors import EncodeError, EtudeError
from etude.formats.midi.writer import midi_bytes
from etude.models import checkpoint
from etude.music import Piece

miditok = pytest.importorskip("miditok", reason="these tokenizers need MidiTok: pip install miditok")

PERTOK = {"ticks_per_quarter": 320, "use_microtiming": False, "max_microtiming_shift": 0.125}
TOKENIZERS = [
    ("REMI", {}),
    ("REMI", {"use_programs": True, "use_tempos": True, "num_velocities": 16}),
    ("TSD", {"use_rests": True}),
    ("MIDILike", {}),
    ("Structured", {}),
    ("CPWord", {}),
    ("Octuple", {}),
    ("MuMIDI", {}),
    ("PerTok", {"additional_params": PERTOK}),
    ("MMM", {"additional_params": {"base_tokenizer": "REMI"}}),
]
IDS = [f"{name}{' with options' * bool(options)}" for name, options in TOKENIZERS]


def music(seed: int = 0, parts: int = 1) -> Piece:
    """A piece of random notes, off any grid."""
    chance = np.random.default_rng(seed)
    count = 40
    return Piece(
        onset=np.sort(chance.integers(0, 9000, count)),
        duration=chance.integers(60, 900, count),
        pitch=chance.integers(40, 90, count),
        velocity=chance.integers(20, 120, count),
        part=chance.integers(0, parts, count),
        division=480,
        tempos=((0, 100.0),),
        programs=(1, 41)[:parts],
    )


@pytest.mark.parametrize(("name", "options"), TOKENIZERS, ids=IDS)
def test_what_a_tokenizer_has_rounded_once_comes_back(name, options):
    encoding = MidiTokEncoding(name, options)
    for seed in range(5):
        tokens = encoding.encode(music(seed))
        rounded, repairs = encoding.decode(tokens)
        assert (len(rounded), repairs.total()) == (40, 0)
        again = encoding.decode(encoding.encode(rounded)).piece
        assert again == encoding.decode(encoding.encode(again)).piece == rounded
        assert abs(rounded.quarters - music(seed).quarters) < 1
        assert encoding.symbols is None or set(tokens) <= set(encoding.symbols)
        assert sum(map(encoding.is_onset, tokens)) == 40


@pytest.mark.parametrize(("name", "options"), TOKENIZERS, ids=IDS)
def test_any_tokens_of_the_vocabulary_decode(name, options):
    encoding = MidiTokEncoding(name, options)
    known = list(encoding.symbols or {token for seed in range(3) for token in encoding.encode(music(seed))})
    for seed in range(40):
        chance = np.random.default_rng(seed)
        encoding.decode([known[at] for at in chance.integers(0, len(known), 60)])
    assert len(encoding.decode([]).piece) == 0
    with pytest.raises(ValueError, match="no token of MidiTok's"):
        encoding.decode(["Pitch_999"])


def test_programs_keep_the_parts():
    decoded = MidiTokEncoding("REMI", {"use_programs": True})
    rounded = decoded.decode(decoded.encode(music(parts=2))).piece
    assert sorted(rounded.programs) == [1, 41]
    together = MidiTokEncoding("REMI")
    assert set(together.decode(together.encode(music(parts=2))).piece.part.tolist()) == {0}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A file of MidiTok's with byte pairs trained on a few pieces."""
    for seed in range(8):
        (tmp_path / f"{seed}.mid").write_bytes(midi_bytes(music(seed)))
    tokenizer = miditok.REMI(miditok.TokenizerConfig(num_velocities=8))
    tokenizer.train(vocab_size=450, files_paths=sorted(tmp_path.glob("*.mid")))
    tokenizer.save(tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


def test_trained_byte_pairs_are_tokens_of_their_parts_and_decode_without_the_file(trained):
    plain = MidiTokEncoding("REMI", {"num_velocities": 8})
    merged = replace(plain, trained=str(trained))
    assert merged.config()["trained_sha256"] != plain.config().get("trained_sha256")
    few, many = merged.encode(music()), plain.encode(music())
    assert len(few) < len(many)
    assert [part for token in few for part in token.split(JOINT)] == many
    assert set(few) | set(many) <= set(merged.symbols or ())
    trained.unlink()
    assert merged.decode(few).piece == plain.decode(many).piece


def test_a_checkpoint_names_no_file_of_this_machine() -> None:
    node = {"_target_": "etude.encodings.miditok.MidiTokEncoding", "options": {}, "tokenizer": "REMI"}
    found = checkpoint._encoding(ResolvedConfig({"data": {"encoding": {**node, "trained": "/dev/zero"}}}))
    assert found == MidiTokEncoding("REMI")


def test_a_trained_file_of_other_options_is_refused_with_their_names(trained):
    with pytest.raises(EtudeError, match=r"no trained REMI with these .*its num_velocities differs"):
        MidiTokEncoding("REMI", trained=str(trained)).encode(music())
    with pytest.raises(EtudeError, match="there is no such file"):
        MidiTokEncoding("REMI", trained="elsewhere.json").encode(music())


def test_errors_say_what_to_type(monkeypatch):
    with pytest.raises(EtudeError, match=r"options\.num_velocity: .*did you mean num_velocities"):
        MidiTokEncoding("REMI", {"num_velocity": 8}).encode(music())
    with pytest.raises(EtudeError, match="MidiTok makes no PerTok of these options"):
        MidiTokEncoding("PerTok").encode(music())
    with pytest.raises(EtudeError, match="one of REMI, TSD"):
        MidiTokEncoding("TokenizerConfig").encode(music())
    with pytest.raises(EncodeError, match="no notes"):
        MidiTokEncoding().encode(Piece.from_notes([]))
    monkeypatch.setitem(sys.modules, "miditok", None)
    ours._tokenizer.cache_clear()
    with pytest.raises(EtudeError, match="type pip install miditok"):
        MidiTokEncoding().encode(music())
