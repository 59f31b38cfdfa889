"""``etude prepare`` killed at any moment: nothing half-made is ever opened, and the next run mends it all."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

import midi_bytes as mb
from etude.corpora import parallel, store_writer
from etude.corpora.store import open_store
from forked import begin, end, has_ended, wait_until

FORMS = [
    pytest.param((1, 30), id="once"),
    pytest.param((3, 200), id="again and again", marks=pytest.mark.soak),
]
NOTES = 1000  # in each file


def write_music(folder: Path, files: int) -> Path:
    folder.mkdir()
    for number in range(files):
        rng = random.Random(number)
        rows = [(120 * step, 120 * step + 100, rng.randrange(40, 90)) for step in range(NOTES)]
        (folder / f"{number}.mid").write_bytes(mb.midi(mb.track(mb.notes(*rows)), format_=0))
    return folder


def start(music: Path, data_dir: Path) -> int:
    """Prepare the music in a process of its own, which soon starts others; return its id."""

    def impatient() -> None:
        parallel.PATIENCE = 0.05  # the others are to be there when it is killed
        store_writer.MARK_SECONDS = 0.0  # the next one continues after the last file

    line = ("prepare", "data=midi_folder", f"data.path={music}", f"data.data_dir={data_dir}")
    return begin(data_dir, *line, first=impatient)


def stores(data_dir: Path) -> list[Path]:
    return [path for path in data_dir.glob("store/*") if path.is_dir() and not path.name.startswith(".")]


def being_made(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("store/.making-*"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.journey
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the processes in /proc")
@pytest.mark.parametrize("form", FORMS)  # how many kills, of how many files
def test_a_killed_preparation_leaves_nothing_that_the_next_one_does_not_mend(
    tmp_path: Path, form: tuple[int, int]
) -> None:
    kills, files = form
    music = write_music(tmp_path / "music", files)
    undisturbed = start(music, tmp_path / "undisturbed")
    begun = wait_until(lambda: being_made(tmp_path / "undisturbed"), undisturbed)
    ended = wait_until(lambda: stores(tmp_path / "undisturbed"), undisturbed)
    assert end(undisturbed) == 0
    [store] = stores(tmp_path / "undisturbed")
    expected = content(store)
    assert len(open_store(store)) == files

    data_dir, rng, helpers = tmp_path / "killed", random.Random(0), []
    for part in range(kills):
        process = start(music, data_dir)
        wait_until(lambda: being_made(data_dir), process)
        if part == 0:  # while its helpers read; later ones at any moment
            wait_until(lambda process=process: children(process), process)
        else:
            time.sleep((ended - begun) * (part + rng.random()) / kills)
        left = [] if has_ended(process) else children(process)
        os.kill(process, signal.SIGKILL)
        end(process)
        helpers += left
        assert being_made(data_dir) or stores(data_dir)
        for made in stores(data_dir):
            assert content(made) == expected  # it was quicker than the kill
        wait_until(lambda left=left: not any(map(is_alive, left)))

    if len(os.sched_getaffinity(0)) > 1:
        assert helpers  # else only one process was ever killed
    assert end(start(music, data_dir)) == 0
    assert [content(made) for made in stores(data_dir)] == [expected]
    assert not being_made(data_dir)
