"""Archive: pack a run into one zip file, and unpack it whole on another machine.

The file holds ``etude-run.json`` (the run's name, signature and corpus, and the size and sha256 of every
file) and the files themselves below ``run/``. The same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import uuid
import zipfile
from pathlib import Path
from typing import Any, TypedDict

from etude.errors import EtudeError, is_of_space, refused_place
from etude.plain_names import SWEEPS, path_problem
from etude.runs.catalogue import Entry, is_run
from etude.runs.checksums import FileChecksum, check_whole, checksum, damage, plain_files
from etude.runs.cleanup import in_use
from etude.stored_files import ARCHIVE_DAMAGE, check_types, parse_json, read_json

FORMAT = 1
LABEL = "etude-run.json"
FOLDER = "run/"
LONGEST_LABEL = 16 * 2**20  # bytes; a run of 100,000 files has one of 13 MB
MAX_FILES = 100_000
MAX_UNPACKED = 64 * 2**30  # bytes
SMALL = 2**30  # bytes that a file of any size may unpack to; beyond, MAX_RATIO times its own size
MAX_RATIO = 50  # weights hardly shrink; a bomb shrinks a thousandfold
_NEEDED = ("config.yaml", "manifest.json", "status.json")
_CHUNK = 2**20
_DATE = (1980, 1, 1, 0, 0, 0)  # zip's first day: the time of packing must not change the bytes


def pack(run: Entry, target: Path, *, wandb: bool = False) -> int:
    """Write a run to a zip file, atomically; return the number of its files.

    Left out are hidden files, links and, unless asked for, W&B's own. EtudeError for a run that is in use or
    not whole, or a target that exists.
    """
    if why := in_use(run):
        raise EtudeError(f"{run.path} {why}: it can be packed when it has ended")
    run.check_readable()
    if changed := [each for each in damage(run.path) if not each.endswith("is missing")]:
        raise EtudeError("\n".join(changed))
    check_whole(run.path)
    if missing := [name for name in _NEEDED if not (run.path / name).is_file()]:
        raise EtudeError(f"{run.path} lacks {', '.join(missing)}: it cannot be packed")
    if target.exists():
        raise EtudeError(f"{target} exists; it is not overwritten")
    if not target.parent.is_dir():
        raise EtudeError(f"there is no folder {target.parent}")
    label: dict[str, Any] = {
        "format": FORMAT,
        "name": _place(run),
        "signature": run.value("signature"),
        "corpus": run.value("corpus"),
        "files": {},
    }
    scratch = target.parent / f".exporting-{uuid.uuid4().hex}"
    try:
        with zipfile.ZipFile(scratch, "x", zipfile.ZIP_DEFLATED) as archive:
            for name in plain_files(run.path, () if wandb else ("wandb",)):
                label["files"][name] = _add(archive, FOLDER + name, run.path / name)
            text = json.dumps(label, indent=1, ensure_ascii=False)
            archive.writestr(_member(LABEL), text)
        scratch.replace(target)
    except OSError as error:
        if is_of_space(error):
            raise EtudeError(f"{target}: {refused_place(error)}") from error
        raise EtudeError(
            f"{run.path} could not be packed into {target}: {error.strerror or error}"
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
    return len(label["files"])


def unpack(source: Path, outputs: Path) -> tuple[Entry, bool]:
    """Unpack a run below ``outputs``, atomically; return it, and whether it is new there.

    Every file's size and sha256 must be as packed, and its name must stay inside the run's folder. EtudeError
    otherwise, and if another run, or the same one with other files, is in its place.
    """
    if not source.is_file():
        raise EtudeError(f"there is no file {source}")
    try:
        with zipfile.ZipFile(source) as archive:
            return _unpack(archive, outputs)
    except EtudeError as error:
        raise EtudeError(f"{source}: {error}") from None
    except ARCHIVE_DAMAGE as error:
        what = str(error) or type(error).__name__
        raise EtudeError(f"{source} is damaged, or no run that etude export has packed ({what})") from error


def _unpack(archive: zipfile.ZipFile, outputs: Path) -> tuple[Entry, bool]:
    label = _label(archive)
    name, files = label["name"], label["files"]
    _check_place(outputs, name)
    run = Entry(outputs / name, name)
    if run.path.exists():
        there = {file: run.path / file for file in files if (run.path / file).is_file()}
        unlike = [file for file in files if file not in there or checksum(there[file]) != files[file]]
        if not unlike:
            return run, False
        shown = ", ".join(unlike[:5]) + (f" and {len(unlike) - 5} more" if len(unlike) > 5 else "")
        same = run.value("signature") == label["signature"]
        what = "it holds the same training with other files" if same else "it holds another run"
        raise EtudeError(
            f"{run.path} exists: {what} ({shown} differ). It is not overwritten; --outputs DIR "
            "takes this one elsewhere"
        )
    scratch = outputs / f".importing-{uuid.uuid4().hex}"
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        wanted, free = sum(known["size"] for known in files.values()), shutil.disk_usage(outputs).free
        if wanted > free:
            raise EtudeError(f"holds {wanted:,} bytes; {outputs} has room for {free:,}")
        for file, known in files.items():
            _extract(archive, FOLDER + file, scratch / file, known)
        _check_whole(scratch, label)
        run.path.parent.mkdir(parents=True, exist_ok=True)
        scratch.rename(run.path)
    except OSError as error:
        raise EtudeError(f"could not be put to {run.path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return run, True


def _place(run: Entry) -> str:
    """Return the run's place below outputs: the one it had, else where etude train looks for it."""
    if _is_safe(run.name) and Path(run.name) != run.path:
        return run.name
    return f"{run.value('name') or 'run'}/{run.path.resolve().name}"


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    """Add a file to the zip archive; return its size and sha256."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(_member(name), "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


class _Label(TypedDict):
    format: int
    name: str
    signature: str | None
    corpus: str | None
    files: dict[str, FileChecksum]


def _check_sizes(archive: zipfile.ZipFile, files: dict[str, Any]) -> None:
    """Raise EtudeError for an archive that unpacks to more than the limits on a run."""
    if len(files) > MAX_FILES:
        raise EtudeError(f"it holds {len(files):,} files; a run has at most {MAX_FILES:,}")
    packed = sum(member.compress_size for member in archive.infolist())
    unpacked = sum(known["size"] for known in files.values())
    most = min(MAX_UNPACKED, max(SMALL, MAX_RATIO * packed))
    if unpacked > most or any(known["size"] < 0 for known in files.values()):
        raise EtudeError(f"it would unpack to {unpacked:,} bytes, more than {most:,}: no run packs so small")


def _label(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the archive's label, checked against its content."""
    members = [member.filename for member in archive.infolist()]
    if LABEL not in members:
        raise EtudeError(f"no {LABEL} in it: make the archive with etude export")
    if archive.getinfo(LABEL).file_size > LONGEST_LABEL:
        raise EtudeError(f"its {LABEL} is too large")
    label = parse_json(archive.read(LABEL), dict[str, Any], f"its {LABEL}")
    if label.get("format") != FORMAT:
        raise EtudeError(f"packed in format {label.get('format')}; this version reads {FORMAT}")
    check_types(label, _Label, f"its {LABEL}")
    name, files = label["name"], label["files"]
    _check_sizes(archive, files)
    # names of folders and files that stay where they are put, on every system
    unsafe = [each for each in [name, *files] if not _is_safe(each)]
    if unsafe:
        raise EtudeError(f"the name {unsafe[0]!r} in it leads elsewhere; nothing is unpacked")
    if sorted(members) != sorted([LABEL, *(FOLDER + file for file in files)]):
        raise EtudeError(f"it does not hold the files that its {LABEL} lists")
    for file, known in files.items():
        size = archive.getinfo(FOLDER + file).file_size
        if known["size"] != size or not re.fullmatch("[0-9a-f]{64}", known["sha256"]):
            raise EtudeError(f"{file} is not the file that was packed (its size differs)")
    return label


