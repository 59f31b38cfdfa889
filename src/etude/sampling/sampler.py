"""Sampler: generates sequences of ids from a network, a start and a seed, in batches; their likelihood."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from etude.errors import EtudeError
from etude.models.network import Network
from etude.sampling.clock import Clock
from etude.sampling.filters import Filters, apply_filters
from etude.sampling.grammars.base import Grammar

NOISE_BLOCK = 256  # uniform numbers generated at a time for each sequence
CHECK_EVERY = 16  # steps between checks whether all sequences have ended; each check makes a GPU wait
POSITIONS = 1 << 22  # logits at a time, which bounds memory
NO_FILTERS = Filters()


@torch.inference_mode()
def sample(
    network: Network,
    start: Tensor,
    *,
    primer_len: int = 0,
    terminator: int,
    ends_after: int = 1,
    max_new: int,
    filters: Filters = NO_FILTERS,
    grammar: Grammar | None = None,
    clock: Clock | None = None,
    seed: int = 0,
    first: int = 0,
) -> list[list[int]]:
    """Sample the continuation of each row of ``start`` (B, S): at most ``max_new`` ids, up to its end.

    The last ``primer_len`` ids of ``start`` belong to the piece, those before only set the network's state.
    A piece ends before ``ends_after`` terminators in a row, or where the time of ``clock`` is up and
    ``grammar`` has nothing left open. Rows are numbered from ``first``, and each has a generator of its
    own, seeded by (seed, number): the first of five is also the first of fifty. Every step feeds one token
    to the network and hands its state on, so a token costs the same however long the piece.
    """
    with network.evaluating():
        start = start.to(network.device)
        count, offset = len(start), primer_len
        ids = torch.empty(count, primer_len + max_new, dtype=torch.long, device=start.device)
        ids[:, :offset] = start[:, start.shape[1] - primer_len :]
        noise = _Noise(range(first, first + count), seed, start.device)
        ending = _Ending(
            ids, primer_len, clock=clock, grammar=grammar, terminator=terminator, ends_after=ends_after
        )
        columns = ids[:, offset:].unbind(1)  # max_new of (B,)
        filtered = any(filters)
        step = network.stepper()
        logits, state = network(start)
        logits = logits[:, -1]  # (B, V)
        for number in range(max_new):
            left, allowed = logits, ending.allowed(max_new - number)
            if filtered or allowed is not None:
                left = apply_filters(logits, ids[:, : offset + number], filters, allowed)
            chosen = sample_ids(left, next(noise))  # (B,)
            columns[number].copy_(chosen)
            ending.advance(number, chosen)
            if number % CHECK_EVERY == CHECK_EVERY - 1 or number == max_new - 1:
                _check_finite(logits)
                if bool((ending.ends(number + 1) <= number).all()):
                    break
            if number < max_new - 1:
                logits, state = step(chosen, state)
    return [row[:length] for row, length in zip(ids[:, offset:].tolist(), ending.lengths(), strict=True)]


def sample_ids(logits: Tensor, uniform: Tensor) -> Tensor:
    """Return ids (B,): the inverse cumulative distribution of logits (B, V) at ``uniform`` (B, 1) below 1."""
    cumulative = torch.softmax(logits, dim=-1).cumsum(dim=-1, dtype=torch.float64)  # (B, V)
    found = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
    return found.squeeze(1).clamp_max_(logits.shape[1] - 1)  # larger only where logits are not finite


def _check_finite(logits: Tensor) -> None:
    if not bool(torch.isfinite(logits).all()):
        raise EtudeError("the network's logits are not finite: its training has diverged")


class _Ending:
    """The end of each row: at its terminators, or when its time is up and nothing is left open."""

    def __init__(
        self,
        ids: Tensor,
        primer_len: int,
        *,
        clock: Clock | None,
        grammar: Grammar | None,
        terminator: int,
        ends_after: int,
    ) -> None:
        self._ids, self._terminator, self._ends_after = ids, terminator, ends_after
        self._clock, self._grammar, self._primer_len = clock, grammar, primer_len
        self._never = ids.shape[1] - primer_len
        self._stopped = torch.full((len(ids),), self._never, device=ids.device) if clock else None
        self._terminated = torch.full((len(ids),), self._never, device=ids.device)  # as far as checked
        self._checked = self._generated = 0
        if grammar is not None:
            grammar.begin(ids[:, :primer_len])
        if clock is not None:
            clock.begin(ids[:, :primer_len])

    def allowed(self, left: int) -> Tensor | None:
        """Return the tokens (B, V) that may come next with ``left`` tokens to go; None: any."""
        if self._clock is None:
            return None if self._grammar is None else self._grammar.allowed(left)
        fits = self._clock.fits  # (B, V)
        if self._grammar is None:
            return fits
        budget = torch.where(self._clock.is_up, self._grammar.cost.clamp(min=1), left)
        return self._grammar.allowed(budget) & fits

    def advance(self, number: int, chosen: Tensor) -> None:
        """Record the ids (B,) of step ``number``."""
        self._generated = number + 1
        if self._clock is not None and self._stopped is not None:
            # a row whose time was up and that had nothing open has ended before this token
            ready = (
                self._clock.is_up if self._grammar is None else self._clock.is_up & (self._grammar.cost == 0)
            )
            self._stopped = torch.where(ready, self._stopped.clamp_max(number), self._stopped)
            self._clock.advance(chosen)
        if self._grammar is not None:
            self._grammar.advance(chosen)

    def lengths(self) -> list[int]:
        """Return how many of the generated ids belong to each piece."""
        lengths: list[int] = self.ends(self._generated).clamp_max(self._generated).tolist()
        return lengths

    def ends(self, generated: int) -> Tensor:
        """Return the length of each row; ``generated`` or more where it has not ended."""
        # Only new ids are checked, or a token would cost more the longer the piece; and the terminators just
        # before them. Those at the end of the primer count too, but at least one has to be generated.
        first = max(self._checked - (self._ends_after - 1), -self._primer_len)
        seen = self._ids[:, self._primer_len + first : self._primer_len + generated] == self._terminator
        if seen.shape[1] >= self._ends_after:
            runs = seen.unfold(1, self._ends_after, 1).all(dim=-1)  # (B, places)
            place = (runs.to(torch.int8).argmax(dim=1) + first).clamp_min(0)
            found = torch.where(runs.any(dim=1), place, self._never)
            self._terminated = torch.minimum(self._terminated, found)
        self._checked = generated
        return self._terminated if self._stopped is None else torch.minimum(self._terminated, self._stopped)


class _Noise:
    """Uniform numbers in [0, 1), shape (B, 1) a step, from one generator for each sequence.

    They stay 1e-12 below 1, so that rounding never reaches past the last possible token.
    """

    def __init__(self, numbers: Sequence[int], seed: int, device: torch.device) -> None:
        # Generators of the CPU give the same numbers whatever device the network is on.
        self._generators = [torch.Generator().manual_seed(sequence_seed(seed, number)) for number in numbers]
        self._device = device
        self._block: tuple[Tensor, ...] = ()
        self._step = NOISE_BLOCK

    def __next__(self) -> Tensor:
        if self._step == NOISE_BLOCK:
            rows = [
                torch.rand(NOISE_BLOCK, generator=generator, dtype=torch.float64)
                for generator in self._generators
            ]
            block = torch.stack(rows, dim=1)[:, :, None] * (1 - 1e-12)
            self._block = block.to(self._device).unbind()  # NOISE_BLOCK of (B, 1)
            self._step = 0
        self._step += 1
        return self._block[self._step - 1]


def sequence_seed(seed: int, number: int) -> int:
    """Return a 63-bit seed for sequence ``number``; a sum or product would give neighbours the same music."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8], "big") >> 1


