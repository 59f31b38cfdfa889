"""Memory of a piece: its latest tokens are looked for earlier in it, and what followed there is copied."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCK = 128  # positions that are compared with all earlier ones at a time, which bounds memory
NOTHING = -1  # no token: what is before a piece


class CopyMemory(nn.Module):
    """Attention from each position of a piece to the earlier ones, by the length of the match before them.

    The match of two positions is the number of tokens up to them that agree, at most ``longest``. Each
    length has a learned score, which falls with the logarithm of the distance. The attention is the
    probability of copying the token that followed. Sources: the pointers of Merity et al. 2017 ("Pointer
    Sentinel Mixture Models") and the cache of Grave et al. 2017, which compare hidden states; the length of
    a match decides in PPM (Cleary & Witten 1984).
    """

    def __init__(self, vocabulary_size: int, longest: int) -> None:
        super().__init__()
        self.vocabulary_size, self.longest = vocabulary_size, longest
        # Not by PyTorch: on the meta device, where a stored model is checked, it would import its compiler.
        score = np.float32(0.7) * np.array(self.lengths(), dtype=np.float32)
        self.score = nn.Parameter(torch.tensor(score.tolist()))
        self.decay = nn.Parameter(torch.tensor(0.5))

    def lengths(self) -> list[int]:
        """Return the lengths that a match can have, with a learned score each."""
        return list(range(self.longest + 1))

    def forward(self, piece: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the probability of each token after the last ``count`` positions, and their matches.

        ``piece`` (B, S) is the whole piece so far. Probabilities (B, count, V), all 0 at its first position;
        the longest match of each position (B, count); the matches of the last with all of them (B, S).
        """
        before = piece.shape[1] - count
        found = []
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            so_far = piece[:, : before + stop]
            match = self._matches(so_far, stop - start)
            found.append(self._copied(so_far, match))
        copied, lengths = zip(*found, strict=True)
        return torch.cat(copied, dim=1), torch.cat(lengths, dim=1), match[:, -1]

    def step(self, piece: Tensor, match: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what ``forward`` returns for the last position, given the matches of the one before it."""
        match = self._next_match(piece, F.pad(match, (1, 0))).clamp_max(self.longest)
        return *self._copied(piece, match[:, None]), match

    def _next_match(self, piece: Tensor, before: Tensor) -> Tensor:
        """Return the matches (B, S) of the last position, given those of the places before each with its own.

        A match grows by one where the new token agrees, and is 0 elsewhere: a step costs O(S).
        """
        return (before + 1) * (piece == piece[:, -1:])

    def _copied(self, piece: Tensor, match: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probabilities (B, T, V) after the last positions by their matches, and the longest."""
        distance = distances(match)
        earlier = distance > 0
        match = match * earlier
        attention = self._attention(match, distance, earlier)
        longest = match.amax(dim=-1)
        if match.shape[1] == 1:
            copied = attention.new_zeros(piece.shape[0], 1, self.vocabulary_size)
            return copied.scatter_add(2, followers(piece)[:, None], attention), longest
        copies = F.one_hot(followers(piece), self.vocabulary_size)  # (B, S, V)
        return attention @ copies.to(attention), longest

    def _attention(self, lengths: Tensor, distance: Tensor, usable: Tensor) -> Tensor:
        """Return the attention (B, T, S) to the usable places, by the scores of ``lengths`` and distance."""
        logits = self.score[lengths] - self.decay * distance.clamp_min(1).to(self.score).log()
        return logits.masked_fill(~usable, -1e9).softmax(dim=-1) * usable

    def _matches(self, piece: Tensor, count: int) -> Tensor:
        """Return the match of each of the last positions with every position, (B, T, S)."""
        size, before = piece.shape[1], self.longest - 1
        padded = F.pad(piece, (before, 0), value=NOTHING)
        same = padded[:, -(count + before) :, None] == padded[:, None, :]  # (B, before + T, before + S)
        agree = same[:, before:, before:]
        length = agree.to(torch.uint8)  # bytes, which are added eight times faster
        for start in reversed(range(before)):  # the tokens one place further back
            agree = agree & same[:, start : start + count, start : start + size]
            length += agree
        return length.long()


def followers(piece: Tensor) -> Tensor:
    """Return the token after each position (B, S), any after the last, which nothing attends to."""
    return F.pad(piece[:, 1:], (0, 1))


def distances(match: Tensor) -> Tensor:
    """Return how far each of the last T positions is from each of S places, (T, S); below 0: later ones."""
    count, size = match.shape[1:]
    places = torch.arange(size, device=match.device)
    return places[-count:, None] - places
