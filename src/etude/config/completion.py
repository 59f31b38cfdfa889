"""Shell completion: Hydra's, extended to commands with a verb before the overrides."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence

from etude.config.hydra_adapter import option_strings
from etude.config.session import session

_HIDDEN_FLAGS = ("--experimental-rerun", "--config-path", "--config-name")


def complete(arguments: Sequence[str], verbs: Mapping[str, str], tools: Sequence[str] = ()) -> None:
    """Handle `-sc install=SHELL`, `uninstall=SHELL` or `query=SHELL`; ``verbs`` maps each to its config.

    ``tools`` are the verbs that have none.
    A query takes the line typed so far from the environment variable COMP_LINE, as Hydra's scripts set it.
    """
    words = [word for word in arguments if word not in ("-sc", "--shell-completion")]
    if not any(word.startswith("query=") for word in words):
        sys.argv = ["etude"]  # the name that Hydra's scripts register for
        with session() as hydra:
            hydra.shell_completion(None, words)
        return
    program, _, rest = os.environ.get("COMP_LINE", "").partition(" ")
    verb, space, typed = rest.lstrip().partition(" ")
    if not space:
        print("\n".join(name for name in [*verbs, *tools, "--help", "--version"] if name.startswith(verb)))
    elif verb not in tools and typed.rpartition(" ")[2].startswith("-"):
        print("\n".join(_flags(typed.rpartition(" ")[2])))
    elif verb in verbs:
        os.environ["COMP_LINE"] = f"{program} {typed.lstrip()}"
        # a line that is not finished yet may not parse, which is nothing to tell someone who is typing
        with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()), session() as hydra:
            hydra.shell_completion(verbs[verb], words)


def _flags(start: str) -> list[str]:
    return [
        option
        for option in option_strings()
        if option.startswith(start if start != "-" else "--") and option not in _HIDDEN_FLAGS
    ]
