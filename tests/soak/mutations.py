"""Mutated input of readers, checkpoints, configurations and packed runs: read, or refused in a sentence."""

from __future__ import annotations

import io
import os
import resource
import shutil
import signal
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch

import midi_bytes as mb
from etude.config.compose import compose, plain
from etude.config.stored import check_stored
from etude.config.yaml_files import parse_conf, read_conf_text
from etude.errors import EtudeError
from etude.formats.any_file import READERS
from etude.formats.musicxml.writer import musicxml_bytes
from etude.models.checkpoint import load_model
from etude.models.export import portable_metadata
from etude.models.weights_file import weights_bytes
from etude.music import Piece
from etude.runs.archive import unpack
from etude.stored_files import read_yaml
from forked import end
from soak.ground import BrokenPromiseError, Ground

AT_ONCE = 250  # inputs of one process
SECONDS = 60  # for one input, on a busy machine
MEMORY = 2 * 2**30  # bytes beyond what the process has

KERN = (
    b"!!!OTL: T\n**kern\t**kern\n*M3/4\t*\n*k[b-]\t*\n*^\t*\n{8f\t2E\t[4c 4e\n8D\t.\t4c]\n*v\t*v\t*\n=1\t=1\n"
    b"[4.a\t4d\n8a]\t.\n16b-\t8cq\n24ccq\t.\n=2\t=2\n*M4/4\t*\n0G#\t1r\n==\t==\n*-\t*-\n"
)
ABC = (
    b"%abc-2.1\nM:C|\n\nX:1\nT:T\nM:6/8\nL:1/8\nQ:3/8=100\nV:1 name=a\nK:D mix ^f\n"
    b'"Am"(3ABc|:{g}d2-d>e|[1 [CE]2 z4:|[2 !trill!^f_G=a//|]\n[V:2][K:G]A,2 c\'3/4 & Z2|\nw:la la\n\n'
    b"X:2\nP:AB\nK:HP\nP:A\nabc|[L:1/4]a<<b(5:4:3cde x y `.A~B|!D.C.!\n"
)
MIDI = mb.midi(
    mb.track([(0, mb.tempo(500_000)), (0, mb.metre(3, 2)), (0, mb.named("t"))]),
    mb.track(mb.notes((0, 240, 60), (240, 480, 64), (300, 900, 67), (960, 1200, 61))),
)
WORDS = (
    b"0", b"-1", b"1e308", b"999999999", b"4294967296", b"nan", b"\xff\xff\xff\xff", b"\x00" * 8, b"\n", b"<",
    b"&", b"${oc.env:HOME}", b"../", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"[" * 500, b"!!python/name:os.system",
    b"*a &a",
)  # fmt: skip


def mutated(data: bytes, rng: Random) -> bytes:
    """Return bytes with one to eight random changes: bits, words, ranges cut, repeated, moved."""
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + int(rng.paretovariate(0.7)))
        how = rng.randrange(7)
        if how == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        elif how == 1:
            data = data[:at] + rng.randbytes(rng.randint(1, 4)) + data[at:]
        elif how == 2:
            data = data[:at] + data[to:]
        elif how == 3:
            data = data[:at] + rng.choice(WORDS) + data[at + rng.randrange(5) :]
        elif how == 4:
            data = data[:to] + data[at:to] * min(int(rng.paretovariate(0.5)), 2000) + data[to:]
        elif how == 5:
            place = rng.randrange(len(data) + 1)
            data = data[:place] + data[at:to] + data[place:]
        elif rng.random() < 0.2:
            data = data[:at]
        data = data[: 2**20]
    return data or b"x"


def _zip_mutated(data: bytes, rng: Random) -> bytes:
    """Return a zip file, itself damaged, or with a member damaged under a right CRC."""
    if rng.random() < 0.3:
        return mutated(data, rng)
    new = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(new, "w") as archive:
        members = old.infolist()
        chosen = rng.choice(members)
        for member in members:
            content = old.read(member)
            archive.writestr(member, mutated(content, rng) if member is chosen else content)
    return new.getvalue()


def _header_mutated(data: bytes, rng: Random) -> bytes:
    """Return a safetensors file, itself damaged, or with its header damaged under a right length."""
    if rng.random() < 0.3:
        return mutated(data, rng)
    end = 8 + int.from_bytes(data[:8], "little")
    header = mutated(data[8:end], rng)
    return len(header).to_bytes(8, "little") + header + data[end:]