def _is_safe(name: object) -> bool:
    return isinstance(name, str) and len(name) <= 1000 and not path_problem(name)


def _check_place(outputs: Path, name: str) -> None:
    """Raise EtudeError where a run must not be put: among sweeps, or within another run."""
    parts = name.split("/")
    if parts[0] == SWEEPS:
        raise EtudeError(f"its name {name!r} is that of a sweep's folder; nothing is unpacked")
    for parent in (outputs.joinpath(*parts[:count]) for count in range(1, len(parts))):
        if is_run(parent) or (parent / "ledger.json").exists() or (parent / "search.json").exists():
            raise EtudeError(f"its name {name!r} leads into {parent}, which is a run or a sweep")


def _extract(archive: zipfile.ZipFile, name: str, target: Path, known: dict[str, Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), known["size"]
    with archive.open(name) as source, target.open("xb") as file:
        while left and (chunk := source.read(min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
            file.write(chunk)
        more = source.read(1)  # at the end the archive's own checksum is looked at as well
    if left or more or digest.hexdigest() != known["sha256"]:
        raise EtudeError(f"{name.removeprefix(FOLDER)} is not the file that was packed (its sha256 differs)")


def _check_whole(folder: Path, label: dict[str, Any]) -> None:
    if missing := [name for name in _NEEDED if not (folder / name).is_file()]:
        raise EtudeError(f"it lacks {', '.join(missing)}: no run")
    if not is_run(folder) or read_json(folder / "manifest.json").get("signature") != label["signature"]:
        raise EtudeError("its content is no run, or not the run on its label")