@torch.inference_mode()
def token_nats(network: Network, starts: Tensor, rows: Sequence[Sequence[int]]) -> list[list[float]]:
    """Return −ln of the probability of each id of ``rows``, each after its row of ``starts`` (B, S).

    Under the network alone, without the filters. One pass for the whole batch after sampling, so that the
    steps of sampling stay cheap.
    """
    longest = max(map(len, rows), default=0)
    generated = torch.zeros(len(rows), longest, dtype=torch.long)
    for index, row in enumerate(rows):
        generated[index, : len(row)] = torch.tensor(row, dtype=torch.long)
    ids = torch.cat([starts, generated], dim=1).to(network.device)
    targets = ids[:, starts.shape[1] :, None]
    nats = torch.empty(targets.shape[:2])
    with network.evaluating():
        features, _ = network.features(ids[:, :-1])
        features = features[:, starts.shape[1] - 1 :]
        for first in range(0, longest, chunk := max(1, POSITIONS // max(1, len(rows) * 1024))):
            logits = network.head(features[:, first : first + chunk])
            taken = torch.log_softmax(logits, dim=-1).gather(-1, targets[:, first : first + chunk])
            nats[:, first : first + chunk] = -taken.squeeze(-1).cpu()
    return [found[: len(row)] for row, found in zip(rows, nats.tolist(), strict=True)]
