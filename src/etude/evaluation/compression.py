"""Compression as a baseline for text: how well xz predicts held-out text after the training text."""

from __future__ import annotations

import lzma
import math

LONGEST = 4_000_000  # bytes of training text, the last ones: some seconds of work


def xz_nats(training: bytes, held_out: bytes) -> float | None:
    """Return nats per character that xz adds for ``held_out`` when it has just compressed ``training``.

    The text of the training set thus serves as the dictionary; what is repeated within the held-out text is
    found too. None for no text.
    """
    characters = len(held_out.decode())
    if not characters:
        return None
    before = training[-LONGEST:]
    added = _size(before + held_out) - _size(before)
    return added * 8 * math.log(2) / characters


def _size(text: bytes) -> int:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]  # a dictionary of 64 MiB
    return len(lzma.compress(text, format=lzma.FORMAT_RAW, filters=filters))
