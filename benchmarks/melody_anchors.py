"""Predict the pitches of folk songs as Pearce (2005, chapter 6) did: ten folds, bits per note.

    python benchmarks/melody_anchors.py [--kern FOLDER] [--sets kinder ...] [--folds N] [--steps N]
        [--all-essen]

music21 contains one of his books, `kinder`. The others are in the `**kern` edition of the Essen collection:
FOLDER is a copy of it, with `europa` and `asia` in it. Each model learns from nine folds of a book alone.
With `--all-essen`, a network learns from the songs in music21 first, except variants of the books' songs.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from machine import heading, print_table
from torch import Tensor

from etude.corpora.essen_books import COLLECTIONS, collection_files, mended_books, read_essen_bytes
from etude.corpora.variants import variant_groups
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.kern.reader import read_kern_bytes
from etude.models.lstm import LSTMNetwork
from etude.models.lstm_copy import CopyLSTMNetwork
from etude.models.ngram import NGram
from etude.models.settings import CopyLSTMConfig, LSTMConfig
from etude.music import Piece

Song = npt.NDArray[np.int64]  # pitches (n,), MIDI numbers
Chances = npt.NDArray[np.float64]  # probability of each note of a song (n,)


class Published(NamedTuple):
    """A book in tables 4.1 and 6.6: where its songs are, their counts, bits per note of two models."""

    folder: str
    songs: int
    notes: int
    pitches: int
    long_term: float  # n-grams of the other folds: PPM*, escape method C, interpolated
    both: float  # with the notes read so far, and with n-grams of the song; bias 2, the best on average


BOOKS = {
    "kinder": Published("", 213, 8393, 27, 2.428, 2.106),
    "elsass": Published("europa/elsass", 91, 4496, 32, 3.115, 2.540),
    "schweiz": Published("europa/schweiz", 93, 4586, 34, 3.010, 2.454),
    "oesterrh": Published("europa/oesterrh", 104, 5306, 35, 3.340, 2.651),
    "jugoslav": Published("europa/jugoslav", 119, 2691, 25, 2.721, 2.588),
    "shanxi": Published("asia/china/shanxi", 237, 11056, 41, 3.105, 2.681),
}
FOLDS = 10
LOWEST, SIZE = 41, 56  # a pitch's id is pitch − LOWEST, from 1; 0 begins a song
SHIFT = 5  # semitones, at most, by which a training song is transposed

# The same for all books. Dropout, rate, decay and share were chosen on the second fold of kinder, by models
# that had not seen the first two.
ORDER = 4  # longest n-gram, of a book and of a song
HIDDEN, EMBEDDING, DROPOUT, LONGEST = 96, 64, 0.2, 8
BATCH, STEPS, RATE, DECAY = 16, 200, 1.2e-2, 0.01  # songs per step; the rate falls along a cosine
MIXED = 0.3  # share of the n-gram with memory in the mixture
FIRST_STEPS, TUNING_STEPS, TUNING_RATE = 2000, 60, 2e-3  # with all Essen songs; not compared with others


def main(books: Sequence[str], kern: Path | None, folds: int, steps: int, all_essen: bool) -> None:
    print(heading("Bits per note, mean of the folds, beside Pearce (2005); seed 0"), flush=True)
    torch.set_num_threads(1)
    pieces = {book: book_songs(book, kern) for book in books}
    started = time.process_time()
    first = trained(copy_lstm(), other_songs(pieces), 0, FIRST_STEPS) if all_essen else None
    for book, songs in pieces.items():
        rows = [("book", "songs", "notes", "pitches", "model", "bits", "SD of the folds")]
        pitches = [song.pitch for song in songs]
        notes, published = np.concatenate(pitches), BOOKS[book]
        counts = (str(len(songs)), str(len(notes)), str(len(np.unique(notes))))
        for model, bits in cross_validate(pitches, folds, steps, first).items():
            rows.append((book, *counts, model, f"{np.mean(bits):.3f}", f"{np.std(bits, ddof=1):.3f}"))
        counts = (str(published.songs), str(published.notes), str(published.pitches))
        rows.append((book, *counts, "published, long-term", f"{published.long_term:.3f}", ""))
        rows.append((book, *counts, "published, with memory", f"{published.both:.3f}", ""))
        print_table(rows)
        print(f"{time.process_time() - started:.0f} seconds of processor time so far\n", flush=True)


def book_songs(book: str, kern: Path | None) -> list[Piece]:
    """Return the songs of a book as printed, in file order; of shanxi, the first 237."""
    if not BOOKS[book].folder:
        return abc_songs([f"{book}0"])
    if kern is None:
        raise SystemExit(f"{book} is not in music21. Give --kern, or --sets kinder.")
    paths = sorted((kern / BOOKS[book].folder).glob("*.krn"))
    songs = [song for path in paths for song in read_kern_bytes(path.read_bytes(), path.name).pieces]
    if not songs:
        raise SystemExit(f"{kern / BOOKS[book].folder} has no **kern songs")
    return songs[: BOOKS[book].songs]


def abc_songs(collections: Sequence[str]) -> list[Piece]:
    """Return the songs of books in music21."""
    books = mended_books(collection_files(collections))
    return [song for book in books for song in read_essen_bytes(book.data, book.name, read_abc_bytes).pieces]


def other_songs(pieces: dict[str, list[Piece]]) -> list[Song]:
    """Return the songs in music21 that are no variants of songs in these books."""
    tested = [song for songs in pieces.values() for song in songs]
    others = abc_songs([name for name in COLLECTIONS if name != "kinder0"])
    groups = variant_groups([*tested, *others])
    apart = ~np.isin(groups[len(tested) :], groups[: len(tested)])
    return [
        song.pitch
        for song, kept in zip(others, apart, strict=True)
        if kept and song.pitch.min() > LOWEST + SHIFT and song.pitch.max() < LOWEST + SIZE - SHIFT
    ]


def cross_validate(
    songs: Sequence[Song], folds: int, steps: int, first: LSTMNetwork | None
) -> dict[str, list[float]]:
    """Return the bits per note of each model in the first ``folds`` of ten folds.

    With a trained network, only of that one, which goes on learning from nine folds.
    """
    parts = np.array_split(np.random.default_rng(0).permutation(len(songs)), FOLDS)
    alphabet = np.unique(np.concatenate(songs))
    scores: dict[str, list[float]] = defaultdict(list)
    for number, part in enumerate(parts[:folds]):
        test = [songs[index] for index in part]
        train = [songs[index] for index in np.setdiff1d(np.arange(len(songs)), part)]
        of: dict[str, list[Chances]] = {}
        if first is not None:
            network = copy_lstm()
            network.load_state_dict(first.state_dict())
            trained(network, train, number, TUNING_STEPS, TUNING_RATE)
            of["all Essen"] = chances(network, test, alphabet)
        else:
            counts = of["n-gram"] = ngram_chances(train, test, alphabet)
            memory = [remember(song, before) for song, before in zip(test, counts, strict=True)]
            of["n-gram with memory"] = memory
            of["LSTM"] = chances(trained(lstm(), train, number, steps), test, alphabet)
            copying = chances(trained(copy_lstm(), train, number, steps), test, alphabet)
            of["LSTM with memory"] = copying
            pairs = zip(copying, memory, strict=True)
            of["mixture"] = [(1 - MIXED) * network + MIXED * ngram for network, ngram in pairs]
        for model, found in of.items():
            scores[model].append(float(-np.log2(np.concatenate(found)).mean()))
    return scores


def ngram_chances(train: Sequence[Song], test: Sequence[Song], alphabet: Song) -> list[Chances]:
    """Return the probabilities by n-grams of the training songs; ends of songs are not counted."""

    def ids(song: Song) -> Song:
        return np.append(np.searchsorted(alphabet, song) + 1, 0)

    model = NGram(len(alphabet) + 1, ORDER).double()
    pieces = [ids(song) for song in train]
    model.count(pieces, np.concatenate(pieces) != 0)
    longest = model.predictions([ids(song) for song in test])[-1]
    ends = np.cumsum([len(song) + 1 for song in test])
    return [np.exp(-nats[:-1]) for nats in np.split(longest.nats, ends[:-1])]


def remember(song: Song, before: Chances) -> Chances:
    """Return the probabilities by n-grams of the song so far, interpolated with those given (Witten–Bell)."""
    seen: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    notes, found = song.tolist(), before.copy()
    for place, note in enumerate(notes):
        contexts = [tuple(notes[place - length : place]) for length in range(min(ORDER, place + 1))]
        for counts in (seen[context] for context in contexts if context in seen):
            found[place] = (counts[note] + len(counts) * found[place]) / (counts.total() + len(counts))
        for context in contexts:
            seen[context][note] += 1
    return found


def lstm() -> LSTMNetwork:
    return LSTMNetwork(
        SIZE, LSTMConfig(name="", hidden_dim=HIDDEN, num_layers=1, dropout=DROPOUT, embedding_dim=EMBEDDING)
    )


def copy_lstm() -> CopyLSTMNetwork:
    config = CopyLSTMConfig(
        name="", hidden_dim=HIDDEN, num_layers=1, dropout=DROPOUT, embedding_dim=EMBEDDING,
        longest_match=LONGEST, token_features=False,
    )  # fmt: skip
    return CopyLSTMNetwork(SIZE, config)


def trained(
    network: LSTMNetwork, songs: Sequence[Song], seed: int, steps: int, rate: float = RATE
) -> LSTMNetwork:
    """Train a network on whole songs, each time in another key, and return it."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=DECAY, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 20) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    lengths = np.array([len(song) for song in songs])
    batches: list[Song] = []
    network.train()
    for _ in range(steps):
        if not batches:  # songs of about one length together: less padding
            by_length = np.argsort(lengths * random.uniform(0.8, 1.25, len(songs)))
            batches = np.array_split(by_length, -(-len(songs) // BATCH))
            random.shuffle(batches)
        shifted = [songs[index] + random.integers(-SHIFT, SHIFT + 1) for index in batches.pop()]
        inputs, labels = batch(shifted)
        loss = F.cross_entropy(network(inputs)[0].flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return network


def batch(songs: Sequence[Song]) -> tuple[Tensor, Tensor]:
    """Return inputs and labels (B, T): a song's labels are its notes, its inputs the notes before them."""
    inputs = torch.zeros(len(songs), max(map(len, songs)), dtype=torch.long)
    labels = torch.full_like(inputs, -100)  # not counted by cross_entropy
    for row, song in enumerate(songs):
        ids = torch.from_numpy(song - LOWEST)
        labels[row, : len(song)] = ids
        inputs[row, 1 : len(song)] = ids[:-1]
    return inputs, labels


@torch.no_grad()
def chances(network: LSTMNetwork, songs: Sequence[Song], alphabet: Song) -> list[Chances]:
    """Return the probabilities by a network, among the pitches of the book."""
    network.eval()
    known = torch.from_numpy(alphabet - LOWEST)
    found = []
    for song in songs:
        logits = network(batch([song])[0])[0][0][:, known]
        label = torch.from_numpy(np.searchsorted(alphabet, song))
        found.append(logits.double().softmax(dim=-1).gather(1, label[:, None])[:, 0].numpy())
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=list(BOOKS), help="default: all that are there")
    parser.add_argument("--kern", type=Path, help="copy of the **kern edition of the Essen collection")
    parser.add_argument("--folds", type=int, choices=range(2, FOLDS + 1), default=FOLDS)
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps of each network")
    parser.add_argument("--all-essen", action="store_true")
    chosen = parser.parse_args()
    books = chosen.sets or (list(BOOKS) if chosen.kern else ["kinder"])
    main(books, chosen.kern, chosen.folds, chosen.steps, chosen.all_essen)