class Target:
    """A kind of input: its seeds, its mutation, and its reader."""

    def __init__(
        self, seeds: Callable[[], list[bytes]], read: Callable[[bytes, Path], Any],
        mutate: Callable[[bytes, Random], bytes] = mutated, name: str = "input",
    ) -> None:  # fmt: skip
        self._seeds, self._read, self._mutate, self._name = seeds, read, mutate, name

    def round(self, folder: Path, rng: Random, name: str, many: int = AT_ONCE) -> Counter[str]:
        """Read many mutated inputs in one process, within limits of memory and time."""
        seeds = self._seeds()
        folder.mkdir(parents=True, exist_ok=True)
        child = os.fork()
        if not child:
            try:
                self._read_all(folder, rng, seeds, many)
                os._exit(0)
            finally:
                os._exit(1)
        if code := end(child):
            why = (folder / "why").read_text() if (folder / "why").is_file() else f"ended with code {code}"
            raise BrokenPromiseError(f"{name}: {why}", folder)
        return Counter({name: many})

    def _read_all(self, folder: Path, rng: Random, seeds: list[bytes], many: int) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # no handler: a library might not come back to it
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.setrecursionlimit(1000)
        for _ in range(many):
            data = self._mutate(rng.choice(seeds), rng)
            (folder / self._name).write_bytes(data)
            signal.alarm(SECONDS)
            try:
                self._read(data, folder)
            except EtudeError as error:
                if not str(error).strip():
                    (folder / "why").write_text("refused without a word")
                    raise
            except BaseException as error:
                (folder / "why").write_text(f"{type(error).__name__}: {str(error)[:200]}")
                raise
            signal.alarm(0)


def _reads(form: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        result = READERS[form][1](data, "x")
        assert result.pieces or result.rejected
        assert all(isinstance(piece, Piece) and len(piece) for piece in result.pieces)
        assert all(isinstance(each, EtudeError) and str(each).strip() for each in result.rejected)

    return read


@cache
def _defaults() -> dict[str, Any]:
    return plain(compose("train"))


def _stored_configuration(data: bytes, folder: Path) -> None:
    check_stored(read_yaml(folder / "input"), _defaults())


def _own_configuration(data: bytes, folder: Path) -> None:
    parse_conf(read_conf_text(folder / "input"), folder / "input")


def _packed_run(data: bytes, folder: Path) -> None:
    below = folder / "below"
    below.mkdir(exist_ok=True)
    try:
        unpack(folder / "input", below / "outputs")
    finally:
        assert {path.name for path in below.iterdir()} <= {"outputs"}
        assert {path.name for path in folder.iterdir()} <= {"input", "below", "why"}
        shutil.rmtree(below)


def targets(ground: Ground) -> dict[str, Target]:
    """Return every target by its name."""
    score = musicxml_bytes(READERS["abc"][1](ABC, "x").pieces[0])
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", score)
    done = ground.done / ground.run

    def file(name: str) -> Callable[[], list[bytes]]:
        return lambda: [(done / name).read_bytes()]

    return {
        "kern": Target(lambda: [KERN], _reads("kern")),
        "abc": Target(lambda: [ABC], _reads("abc")),
        "midi": Target(lambda: [MIDI], _reads("midi")),
        "musicxml": Target(lambda: [score], _reads("musicxml")),
        "mxl": Target(lambda: [zipped.getvalue()], _reads("musicxml"), _zip_mutated),
        "checkpoint": Target(
            file("checkpoints/best.ckpt"), lambda data, folder: load_model(folder / "input"), _zip_mutated
        ),
        "model file": Target(
            lambda: [_exported(done)],
            lambda data, folder: load_model(folder / "input.safetensors"),
            _header_mutated,
            name="input.safetensors",
        ),
        "stored configuration": Target(file("config.yaml"), _stored_configuration),
        "own configuration": Target(file("config.yaml"), _own_configuration),
        "packed run": Target(lambda: [_packed(ground)], _packed_run, _zip_mutated),
    }


def _exported(run: Path) -> bytes:
    model = load_model(run / "checkpoints" / "best.ckpt")
    weights = {f"network.{name}": each for name, each in model.network.state_dict().items()}
    return weights_bytes(portable_metadata(model, "0" * 64), weights, torch.float32)


def _packed(ground: Ground) -> bytes:
    from etude.runs.archive import pack
    from etude.runs.catalogue import find

    file = ground.folder / "packed.zip"
    if not file.is_file():
        pack(find(ground.done / "outputs", str(ground.done / ground.run)), file)
    return file.read_bytes()
