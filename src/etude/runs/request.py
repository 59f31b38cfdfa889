"""Decide what to do for a requested run: show results, continue, begin, skip, or refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.code_hash import packages_of, training_code
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten, identity

Action = Literal["show", "begin", "continue", "skip"]
Differences = dict[str, tuple[Any, Any]]  # dotted key → (in the run, in the request)

# These change with every call, or take effect on a finished run too.
NEVER_MISSED = (
    "name",
    "outputs_dir",
    "on_running",
    "on_mismatch",
    "retry",
    "sampling.",
    "data.",
    "callbacks.",
)


@contextmanager
def resolve_request(
    run: RunFolder, config: ResolvedConfig, *, on_running: str, on_mismatch: str, retry: bool
) -> Iterator[Action]:
    """Yield what to do for a requested training; hold the run while it is begun or continued.

    EtudeError if it failed before, if it differs from the request, or if another process trains it, unless
    the three settings say what to do then.
    """
    answer = _answer(run, config, on_mismatch, retry)
    if answer == "show":  # no lock: many may look at once, also where they cannot write
        yield answer
        return
    with run.held(on_running) as ours:
        # Once more, because another process may have finished it while we waited.
        yield _answer(run, config, on_mismatch, retry) if ours else "skip"


def differences(run: RunFolder, config: ResolvedConfig) -> Differences:
    """Return where the stored run differs from the requested training: settings, code, packages."""
    manifest, stored = run.read_json("manifest.json"), run.read_config()
    theirs, ours = (identity(stored), identity(config)) if stored else ({}, {})
    code, packages = manifest.get("code", {}), manifest.get("packages", {})
    if code:  # of runs older than this record nothing is known
        theirs |= {f"code.{file}": digest for file, digest in code.items()}
        ours = ours | {f"code.{file}": digest for file, digest in training_code(config).items()}
    versions = {name: number for name, number in packages_of(config).items() if name in packages}
    theirs |= {f"packages.{name}": packages[name] for name in versions}
    ours = ours | {f"packages.{name}": number for name, number in versions.items()}
    return _unlike(theirs, ours)


def ignored(run: RunFolder, config: ResolvedConfig) -> list[str]:
    """Return the requested settings (KEY=VALUE) that change nothing about a finished run."""
    counted, ours = identity(config), flatten(config)
    unlike = _unlike(flatten(run.read_config()), ours)
    return [
        f"{key}={new}"
        for key, (_, new) in unlike.items()
        if key in ours and key not in counted and not key.startswith(NEVER_MISSED)
    ]


def _answer(run: RunFolder, config: ResolvedConfig, on_mismatch: str, retry: bool) -> Action:
    state = run.state
    if state in ("new", "queued"):
        return "begin"
    if unlike := differences(run, config):
        if on_mismatch == "stop":
            raise EtudeError(_mismatch(run, unlike))
        if on_mismatch == "rerun":
            return "begin"
    if state == "failed" and not retry:
        raise EtudeError(
            f"{run.path} failed before: {run.status.get('error', 'no reason is known')}\n"
            f"retry=true tries again from where it was saved last; its log is {run.log}"
        )
    return "show" if state == "done" else "continue"


def _unlike(theirs: dict[str, Any], ours: dict[str, Any]) -> Differences:
    keys = sorted({*theirs, *ours})
    return {key: (theirs.get(key), ours.get(key)) for key in keys if theirs.get(key) != ours.get(key)}


def _mismatch(run: RunFolder, unlike: Differences) -> str:
    wide = max(map(len, unlike))
    lines = [f"{run.path} was made with other settings, code or packages:"]
    for key, (old, new) in unlike.items():
        lines.append(f"  {key:<{wide}}  {'changed' if key.startswith('code.') else f'{old} → {new}'}")
    return "\n".join(lines) + (
        "\non_mismatch=reuse uses it all the same; on_mismatch=rerun removes it and trains again; "
        "label=WORD trains a second copy"
    )
