"""Short form of ``make soak``: one round of its parts, and its report of a broken promise."""

import itertools
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from etude.formats.any_file import READERS
from soak import crowds, kills, mutations
from soak.activities import Activity
from soak.damage import WAYS, Damage
from soak.ground import BrokenPromiseError, Ground
from soak.rounds import Soak

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="limits memory as Linux counts it"),
]
TARGETS = (
    "kern", "abc", "midi", "musicxml", "mxl", "checkpoint", "stored configuration", "own configuration",
    "packed run", "model file",
)  # fmt: skip


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


@pytest.mark.parametrize("verb", ["export"])
def test_a_killed_command_ends_as_if_it_had_not_been(ground: Ground, tmp_path: Path, verb: str) -> None:
    kills.Kills(ground, verb).round(tmp_path, Random(1))


@pytest.mark.parametrize("name", ["status.json", "metrics.csv", "checkpoints/best.ckpt"])
def test_a_damaged_file_of_a_run_is_noticed_or_made_whole(ground: Ground, tmp_path: Path, name: str) -> None:
    damage = Damage(ground, "run")
    number = damage.cases().index((Path(ground.run, name), "a bit"))
    assert damage.round(tmp_path, Random(0), number) == Counter({"run a bit": 1})


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_input_is_read_or_refused(ground: Ground, tmp_path: Path, target: str) -> None:
    known = mutations.targets(ground)
    assert set(known) == set(TARGETS)
    assert set(READERS) <= set(known)
    assert known[target].round(tmp_path, Random(0), target, many=25) == Counter({target: 25})


@pytest.mark.parametrize("verb", ["train", "export"])
def test_a_full_disk_is_one_sentence_and_the_same_line_goes_on(
    ground: Ground, tmp_path: Path, verb: str
) -> None:
    if not crowds.can_mount():
        pytest.skip("this machine lets no process mount a file system of its own")
    crowds.FullDisks(ground, verb).round(tmp_path, Random(0))


def test_of_many_at_once_one_trains_and_the_others_show(ground: Ground, tmp_path: Path) -> None:
    crowds.Crowd(ground, many=4).round(tmp_path, Random(0))


def test_a_reader_that_raises_dies_or_stays_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutations, "SECONDS", 1)
    breaks = {
        "ValueError: no": lambda data, folder: int("no") if data else None,
        "ended with code 3": lambda data, folder: os._exit(3),
        "ended with code -14": lambda data, folder: [None for _ in iter(int, 1)],
        "MemoryError": lambda data, folder: bytes(2**36),
    }
    for number, (why, read) in enumerate(breaks.items()):
        target = mutations.Target(lambda: [b"seed"], read)
        with pytest.raises(BrokenPromiseError, match=why.replace("no", ".*no")):
            target.round(tmp_path / str(number), Random(0), "a reader", many=2)
        assert (tmp_path / str(number) / "input").read_bytes()


def test_a_soak_keeps_what_breaks_goes_on_after_a_stop_and_sums_up(tmp_path: Path) -> None:
    ticks = itertools.count()

    def third_breaks(folder: Path, rng: Random, number: int) -> Counter[str]:
        (folder / "input").write_text(str(number))
        if number == 2:
            raise BrokenPromiseError("it broke")
        if number == 4 and not (tmp_path / "stopped").exists():
            (tmp_path / "stopped").touch()
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(600)  # the soak ends it
        return Counter({"tries": 10})

    parts = {"part one": Activity(third_breaks, 70), "part two": Activity(lambda *_: Counter({"more": 1}), 2)}
    soak = Soak(tmp_path, 0, 10_000 / 60, clock=lambda: next(ticks))
    with pytest.raises(KeyboardInterrupt):
        soak.run(parts)
    assert soak.tried["part one"] == 31
    assert "short of the goal: part one (31 of 70)" in soak.summary(parts)
    soak = Soak(tmp_path, 0, 1e9, clock=lambda: next(ticks) if soak.tried["part one"] < 70 else 1e12)
    assert (soak.rounds["part one"], soak.tried["part one"]) == (4, 31)
    soak.run(parts, jobs=2)
    assert (tmp_path / "broken" / "part-one-2" / "input").read_text() == "2"
    assert json.loads((tmp_path / "state.json").read_text())["broken"] == soak.broken
    assert soak.tried["part one"] == soak.counts["tries"] + 1
    assert soak.summary(parts).endswith("1 broken; every goal reached")


def test_a_fault_of_the_soak_itself_is_shown_as_one(tmp_path: Path) -> None:
    parts = {"part": Activity(lambda *_: Counter({"x": 1 // 0}), 1)}
    soak = Soak(tmp_path, 0, 1, clock=lambda: 0 if not soak.broken else 1e3)
    soak.run(parts)
    assert "ZeroDivisionError" in soak.broken[0]


def test_damage_of_every_way_differs_from_the_file() -> None:
    for way, change in WAYS.items():
        assert change(b"some content", Random(0)) != b"some content", way
