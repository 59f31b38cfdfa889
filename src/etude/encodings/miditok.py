"""MidiTok's tokenizers as encodings (Fradet et al. 2021); the extra ``miditok`` installs them."""

from __future__ import annotations

import hashlib
import inspect
import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from etude.config.problems import did_you_mean
from etude.encodings.base import Decoded, WordEncoding
from etude.encodings.settings import MIDITOK
from etude.errors import EncodeError, EtudeError, ReadError
from etude.formats.midi.reader import read_midi_bytes
from etude.formats.midi.writer import midi_score
from etude.music import Piece

if TYPE_CHECKING:
    import symusic

JOINT = "&"  # between the tokens of MidiTok that are one token of ours
PADDING = ("PAD_", "BOS_", "EOS_", "MASK_")  # tokens that no piece has
ONSETS = ("Pitch_", "PitchDrum_", "PitchInterval", "NoteOn_", "DrumOn_")


@dataclass(frozen=True)
class MidiTokEncoding(WordEncoding):
    """Tokens of a tokenizer of MidiTok, under its names: ``Bar_None``, ``Position_4``, ``Pitch_60``.

    ``options`` are arguments of its TokenizerConfig. What MidiTok keeps in one place is one token, its parts
    joined by ``&``: the compound tokens of CPWord, Octuple and MuMIDI, and merged byte pairs. So decoding
    needs no file. ``trained`` is a file of ``tokenizer.save``, trained with the same options. Without
    ``use_programs`` all parts are one. Times and velocities are rounded as MidiTok does; encoding and
    decoding once makes any piece one that comes back.
    """

    tokenizer: str = "REMI"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    trained: str | None = None

    name: ClassVar[str] = "miditok"
    version: ClassVar[int] = 1

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values, the trained vocabulary by its checksum."""
        _tokenizer(self.tokenizer, self._options, self.trained)  # an error names what to type
        found: dict[str, str | int | bool] = {"tokenizer": self.tokenizer, "options": self._options}
        found["miditok"] = package_version("miditok")
        if self.trained is not None:
            found["trained_sha256"] = hashlib.sha256(Path(self.trained).read_bytes()).hexdigest()
        return found

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """All tokens; None for compound tokens, whose combinations are counted in the corpus."""
        made = _tokenizer(self.tokenizer, self._options, self.trained)
        if made.is_multi_voc:
            return None
        base = [token for token in made.vocab if not token.startswith(PADDING)]
        return tuple(dict.fromkeys([*base, *_learned(made).values()]))

    def is_onset(self, token: str) -> bool:
        """Return whether a note starts at this token."""
        return any(part.startswith(ONSETS) for part in token.split(JOINT))

    def encode(self, piece: Piece) -> list[str]:
        """Return the tokens; EncodeError for a piece without notes, or without tokens in MidiTok."""
        if not len(piece):
            raise EncodeError("no notes")
        made = _tokenizer(self.tokenizer, self._options, self.trained)
        try:
            found = made(_score(piece, apart=made.config.use_programs))
        except Exception as error:  # whatever MidiTok raises for a piece beyond its vocabulary
            raise EncodeError(
                f"MidiTok's {self.tokenizer} refuses it ({type(error).__name__}: {error})"
            ) from error
        sequences = found if isinstance(found, list) else [found]
        if len(sequences) != 1:
            raise EncodeError(f"{self.tokenizer} makes {len(sequences)} sequences of it")
        [sequence] = sequences
        if made.is_trained:
            learned = _learned(made)
            return [learned[number] for number in sequence.ids]
        return [each if isinstance(each, str) else JOINT.join(each) for each in sequence.tokens]

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the piece as MidiTok decodes it; ValueError for tokens that are not its own.

        Repairs: a piece that MidiTok's decoder gives up is empty.
        """
        if not tokens:
            return Decoded(_EMPTY, Counter())
        from miditok import TokSequence

        made = _tokenizer(self.tokenizer, self._options, None)
        parts: list[Any] = [token.split(JOINT) for token in tokens]
        known = set().union(*made.vocab) if made.is_multi_voc else made.vocab
        for part in (part for group in parts for part in group):
            if part not in known:
                raise ValueError(f"{part!r} is no token of MidiTok's {self.tokenizer}")
        if not made.is_multi_voc:
            parts = [part for group in parts for part in group]
        sequence = TokSequence(tokens=parts)
        try:
            made.complete_sequence(sequence)
            score = made.decode(sequence if made.one_token_stream else [sequence])
            return Decoded(_piece(score), Counter())
        except (ReadError, ArithmeticError, LookupError, ValueError, TypeError, AttributeError, RuntimeError):
            return Decoded(_EMPTY, Counter({"sequence that MidiTok does not decode": 1}))

    @property
    def _options(self) -> str:
        return json.dumps(dict(self.options), sort_keys=True)


