"""The published figures, through the data modules as composed, on the files as published."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from corpora import published
from etude.corpora.archives import read_archive
from etude.corpora.batches import held_out, training_windows
from etude.corpora.essen_books import bundled_tunebooks
from etude.corpora.gather import Batch
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.windows import HeldOutLabels, TrainingWindows
from etude.encodings.vocabulary import TERMINATOR
from prepared_corpora import prepared_corpus, tokens_of

KERN = ("data=erk", "data.source=kern")
LAST = ("data.split=by_window", "data.objective=last")
LAB = (
    "data=mozart", "data.one_text=true", *LAST,
    "data.batch_size=128", "data.eval_batch_size=32", "data.drop_last=true",
)  # fmt: skip


def mirrored(name: str) -> str:
    return f"data.mirror={published(name).parent}"


@pytest.fixture(scope="module")
def kern(data_dir: Path) -> PreparedCorpus:
    return prepared_corpus(data_dir, *KERN, mirrored("erk.zip"))


@pytest.fixture(scope="module")
def cobb(data_dir: Path) -> PreparedCorpus:
    return prepared_corpus(data_dir, "data=cobb", mirrored("Music_of_Ireland.abc"))


@pytest.fixture(scope="module")
def text() -> str:
    return published("Music_of_Ireland.abc").read_bytes().decode().replace("\r\n", "\n")


def loaders_of(data: PreparedCorpus) -> tuple[TrainingWindows, HeldOutLabels, HeldOutLabels]:
    return training_windows(data, seed=0), held_out(data, data.split.val), held_out(data, data.split.test)


class TestErkKern:
    def test_songs_tokens_and_symbols(self, kern: PreparedCorpus) -> None:
        store = kern.store
        assert len(store) == 1683
        assert store.reasons == {"a duration does not fit the grid of 1/16": 17}
        assert store.num_tokens == 254_530
        strings = {str(pitch) for pitch in range(45, 82)} - {"46", "49"} | {"_", "r"}
        symbols = store.vocabulary.tokens
        assert len(symbols) == 38
        assert symbols == (TERMINATOR, *sorted(symbols[1:]))  # the article's StringToIntEncoder
        assert set(symbols[1:]) == strings

    def test_windows_by_the_article(self, data_dir: Path, kern: PreparedCorpus) -> None:
        data = prepared_corpus(
            data_dir, *KERN, *LAST, "data.sequence_len=64", "data.batch_size=64", mirrored("erk.zip")
        )
        loaders = loaders_of(data)
        windows = [int(subset.labels.sum()) for subset in data.split if subset.labels is not None]
        assert sum(windows) == 256_213
        assert windows == [204_971, 25_621, 25_621]
        assert [len(loader) for loader in loaders] == [3203, 201, 201]  # batches of 64, and of 128
        assert data.overlap > 0.7

    def test_every_window_and_its_left_padding(self, data_dir: Path) -> None:
        data = prepared_corpus(
            data_dir, *KERN, *LAST, "data.sequence_len=64", "data.max_pieces=12", mirrored("erk.zip")
        )
        article: Counter[tuple[int, ...]] = Counter()
        for index in range(len(data.store)):
            padded = [0] * 64 + data.store.piece(index).tolist() + [0]
            article.update(tuple(padded[at : at + 65]) for at in range(len(padded) - 64))
        loaders = loaders_of(data)
        ours = Counter(window for loader in loaders for batch in loader for window in rows(batch))
        assert ours == article


def rows(batch: Batch) -> Iterator[tuple[int, ...]]:
    assert batch.targets.shape[1] == 1
    for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        yield (*inputs, *targets)


class TestErkBundled:
    def test_all_tunes_are_read(self, data_dir: Path) -> None:
        store = prepared_corpus(data_dir).store
        assert (len(store), store.num_rejected) == (1781, 0)

    def test_most_agree_with_the_kern_songs_of_their_number(self, data_dir: Path) -> None:
        kern = prepared_corpus(data_dir, *KERN, mirrored("erk.zip")).store
        numbers = {
            Path(name).name: found(r"!!!SCT: *(\S+)", data)
            for name, data in read_archive(published("erk.zip"))
        }
        songs: dict[str, list[str]] = {}
        for index, name in enumerate(kern.names):
            songs.setdefault(numbers[Path(name).name], []).append(melody(tokens_of(kern, index)))
        bundled = prepared_corpus(data_dir).store
        labels = numbers_of_tunes()
        counts: Counter[str] = Counter()
        for index, name in enumerate(bundled.names):
            twins = songs.get(labels[name])
            counts["matched"] += twins is not None
            counts["agree"] += twins is not None and melody(tokens_of(bundled, index)) in twins
        assert counts == {
            "matched": 1683,
            "agree": 1659,
        }  # benchmarks/check_readers.py says how the others differ


def melody(tokens: list[str]) -> str:
    """The tokens up to a rest at the end, which one edition writes out and the other does not."""
    return re.sub(r" r( _)*$", "", " ".join(tokens))


def numbers_of_tunes() -> dict[str, str]:
    labels = {}
    for path in bundled_tunebooks():
        for tune in re.split(r"(?m)^(?=X:)", path.read_text())[1:]:
            labels[f"{path.name} X:{found(r'X:(.*)', tune.encode()).strip()}"] = found(
                r"\nN: *(\S+)", tune.encode()
            )
    return labels


def found(pattern: str, data: bytes) -> str:
    match = re.search(pattern, data.decode("latin-1"))
    return match[1] if match else ""


class TestMozart:
    def test_the_labs_tokens_and_loaders(self, data_dir: Path) -> None:
        data = prepared_corpus(data_dir, *LAB, mirrored("mozart_sonatas.tar.gz"))
        assert data.store.num_tokens == 114_215
        assert len(data.store.vocabulary) == 669  # 668 and the terminator, which occurs at both ends alone
        assert np.flatnonzero(np.asarray(data.store.ids) == 0).tolist() == [0, 114_216]
        loaders = loaders_of(data)
        assert [len(loader) for loader in loaders] == [624, 535, 535]
        assert next(iter(loaders[0])).inputs.shape == (128, 100)
        assert (next(iter(loaders[0])).inputs != 0).all()  # no window reaches over the beginning

    def test_sections_hold_the_same_tokens(self, data_dir: Path) -> None:
        store = prepared_corpus(data_dir, "data=mozart", mirrored("mozart_sonatas.tar.gz")).store
        assert store.num_tokens == 114_215
        assert len({name.partition(" §")[0] for name in store.names}) == 20
        assert max(np.diff(store.offsets)) == 1001


class TestCobb:
    def test_tunes_characters_and_ids(self, cobb: PreparedCorpus) -> None:
        store = cobb.store
        assert (len(store), store.num_rejected) == (804, 0)
        assert len(store.ids) - 1 == 197_614
        assert len(store.vocabulary) == 83
        assert store.vocabulary.tokens == tuple(sorted(store.vocabulary.tokens))
        assert store.vocabulary.ids("X:1\nT:Alex").tolist() == [49, 22, 13, 0, 45, 22, 26, 67, 60, 79]
        assert "".join(tokens_of(store, 0)).startswith("X:1\nT:Alexander's\n")  # the tune the tutorial loses

    def test_the_whole_text_comes_back(self, cobb: PreparedCorpus, text: str) -> None:
        assert "".join(cobb.vocabulary.look_up(cobb.store.ids[1:])) == text

    def test_as_one_text(self, data_dir: Path, text: str) -> None:
        joined = prepared_corpus(
            data_dir, "data=cobb", "data.one_text=true", *LAST, mirrored("Music_of_Ireland.abc")
        )
        assert "".join(joined.vocabulary.look_up(joined.store.ids[1:])) == text
        assert sum(int(p.labels.sum()) for p in joined.split if p.labels is not None) == 197_613 - 125
