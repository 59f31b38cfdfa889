"""Grammar of voices: each has one note at a time, and notes of one onset are in order of voice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from etude.encodings import VoicesEncoding


class VoicesGrammar:
    """A voice that is free begins a note; a shift follows notes, and the end follows a shift.

    Token 0 is the terminator. State of each row: the steps until each voice is free, the voice of the last
    note since the last shift (0: none), and whether there has been a shift, a note, the end.
    """

    def __init__(self, encoding: VoicesEncoding, tokens: Sequence[str]) -> None:
        parsed = [(0, 0, 0), *(encoding.parse(token) for token in tokens[1:])]
        self._voice = torch.tensor([voice for voice, _, _ in parsed])  # (V,)
        self._steps = torch.tensor([steps for _, _, steps in parsed])
        self._is_note = self._voice > 0
        self._is_end = torch.arange(len(parsed)) == 0
        self._is_shift = ~self._is_note & ~self._is_end
        self._voices = encoding.voices
        self.begin(torch.zeros(0, 0, dtype=torch.long))

    @property
    def cost(self) -> Tensor:
        """Two tokens before the first note, one after a note."""
        return torch.where(self._played, (~self._shifted).long(), 2)

    def begin(self, primer: Tensor) -> None:
        """Start anew with the primer (B, n); its mistakes have the effect that they have in decoding."""
        device, count = primer.device, len(primer)
        for name in ("_voice", "_steps", "_is_note", "_is_end", "_is_shift"):
            setattr(self, name, getattr(self, name).to(device))
        self._busy = torch.zeros(count, self._voices + 1, dtype=torch.long, device=device)  # 0 unused
        self._last = torch.zeros(count, dtype=torch.long, device=device)
        self._shifted = torch.zeros(count, dtype=torch.bool, device=device)
        self._played, self._ended = self._shifted.clone(), self._shifted.clone()
        for ids in primer.unbind(1):
            self.advance(ids)

    def allowed(self, left: int | Tensor) -> Tensor:
        """Return the tokens (B, V) after which ``left - 1`` tokens are enough for a note and a shift."""
        room = (left - 1)[:, None] if isinstance(left, Tensor) else left - 1
        played, shifted = self._played[:, None], self._shifted[:, None]
        is_free = (self._busy == 0)[:, self._voice] & (self._voice > self._last[:, None])  # (B, V)
        notes = self._is_note & is_free & (room >= 1)
        shifts = self._is_shift & ~shifted & torch.where(played, room >= 0, room >= 2)
        ends = self._is_end & played & shifted
        return torch.where(self._ended[:, None], self._is_end, notes | shifts | ends)

    def advance(self, ids: Tensor) -> None:
        """Move each row on by its id of (B,)."""
        voice, steps = self._voice[ids], self._steps[ids]
        shift, note = self._is_shift[ids], self._is_note[ids]
        self._busy = (self._busy - (steps * shift)[:, None]).clamp_min(0)
        self._busy = torch.where(
            note[:, None], self._busy.scatter(1, voice[:, None], steps[:, None]), self._busy
        )
        self._last = torch.where(note, voice, self._last.masked_fill(shift, 0))
        self._shifted = shift
        self._played = self._played | note
        self._ended = self._ended | self._is_end[ids]
