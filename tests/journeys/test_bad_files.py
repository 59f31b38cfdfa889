"""A folder of broken files: what can be read is read, the rest is listed with place and reason."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from etude.corpora.store import open_store
from midi_bytes import END, meta, midi, notes, number, off, on, raw_track, track
from prepared_corpora import prepared_corpus

Etude = Callable[..., Any]  # conftest.py has it

HTML = b"<!DOCTYPE html>\n<html><body>404</body></html>"
SONG = track(notes((0, 480, 60), (480, 960, 64), (960, 1920, 67)))
GOOD = midi(SONG)

GOOD_MIDI = {
    "plain.mid": GOOD,
    "format-0.mid": midi(SONG, format_=0),
    "smpte.mid": midi(SONG, division=b"\xe7\x28"),  # 25 frames of 40 ticks
    "running-status.mid": midi(
        raw_track(b"\x00\x90\x3c\x40" + b"\x60\x3c\x00" + b"\x00\x40\x40" + b"\x60\x40\x00" + b"\x00" + END)
    ),
    "hanging.mid": midi(track([(0, on(60)), (480, on(62)), (960, off(62))])),
    "UPPER.MIDI": GOOD,
    "deep/er/plain.mid": GOOD,
    "latin-1.mid": midi(track([(0, meta(3, "Mährisch".encode("latin-1"))), *notes((0, 480, 60))])),
}
TWO_PIECES = {"format-2.mid": midi(SONG, track(notes((0, 240, 72), (240, 480, 74))), format_=2)}
BAD_MIDI = {
    "empty.mid": (b"", "the file is empty"),
    "page.mid": (HTML, "the file is a web page (HTML), not MIDI"),
    "noise.mid": (bytes(range(256)) * 9, "byte 0x0): this is not a MIDI file: it does not begin with MThd"),
    "truncated.mid": (GOOD[: len(GOOD) // 2], "a chunk of "),
    "header-only.mid": (GOOD[:10], "the file ends inside its header"),
    "silent.mid": (midi(track([(480, meta(3, b"nothing"))])), "there are no notes"),
    "drums.mid": (midi(track([(0, on(36, 64, 9)), (99, off(36, 9))])), "there are no notes but drums"),
    "waits.mid": (
        midi(raw_track(b"\x00" + on(60) + number(2**28 - 1) + off(60) + b"\x00" + END)),
        "268435455 ticks between two events",
    ),
    "waits-longer.mid": (
        midi(raw_track(b"\x00" + on(60) + number(10**9) + off(60) + b"\x00" + END)),
        "a variable-length number of more than four bytes",
    ),
    "format-7.mid": (midi(SONG, format_=7), "format 7"),
}

KERN = "**kern\n*C:\n*M4/4\n4c\n4d\n=1\n2e\n2g\n=2\n1c\n==\n*-\n"
GOOD_KERN = {
    "plain.krn": KERN.encode(),
    "crlf.krn": KERN.replace("\n", "\r\n").encode(),
    "bom.krn": b"\xef\xbb\xbf" + KERN.encode(),
    "latin-1.krn": "!!!OTL: Mährisch\n".encode("latin-1") + KERN.encode(),
    "grace-notes.krn": KERN.replace("2e\n", "8ddq\n2e\n").encode(),
}
BAD_KERN = {
    "empty.krn": (b"", "the file is empty"),
    "page.krn": (HTML, "the file is a web page (HTML), not a score"),
    "noise.krn": (bytes(range(256)) * 9, "the file is binary, not text"),
    "truncated.krn": (KERN[:29].encode(), "the spine does not end with *-: the file may be cut short"),
    "two-spines.krn": (b"**kern\t**kern\n*C:\t*C:\n4c\t4e\n*-\t*-\n", "notes sound at once"),
    "rests.krn": (b"**kern\n4r\n*-\n", "there are no notes"),
    "chord.krn": (KERN.replace("4d", "4d 4f").encode(), "notes sound at once"),
    "tie.krn": (KERN.replace("1c", "[1c").encode(), "a tie is still open at the end"),
}

TUNE = "X:{}\nT:Tune\nM:4/4\nL:1/4\nK:C\n{}\n\n"
GOOD_ABC = {
    "plain.abc": TUNE.format(1, "CDEF|GABc|"),
    "crlf.abc": TUNE.format(1, "CDEF|GABc|").replace("\n", "\r\n"),
    "bom.abc": "\ufeff" + TUNE.format(1, "CDEF|GABc|"),
    "open-repeat.abc": TUNE.format(1, "|:CDEF|GABc|"),
    "graces.abc": TUNE.format(1, "{cd}CDEF|GABc|"),
}
BAD_ABC = {
    "tuplet.abc": (TUNE.format(1, "CDEF|(3GA|"), "X:1, line 6): "),
    "unknown.abc": (TUNE.format(7, "CD\u20acF|"), "X:7, line 6): unknown character '\u20ac' in the music"),
    "chord-open.abc": (TUNE.format(1, "C[EG|"), "the chord is not closed"),
    "text.abc": ("Dear all,\nhere are the tunes.\n", "there is no tune (no line that begins with X:)"),
    "rests.abc": (TUNE.format(1, "z4|z4|"), "there are no notes"),
}


def fill(folder: Path, good: dict[str, bytes], bad: dict[str, tuple[bytes, str]]) -> None:
    for name, content in {**good, **{name: content for name, (content, _) in bad.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def encoded(texts: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in texts.items()}


def prepared(etude: Etude, choice: str, *overrides: str) -> tuple[int, list[str], str]:
    """Pieces that were taken, lines that report a rejection, and all that was said."""
    said = etude(
        "prepare",
        f"data={choice}",
        "data.path=songs",
        "data.split=by_window",
        "data.max_rejected=1",
        *overrides,
    )
    assert said.code == 0, said.err
    count = re.search(r"(\d+) pieces", said.out)
    assert count
    [folder] = re.findall(r"^store   (\S+)", said.out, re.MULTILINE)
    rejected = open_store(Path(folder)).rejected
    lines = [f"{name}{f' ({place})' if place else ''}: {reason}" for name, place, reason in rejected]
    shown = [
        line.removeprefix("  rejected ") for line in said.out.splitlines() if line.startswith("  rejected")
    ]
    assert shown == lines[:3]
    return int(count[1]), lines, said.out


def check(lines: list[str], bad: dict[str, str]) -> None:
    """Each bad file has one line, which gives its reason (after its place, where it has one)."""
    assert sorted(re.split(r"[: ]", line)[0] for line in lines) == sorted(bad)
    for name, reason in bad.items():
        [line] = [line for line in lines if re.match(rf"{re.escape(name)}[: ]", line)]
        assert reason in line, line


def test_midi(etude: Etude, tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    fill(songs, {**GOOD_MIDI, **TWO_PIECES}, BAD_MIDI)
    (songs / "folder.mid").mkdir()
    (songs / "loop.mid").symlink_to("loop.mid")
    (songs / "gone.mid").symlink_to("nowhere.mid")
    (songs / "round").symlink_to(songs, target_is_directory=True)
    os.mkfifo(songs / "pipe.mid")
    (songs / "notes.txt").write_text("not music, and not asked for")
    reasons = {name: reason for name, (_, reason) in BAD_MIDI.items()} | {
        "folder.mid": "this is not a file but a folder",
        "loop.mid": "the file cannot be opened: ",
        "gone.mid": "there is no such file",
        "pipe.mid": "this is not a file",
    }
    pieces, lines, said = prepared(etude, "midi_folder")
    assert pieces == len(GOOD_MIDI) + 2
    check(lines, reasons)
    assert f"{len(reasons)} rejected (" in said


def test_a_name_that_is_no_utf_8_names_its_piece_all_the_same(etude: Etude, tmp_path: Path) -> None:
    good, bad = os.fsdecode(b"F\xfcr Elise.mid"), os.fsdecode(b"F\xfcr nichts.mid")
    fill(tmp_path / "songs", {good: GOOD}, {bad: (b"no music", "")})
    pieces, lines, _ = prepared(etude, "midi_folder")
    assert pieces == 1
    [line] = lines
    assert line.startswith(r"F\udcfcr nichts.mid")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(etude: Etude, tmp_path: Path) -> None:
    fill(tmp_path / "songs", GOOD_MIDI, {"secret.mid": (GOOD, "")})
    (tmp_path / "songs" / "secret.mid").chmod(0)
    pieces, lines, _ = prepared(etude, "midi_folder")
    assert pieces == len(GOOD_MIDI)
    check(lines, {"secret.mid": "the file cannot be opened: Permission denied"})


def test_kern(etude: Etude, tmp_path: Path) -> None:
    fill(tmp_path / "songs", GOOD_KERN, BAD_KERN)
    pieces, lines, _ = prepared(etude, "kern_folder")
    assert pieces == len(GOOD_KERN)
    check(lines, {name: reason for name, (_, reason) in BAD_KERN.items()})


def test_abc(etude: Etude, tmp_path: Path) -> None:
    bad = {name: (text.encode(), reason) for name, (text, reason) in BAD_ABC.items()}
    chords_and_voices = {
        "chords.abc": (TUNE.format(1, "[CE]DEF|").encode(), "notes sound at once"),
        "voices.abc": (TUNE.format(1, "V:1\nCDEF|\nV:2\nEFGA|").encode(), "notes sound at once"),
    }
    fill(tmp_path / "songs", encoded(GOOD_ABC), bad | chords_and_voices)
    pieces, lines, _ = prepared(etude, "abc_file")
    assert pieces == len(GOOD_ABC)
    check(lines, {name: reason for name, (_, reason) in (bad | chords_and_voices).items()})
    pieces, lines, _ = prepared(etude, "abc_file", "data/encoding=performance")  # which takes chords
    assert pieces == len(GOOD_ABC) + 2
    check(lines, {name: reason for name, (_, reason) in bad.items()})


def test_too_many_rejections_stop_with_the_commonest_reason(etude: Etude, tmp_path: Path) -> None:
    fill(
        tmp_path / "songs", {"plain.mid": GOOD}, {"a.mid": (b"", ""), "b.mid": (b"", ""), "c.mid": (HTML, "")}
    )
    said = etude("prepare", "data=midi_folder", "data.path=songs")
    assert said.code == 2
    assert "3 of 4 pieces were rejected, more than data.max_rejected=0.2 allows" in said.err
    assert "most often (2 times): the file is empty" in said.err
    listed = re.search(r"The full list is in (\S+)", said.err)
    assert listed
    assert Path(listed[1]).read_text().count(".mid") == 3


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.mid": b"", "b.mid": b""}, "no piece of the corpus midi_folder could be used"),
        ({"a.txt": b"text"}, "no file there ends with .mid or .midi"),
        ({}, "there is no such file or folder"),
    ],
)
def test_nothing_to_use(etude: Etude, tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    fill(tmp_path / "songs", files, {})
    said = etude("prepare", "data=midi_folder", "data.path=songs")
    assert (said.code, said.out) == (2, "")
    assert message in said.err


def prepare_and_mark(folder: Path, marked: Callable[[], None], all_here: Barrier) -> None:
    from etude.corpora import preparation

    write = preparation._write

    def write_and_mark(*args: object) -> None:
        marked()
        write(*args)  # type: ignore[arg-type]

    preparation._write = write_and_mark  # type: ignore[assignment]
    all_here.wait()
    data = prepared_corpus(
        folder / "data", "data=midi_folder", f"data.path={folder / 'songs'}", "data.max_rejected=1"
    )
    assert len(data.store) == len(GOOD_MIDI)


def test_eight_processes_on_a_cold_folder_write_one_store(tmp_path: Path) -> None:
    fill(tmp_path / "songs", GOOD_MIDI, BAD_MIDI)

    def marked() -> None:
        with (tmp_path / "marks").open("a") as marks:
            marks.write("x")
        time.sleep(0.3)  # so that without a lock the others would write, too

    context = multiprocessing.get_context("fork")
    all_here = context.Barrier(8)
    processes = [
        context.Process(target=prepare_and_mark, args=(tmp_path, marked, all_here)) for _ in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert (tmp_path / "marks").read_text() == "x"
    [folder] = [path for path in (tmp_path / "data" / "store").iterdir() if path.is_dir()]
    assert len(open_store(folder).rejected) == len(BAD_MIDI)
