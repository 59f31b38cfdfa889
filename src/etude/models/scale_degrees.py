"""Scale degrees in the text of tunes: a letter's vector also depends on its place above the tonic."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.encodings.vocabulary import Vocabulary

LETTERS = "CDEFGAB"
DEGREES = len(LETTERS)
# What a character may be, beside a letter of LETTERS (0 to 6), in either case:
OTHER, LINE_START, KEY, COLON, SPACE = range(DEGREES, DEGREES + 5)
_CODES = {"\n": LINE_START, "[": LINE_START, "K": KEY, ":": COLON, " ": SPACE}
UNKNOWN = 0  # the tonic before the first K: field; C is 1, B is 7


def character_codes(vocabulary: Vocabulary) -> Tensor:
    """Return what each character of ABC text may be, (V,): a letter's number, or one of the codes above."""
    codes = [
        LETTERS.index(token.upper())
        if len(token) == 1 and token.upper() in LETTERS
        else _CODES.get(token, OTHER)
        for token in vocabulary.tokens
    ]
    return torch.from_numpy(np.array(codes))


class ScaleDegrees(nn.Module):
    """Shared vectors and logits of the characters that are the same degree of the scale.

    Degree 1 is the letter of the tonic, which the last K: field named, in any octave and with any accidental;
    0 is any other character, and any character before the first K: field. So what is learnt in one key
    counts in all of them. Every character of a tune also gets a vector of its tonic.
    """

    codes: Tensor
    degrees: Tensor

    def __init__(self, codes: Tensor, embedding_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.register_buffer("codes", codes, persistent=False)
        self.register_buffer("degrees", _degrees(codes), persistent=False)
        self.of_degree = nn.Parameter(torch.empty(1 + DEGREES, embedding_dim))
        self.of_tonic = nn.Parameter(torch.zeros(1 + DEGREES, embedding_dim))
        nn.init.normal_(self.of_degree, std=0.5)  # half the size of a character's own vector
        self.scores = nn.Linear(hidden_dim, 1 + DEGREES)

    def tonics(self, piece: Tensor) -> Tensor:
        """Return the tonic at each character (B, S) of whole pieces so far; ``last_tonic`` in one pass."""
        codes = self.codes[piece]
        before = [F.pad(codes, (back, 0), value=LINE_START)[:, : piece.shape[1]] for back in range(1, 5)]
        named = torch.where(_names_tonic(codes, *before), codes + 1, UNKNOWN)
        place = torch.arange(piece.shape[1], device=piece.device)
        latest = torch.where(named > 0, place * (1 + DEGREES) + named, 0).cummax(dim=1).values
        return latest % (1 + DEGREES)

    def last_tonic(self, piece: Tensor, tonic: Tensor) -> Tensor:
        """Return the tonic (B,) at the last character of pieces (B, S), given the one before it (B,)."""
        latest = F.pad(self.codes[piece[:, -5:]], (4, 0), value=LINE_START)[:, -5:].flip(1).unbind(1)
        return torch.where(_names_tonic(*latest), latest[0] + 1, tonic)

    def forward(self, ids: Tensor, tonics: Tensor) -> Tensor:
        """Return what is added to the vectors (…, D) of ids (…) at tonics (…)."""
        added: Tensor = F.embedding(self.degrees[tonics, ids], self.of_degree) + F.embedding(
            tonics, self.of_tonic
        )
        return added

    def logits(self, hidden: Tensor, tonics: Tensor) -> Tensor:
        """Return what is added to the logits (B, T, V) after hidden states (B, T, H) at tonics (B, T)."""
        added: Tensor = self.scores(hidden).gather(-1, self.degrees[tonics])
        return added


def _degrees(codes: Tensor) -> Tensor:
    """Return the degree of each character at each tonic, (8, V)."""
    letters = codes.numpy()  # on the meta device, where a stored model is checked, PyTorch would compile
    degrees = 1 + (letters - np.arange(DEGREES)[:, None]) % DEGREES
    return torch.from_numpy(np.pad(np.where(letters < DEGREES, degrees, 0), ((1, 0), (0, 0))))


def _names_tonic(codes: Tensor, *before: Tensor) -> Tensor:
    """Return whether a letter follows ``K:``, or ``K: ``, at the start of a line or after ``[``.

    ``before``: the codes of the four characters before it, the nearest first.
    """
    one, two, three, four = before
    tight = (one == COLON) & (two == KEY) & (three == LINE_START)
    spaced = (one == SPACE) & (two == COLON) & (three == KEY) & (four == LINE_START)
    return (codes < DEGREES) & (tight | spaced)
