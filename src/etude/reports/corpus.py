"""A prepared corpus in words: its size, its split, its rejected and moved pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `etude prepare` prints these, and waits for nothing slow
    from etude.corpora.prepared import PreparedCorpus
    from etude.corpora.store import Store

EXAMPLES = 3  # rejected pieces that are named


def corpus_summary(data: PreparedCorpus) -> str:
    """Return pieces, tokens, vocabulary, split and rejected pieces of a corpus in one line."""
    store = data.store
    by_window = data.split.train.labels is not None
    sizes = " / ".join(
        f"{len(subset.pieces) if subset.labels is None else subset.labels.sum():,}" for subset in data.split
    )
    return (
        f"{data.name}: {len(store):,} pieces, {store.num_tokens:,} tokens, {len(store.vocabulary)} symbols; "
        f"train / val / test {sizes} {'windows' if by_window else 'pieces'}; {rejections(store)}"
    )


def corpus_notes(data: PreparedCorpus) -> list[str]:
    """Return sentences on what was done to pieces, and on a split whose sets overlap."""
    store = data.store
    found = [moves(store)] if store.moved.notes else []
    found += [inferred_keys(store)] if store.inferred_keys else []
    found += [tracks_apart(store)] if store.num_apart else []
    return [*found, *([overlap_warning(data.overlap)] if data.split.train.labels is not None else [])]


def overlap_warning(overlap: float) -> str:
    """Return a warning with the measured overlap of a split by window; "" for a split by piece."""
    if not overlap:
        return ""
    return (
        f"overlapping windows: validation metrics are optimistic ({overlap:.0%} of the tokens of a "
        "validation window are training labels)"
    )


def moves(store: Store) -> str:
    """Return the number of notes that were moved to the grid, and the largest move."""
    pieces, notes, farthest = store.moved
    return f"{notes:,} notes of {pieces:,} pieces moved to the grid, by {farthest:.3g} quarter notes at most"


def inferred_keys(store: Store) -> str:
    """Return the number of keys that were inferred, and the commonest."""
    keys = store.inferred_keys
    common = ", ".join(f"{count} × {key}" for key, count in keys.most_common(5))
    more = ", …" if len(keys) > 5 else ""
    return f"{keys.total():,} key{'s' * (keys.total() != 1)} inferred: {common}{more}"


def tracks_apart(store: Store) -> str:
    """Return a sentence: notes of different tracks are no chords, and which setting makes them so."""
    count = store.num_apart
    return (
        f"several tracks in {count:,} piece{'s' * (count != 1)}: each track's chords are tokens of their "
        "own; data.encoding.merge_parts=true joins the notes of all tracks that sound together"
    )


def rejections(store: Store) -> str:
    """Return the number of rejected pieces for each reason."""
    if not store.num_rejected:
        return "none rejected"
    common = store.reasons.most_common(5)
    reasons = ", ".join(f"{count} × {reason}" for reason, count in common)
    others = len(store.reasons) - len(common)
    more = f", and {others} other reason{'s' * (others != 1)}" if others else ""
    return f"{store.num_rejected} rejected ({reasons}{more})"


def rejected_examples(store: Store) -> list[str]:
    """Return a line for each of a few rejected pieces, and the file that lists all."""
    lines = [
        f"  rejected {name}{f' ({place})' if place else ''}: {reason}"
        for name, place, reason in store.rejected[:EXAMPLES]
    ]
    if store.num_rejected > EXAMPLES:
        lines.append(f"  and {store.num_rejected - EXAMPLES} more: {store.folder / 'rejected.json'}")
    return lines
