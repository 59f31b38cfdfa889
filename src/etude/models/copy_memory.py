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
        score = np.float32(0.7) * np.arange(longest + 1, dtype=np.float32)
        self.score = nn.Parameter(torch.tensor(score.tolist()))
        self.decay = nn.Parameter(torch.tensor(0.5))

    def forward(self, piece: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the probability of each token after the last ``count`` positions, and the longest matches.

        ``piece`` (B, S) is the whole piece so far. Probabilities (B, count, V), all 0 at its first position;
        lengths (B, count).
        """
        before = piece.shape[1] - count
        found = []
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            found.append(self._attend(piece[:, : before + stop], stop - start))
        copied, longest = zip(*found, strict=True)
        return torch.cat(copied, dim=1), torch.cat(longest, dim=1)

    def _attend(self, piece: Tensor, count: int) -> tuple[Tensor, Tensor]:
        places = torch.arange(piece.shape[1], device=piece.device)
        distance = places[-count:, None] - places  # (T, S)
        earlier = distance > 0
        match = self._matches(piece, count) * earlier  # (B, T, S)
        logits = self.score[match] - self.decay * distance.clamp_min(1).to(self.score).log()
        attention = logits.masked_fill(~earlier, -1e9).softmax(dim=-1) * earlier
        followers = F.one_hot(F.pad(piece[:, 1:], (0, 1)), self.vocabulary_size)  # (B, S, V)
        return attention @ followers.to(attention), match.amax(dim=-1)

    def _matches(self, piece: Tensor, count: int) -> Tensor:
        """Return the match of each of the last positions with every position, (B, T, S)."""
        size = piece.shape[1]
        padded = F.pad(piece, (self.longest - 1, 0), value=NOTHING)
        agree = torch.ones_like(piece[:, -count:, None] == piece[:, None, :])
        length = torch.zeros_like(agree, dtype=torch.long)
        for back in range(self.longest):
            start = self.longest - 1 - back
            token = padded[:, start : start + size]  # the one ``back`` places before each position
            agree = agree & (token[:, -count:, None] == token[:, None, :])
            length = length + agree
        return length
