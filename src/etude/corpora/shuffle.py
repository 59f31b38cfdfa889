"""Shuffle without a list: the i-th number of a random permutation, computed on demand."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Uint64s = npt.NDArray[np.uint64]

ROUNDS = 8  # of a Feistel network (Luby & Rackoff 1988); with five, some orders of few come more often


class Shuffle:
    """Random permutation of 0 … ``size`` - 1 without memory, a function of ``key`` only.

    A balanced Feistel network over the next power of four, walked until the value is in range (Black &
    Rogaway 2002), so that an epoch over a corpus larger than memory is shuffled in full.
    """

    def __init__(self, size: int, *key: int) -> None:
        self._size = size
        self._half = np.uint64(max(1, (max(size - 1, 1).bit_length() + 1) // 2))
        self._mask = np.uint64((1 << int(self._half)) - 1)
        digest = hashlib.shake_128(repr(key).encode()).digest(8 * ROUNDS)
        self._keys = np.frombuffer(digest, dtype="<u8")

    def __call__(self, positions: Indices) -> Indices:
        """Return the numbers at ``positions`` (each in 0 … size - 1) of the order."""
        found = self._network(positions.astype(np.uint64))
        while (outside := found >= self._size).any():
            found[outside] = self._network(found[outside])
        return found.astype(np.int64)

    def _network(self, values: Uint64s) -> Uint64s:
        left, right = values >> self._half, values & self._mask
        for key in self._keys:
            left, right = right, left ^ (mixed(right ^ key) & self._mask)
        return (left << self._half) | right


def mixed(words: Uint64s) -> Uint64s:
    """Return a hash of each word (the finaliser of SplitMix64, Steele, Lea & Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def random_below(limits: Indices, numbers: Indices, *key: int) -> Indices:
    """Return a random number in 0 … limit - 1 for each of ``numbers``, a function of it and ``key`` alone."""
    return (_keyed(numbers, key) % limits.astype(np.uint64)).astype(np.int64)


def uniform(numbers: Indices, *key: int) -> npt.NDArray[np.float64]:
    """Return a random number in [0, 1) for each of ``numbers``, a function of it and ``key`` alone."""
    return (_keyed(numbers, key) >> np.uint64(11)) / float(2**53)


def _keyed(numbers: Indices, key: tuple[int, ...]) -> Uint64s:
    digest = hashlib.shake_128(repr(key).encode()).digest(8)
    salt = np.frombuffer(digest, dtype="<u8")[0]
    return mixed(mixed(numbers.astype(np.uint64)) ^ salt)
