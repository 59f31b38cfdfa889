"""Arguments of commands without a configuration, parsed with argparse."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from etude.config.problems import did_you_mean
from etude.errors import EtudeError
from etude.runs.lookup import OUTPUTS


class Words(argparse.ArgumentParser):
    """Argument parser that raises EtudeError with what to type."""

    def __init__(self, verb: str, description: str, *, outputs: bool = True) -> None:
        super().__init__(
            prog=f"etude {verb}",
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if outputs:
            self.add_argument(
                "--outputs",
                type=Path,
                default=OUTPUTS,
                metavar="DIR",
                help="folder of the runs (default: outputs)",
            )

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse arguments and flags in any order; EtudeError for an unexpected one."""
        found, rest = self.parse_known_intermixed_args(list(words))
        if rest:
            flags = [flag for action in self._actions for flag in action.option_strings]
            self.error(f"{rest[0]} has no place here{did_you_mean(rest[0], flags)}")
        return found

    def error(self, message: str) -> NoReturn:
        """Raise EtudeError."""
        raise EtudeError(f"{message}\nType `{self.prog} --help` for what it takes.")


def check_new_page(path: Path) -> None:
    """Raise EtudeError if a page cannot be written there; an older one is not overwritten."""
    if path.exists():
        raise EtudeError(f"{path} exists; it is not overwritten; type -o OTHER.html")
    if not path.parent.is_dir():
        raise EtudeError(f"there is no folder {path.parent}")


def agreed(question: str, yes: bool) -> bool:
    """Ask for confirmation on the terminal; EtudeError without a terminal, unless ``yes``."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise EtudeError(f"{question} There is no terminal to ask; add --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def mebibytes(size: int) -> str:
    """Return a size in bytes as MiB."""
    return f"{size / 2**20:,.1f} MiB"