_EMPTY = Piece.from_notes([])


@cache
def _tokenizer(name: str, options: str, trained: str | None) -> Any:
    """Return a tokenizer; EtudeError if MidiTok is not installed, or has none for these settings."""
    try:
        import miditok
    except ModuleNotFoundError as error:
        raise EtudeError("data/encoding=miditok needs MidiTok: type pip install miditok") from error
    if name not in MIDITOK:  # a stored name is a stranger's
        raise EtudeError(f"data.encoding.tokenizer={name}: one of {', '.join(MIDITOK)} is wanted")
    known = list(inspect.signature(miditok.TokenizerConfig.__init__).parameters)[1:-1]
    given = json.loads(options)
    for key in given:
        if key not in known and key != "additional_params":
            raise EtudeError(
                f"data.encoding.options.{key}: MidiTok has no such option{did_you_mean(key, known)}"
            )
    extra = given.pop("additional_params", {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on settings that the user typed
            made = getattr(miditok, name)(miditok.TokenizerConfig(**_tupled(given), **extra))
            return made if trained is None else _trained(made, name, Path(trained))
    except EtudeError:
        raise
    except Exception as error:  # whatever its classes raise for options that do not go together
        raise EtudeError(
            f"data.encoding: MidiTok makes no {name} of these options ({type(error).__name__}: {error})"
        ) from error


def _trained(made: Any, name: str, path: Path) -> Any:
    """Return the tokenizer with the vocabulary of a file; EtudeError if that is of other options."""
    if not path.is_file():
        raise EtudeError(f"data.encoding.trained={path}: there is no such file; tokenizer.save(…) writes it")
    found = type(made)(params=path)
    if not found.is_trained or list(found.vocab) != list(made.vocab):
        ours, theirs = _texts(made.config), _texts(found.config)
        unlike = [key for key in theirs if theirs[key] != ours.get(key)]
        raise EtudeError(
            f"data.encoding.trained={path} is no trained {name} with these data.encoding.options"
            + (f"; its {', '.join(unlike)} differ{'s' * (len(unlike) == 1)}" if unlike else "")
        )
    return found


def _texts(config: Any) -> dict[str, str]:
    """Return the options of a tokenizer as text, in which a list and a tuple are the same."""
    return {key: json.dumps(value, default=str) for key, value in config.to_dict(serialize=True).items()}


def _learned(made: Any) -> dict[int, str]:
    """Return our token for each id of a trained tokenizer; {} if it is not trained."""
    if not made.is_trained:
        return {}
    parts = made._vocab_learned_bytes_to_tokens
    return {number: JOINT.join(parts[text]) for text, number in made.vocab_model.items() if text in parts}


def _tupled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with MidiTok's types: tuples in place of lists, beats "0_4" as a pair."""
    found: dict[str, Any] = {}
    for key, value in options.items():
        if key.startswith("beat_res"):
            found[key] = {tuple(map(int, beats.split("_"))): steps for beats, steps in value.items()}
        else:
            found[key] = tuple(value) if isinstance(value, list) and key != "special_tokens" else value
    return found


def _score(piece: Piece, *, apart: bool) -> symusic.Score:
    """Return the piece as MidiTok takes it, the parts as one track unless they are to stay ``apart``."""
    return midi_score(piece if apart else replace(piece, part=np.zeros_like(piece.part), programs=()))


def _piece(score: symusic.Score) -> Piece:
    if not score.note_num():
        return _EMPTY
    result = read_midi_bytes(score.dumps_midi(), "decoded")
    if result.rejected:
        raise result.rejected[0]
    [piece] = result.pieces
    return replace(piece, name="", title="", part_names=())
