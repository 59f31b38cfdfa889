"""Sounding notes: the notes that a performance holds at each event, and their ages, as a network's input."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError

PITCHES = 128
_MILLISECONDS = 500  # in a quarter note, at the tempo of decoded performances
_SHORT = 50  # milliseconds; the ages of longer notes are told apart by their ratio

Held = tuple[Tensor, Tensor]  # notes of each pitch, and the last one's milliseconds; (1, B, PITCHES)


def note_table(encoding: Any, vocabulary: Vocabulary) -> Tensor:
    """Return for each token which note it starts (1) or ends (−1), and its milliseconds: (V, PITCHES + 1).

    EtudeError if the encoding does not say which notes a token starts and ends.
    """
    if not hasattr(encoding, "note_change"):
        raise EtudeError(
            f"model.sounding_notes=true: tokens of encoding {encoding.name} start and end no notes; "
            "type model.sounding_notes=false, or data/encoding=performance_oore413"
        )
    table = np.zeros((len(vocabulary), PITCHES + 1), dtype=np.float32)
    for row, token in zip(table, vocabulary.tokens, strict=True):
        pitch, change = encoding.note_change(token)
        row[pitch] += change
        row[PITCHES] = round(_MILLISECONDS * encoding.quarters(token))  # whole: sums of them are exact
    return torch.from_numpy(table)


class SoundingNotes(nn.Module):
    """Sum over the notes that sound at each event: a vector of the pitch, and one times the log of the age.

    As in decoding, a pitch that starts twice sounds until it has ended twice, and the end of a note that does
    not sound has no effect. ``table`` is that of :func:`note_table`. All vectors start as zeros, so that the
    network starts as it would without them.
    """

    table: Tensor

    def __init__(self, table: Tensor, width: int) -> None:
        super().__init__()
        self.of_pitch = nn.Parameter(torch.zeros(PITCHES, width))
        self.of_age = nn.Parameter(torch.zeros(PITCHES, width))
        self.register_buffer("table", table, persistent=False)

    def forward(self, ids: Tensor, held: Held | None = None) -> tuple[Tensor, Held]:
        """Return the vectors (B, T, width) at ids (B, T), and what is held after the last."""
        changes = F.embedding(ids, self.table)  # (B, T, PITCHES + 1)
        change, time = changes[..., :PITCHES], changes[..., PITCHES:]
        before = change.new_zeros(2, 1, len(ids), PITCHES) if held is None else held
        count, age = (part.transpose(0, 1) for part in before)
        if ids.shape[1] == 1:
            count = (count + change).clamp_min(0)
            age = torch.where(change > 0, 0, age + time)
        else:
            count = count + change.cumsum(1)
            count = count - count.cummin(1).values.clamp_max(0)  # ends without a note are no debts
            now = time.cumsum(1)
            started = torch.where(change > 0, now, -age)
            age = now - started.cummax(1).values
        sounding = (count > 0).to(age)
        vectors = sounding @ self.of_pitch + (sounding * (age / _SHORT).log1p()) @ self.of_age
        return vectors, (count[:, -1:].transpose(0, 1), age[:, -1:].transpose(0, 1))
