"""Grammar of performance events: a note ends only if it sounds, and every note ends."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from etude.encodings.performance import OFF, ON, SHIFT, VELOCITY

_EVENT = re.compile(rf"({ON}|{OFF}|{SHIFT}|{VELOCITY})_(\d+)")


class PerformanceGrammar:
    """A key that is up goes down after a velocity, and goes up after a shift; at the end all keys are up.

    Token 0 is the terminator. State of each row: the keys that are down, those of them that went down since
    the last shift, and whether there has been a velocity, a note, the end. A primer may press a key twice; if
    it releases a key that is up, the token has no effect, as in decoding.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        found = [_EVENT.fullmatch(token) for token in tokens]
        kinds = [match[1] if match else "" for match in found]
        values = [int(match[2]) if match else 0 for match in found]
        self._is = {
            name: torch.tensor([kind == name for kind in kinds]) for name in (ON, OFF, SHIFT, VELOCITY)
        }
        self._is_end = torch.tensor([not kind for kind in kinds])
        on_or_off = [value if kind in (ON, OFF) else 0 for kind, value in zip(kinds, values, strict=True)]
        self._pitch = torch.tensor(on_or_off)  # (V,)
        self.begin(torch.zeros(0, 0, dtype=torch.long))

    @property
    def cost(self) -> Tensor:
        """One token for each key that is down, a shift if one has just gone down; a first note takes 4."""
        releases = self._down.sum(1) + self._fresh.any(1)
        return torch.where(self._played, releases, 4 - self._loud.long())

    def begin(self, primer: Tensor) -> None:
        """Start anew with the primer (B, n)."""
        device, count = primer.device, len(primer)
        self._is = {name: mask.to(device) for name, mask in self._is.items()}
        self._is_end, self._pitch = self._is_end.to(device), self._pitch.to(device)
        self._down = torch.zeros(count, 128, dtype=torch.long, device=device)  # (B, 128)
        self._fresh = torch.zeros_like(self._down)
        self._loud = torch.zeros(count, dtype=torch.bool, device=device)
        self._played, self._ended = self._loud.clone(), self._loud.clone()
        for ids in primer.unbind(1):
            self.advance(ids)

    def allowed(self, left: int | Tensor) -> Tensor:
        """Return the tokens (B, V) after which ``left - 1`` tokens are enough to release all keys."""
        room = (left - 1)[:, None] if isinstance(left, Tensor) else left - 1
        down = self._down.sum(1, keepdim=True)  # (B, 1)
        fresh = self._fresh.any(1, keepdim=True).long()
        cost = self.cost[:, None]
        loud, played = self._loud[:, None], self._played[:, None]
        strikes = (self._down == 0)[:, self._pitch] & loud & (down + 2 <= room)  # (B, V)
        is_released = (self._down > self._fresh)[:, self._pitch] & (down - 1 + fresh <= room)
        passes = torch.where(played, down, cost) <= room
        sets_velocity = cost - (~played & ~loud).long() <= room
        ends = played & (down == 0)
        allowed = (
            (self._is[ON] & strikes)
            | (self._is[OFF] & is_released)
            | (self._is[SHIFT] & passes)
            | (self._is[VELOCITY] & sets_velocity)
        )
        return (allowed & ~self._ended[:, None]) | (self._is_end & ends)

    def advance(self, ids: Tensor) -> None:
        """Move each row on by its id of (B,)."""
        pitch = self._pitch[ids][:, None]  # (B, 1)
        struck, released = self._is[ON][ids], self._is[OFF][ids]
        released = released & (self._down.gather(1, pitch) > 0).squeeze(1)
        change = struck.long() - released.long()
        self._down.scatter_add_(1, pitch, change[:, None])
        self._fresh.scatter_add_(1, pitch, struck.long()[:, None])
        self._fresh.mul_(~self._is[SHIFT][ids][:, None])
        self._fresh = torch.minimum(self._fresh, self._down)
        self._loud = self._loud | self._is[VELOCITY][ids] | struck
        self._played = self._played | struck
        self._ended = self._ended | self._is_end[ids]
