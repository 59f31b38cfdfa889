"""The command line: `etude VERB [KEY=VALUE ...]`.

Help must come at once, so nothing slow (torch, and even Hydra) is imported before a verb needs it.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.errors import EtudeError

if TYPE_CHECKING:
    from etude.config.jobs import Outcome


@dataclass(frozen=True)
class Verb:
    """A command: ``config`` names conf/<config>.yaml, ``target`` is "module:function", loaded when it runs.

    After a multirun, a function `summarise(outcomes)` in the same module prints what came of it.
    """

    summary: str
    config: str
    target: str
    examples: tuple[tuple[str, str], ...]


VERBS = {
    "prepare": Verb(
        "read and encode a corpus, so that training starts at once",
        "prepare",
        "etude.commands.prepare:prepare",
        (
            ("etude prepare", "the corpus that etude train takes by default"),
            ("etude prepare data=mozart", "another one"),
        ),
    ),
    "train": Verb(
        "train a model, and keep all that is needed to repeat, compare and sample it",
        "train",
        "etude.commands.train:train",
        (
            ("etude train", "the default model on the default corpus"),
            ("etude train model.hidden_dim=256 optim.lr=1e-3", "change two knobs"),
            ("etude train -m model.hidden_dim=64,128 seed=0,1", "four runs, compared at the end"),
        ),
    ),
    "sample": Verb(
        "draw new music from a trained run, to read, see and hear",
        "sample",
        "etude.commands.sample:sample",
        (("etude sample run=outputs/erk_lstm/...", "from that run: its folder, as etude train prints it"),),
    ),
}


@dataclass(frozen=True)
class Tool:
    """A command without a configuration: ``target`` is "module:function", given the words after the verb.

    The function reads them with argparse, which also answers `--help`, and returns the exit code. Its module
    imports nothing slow before the words are read.
    """

    summary: str
    target: str
    examples: tuple[tuple[str, str], ...]


TOOLS: dict[str, Tool] = {}

_FLAGS = (
    ("-m, --multirun", "run every combination of comma-separated values"),
    ("-c, --cfg job", "print the configuration instead of running; --resolve, --package PART"),
    ("-i, --info defaults-tree", "which file each part of the configuration comes from"),
    ("-cd, --config-dir DIR", "take further YAML files from DIR, laid out as conf/ is"),
    ("--hydra-help", "the settings of Hydra itself"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0: done. 1: a job failed. 2: a mistake that the user can mend. 130: interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except EtudeError as error:
        print_error(str(error))
        return 2
    except KeyboardInterrupt:
        print_error("interrupted")
        return 130
    except BrokenPipeError:
        # What reads our output has seen enough, as in `etude --help | head`; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def print_error(message: str) -> None:
    """Print a message for the user on stderr, never wrapped, so that it can be searched and copied."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text("error: ", style="bold red") + Text(message))


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else "--help"
    if "-sc" in arguments or "--shell-completion" in arguments:
        from etude.config.completion import complete

        words = [word for word in arguments if word not in (*VERBS, *TOOLS)]
        complete(words, {name: verb.config for name, verb in VERBS.items()}, list(TOOLS))
    elif first in ("-h", "--help", "help"):
        print(_help())
    elif first == "--version":
        from importlib.metadata import version

        print(f"etude {version('etude')}")
    elif first in TOOLS:
        return _use(TOOLS[first], arguments[1:])
    elif first not in VERBS:
        raise EtudeError(_unknown_verb(first))
    elif "-h" in arguments or "--help" in arguments:
        print(_verb_help(first, arguments))
    else:
        return _run(first, arguments[1:])
    return 0


def _use(tool: Tool, words: list[str]) -> int:
    from importlib import import_module

    module, _, name = tool.target.partition(":")
    code: int = getattr(import_module(module), name)(words)
    return code


def _unknown_verb(word: str) -> str:
    verbs = [*VERBS, *TOOLS]
    if word.startswith("-") or "=" in word:
        return f"{word} stands before the verb; type etude VERB {word} (verbs: {', '.join(verbs)})"
    near = difflib.get_close_matches(word, verbs, n=1)
    meant = f"; did you mean etude {near[0]}?" if near else ""
    return f"no verb {word!r}{meant}\nVerbs: {', '.join(verbs)}. Type `etude --help` for what they do."


def _help() -> str:
    known: dict[str, Verb | Tool] = {**VERBS, **TOOLS}
    wide = max(map(len, known)) + 2
    verbs = [f"  {name:<{wide}}{verb.summary}" for name, verb in known.items()]
    examples = [f"  {command}" for verb in known.values() for command, _ in verb.examples]
    return "\n".join(
        [
            "Étude: models of symbolic music; train, compare, sample.",
            "",
            "Usage: etude VERB [KEY=VALUE ...] [flags]",
            "",
            "Verbs:",
            *verbs,
            "",
            "Examples:",
            *examples,
            "",
            "`etude VERB --help` lists what a verb takes. Shell completion (bash; likewise zsh, fish):",
            '  eval "$(etude -sc install=bash)"',
        ]
    )


def _verb_help(name: str, arguments: Sequence[str]) -> str:
    from etude.config.folder import conf_dir, groups_of, knobs_in

    verb, shipped = VERBS[name], conf_dir()
    extra = [Path(word) for flag, word in pairwise(arguments) if flag in ("-cd", "--config-dir")]
    groups = [group for group in groups_of(verb.config, [shipped, *extra]) if group.choices]
    knobs = [knob for knob in knobs_in(shipped / f"{verb.config}.yaml") if "." not in knob.key]
    wide = max((len(group.name) for group in groups), default=0) + 2
    text = [
        f"etude {name}: {verb.summary}.",
        "",
        f"Usage: etude {name} [GROUP=CHOICE ...] [KEY=VALUE ...] [flags]",
    ]
    if groups:
        text += ["", "Groups and their choices (* is taken if you type none):"]
        text += [f"  {group.name:<{wide}}{_choices(group.choices, group.chosen)}" for group in groups]
    if knobs:
        text += ["", "Keys at the top:"]
        wide = max(len(f"{knob.key}={knob.value}") for knob in knobs) + 2
        text += [f"  {f'{knob.key}={knob.value}':<{wide}}{knob.comment}" for knob in knobs]
    text += ["", f"Every other key, with its value: etude {name} --cfg job", "", "Flags:"]
    text += [f"  {flag:<28}{meaning}" for flag, meaning in _FLAGS]
    wide = max(len(command) for command, _ in verb.examples) + 2
    text += ["", "Examples:", *(f"  {command:<{wide}}{meaning}" for command, meaning in verb.examples)]
    return "\n".join(text)


def _choices(names: Sequence[str], chosen: str) -> str:
    return ", ".join(f"{name}*" if name == chosen else name for name in names)


def _run(name: str, arguments: Sequence[str]) -> int:
    from hydra._internal.utils import get_args_parser
    from hydra.errors import HydraException

    from etude.config.session import session

    parser = get_args_parser()
    parser.prog = f"etude {name}"
    parser.usage = f"etude {name} [KEY=VALUE ...] [flags]; etude {name} --help says more"
    flags = parser.parse_intermixed_args(list(arguments))
    if flags.experimental_rerun is not None or flags.config_path is not None:
        raise EtudeError("--experimental-rerun and --config-path are not offered; --config-dir adds a folder")
    if bool(flags.cfg) + bool(flags.info) + flags.multirun + flags.run > 1:
        raise EtudeError("only one of --cfg, --info, --multirun and --run makes sense at a time")
    if flags.resolve and not flags.cfg:
        raise EtudeError("--resolve says how to print a configuration; add --cfg job")
    try:
        with session(extra=Path(flags.config_dir) if flags.config_dir else None) as hydra:
            return _act(name, flags, parser, hydra)
    except HydraException as error:
        raise EtudeError(str(error).strip()) from error


def _act(name: str, flags: Any, parser: Any, hydra: Any) -> int:
    from etude.config.compose import Checker
    from etude.config.jobs import Task, run
    from etude.config.plan import plan

    verb, command, lines = VERBS[name], f"etude {name}", list(flags.overrides)
    config_name = flags.config_name or verb.config
    checker = Checker(hydra.config_loader, config_name)
    if flags.hydra_help:
        hydra.hydra_help(config_name, parser, flags)
    elif flags.info:
        hydra.show_info(flags.info, config_name, lines)
    elif flags.cfg:
        plan(checker, lines, command, multirun=False, may_miss=True)
        hydra.show_cfg(config_name, lines, flags.cfg, flags.package, flags.resolve)
    else:
        task = Task(verb.target, plan(checker, lines, command, multirun=flags.multirun))
        try:
            return _report(task, run(hydra, config_name, lines, task))
        except KeyboardInterrupt:
            if task.outcomes:
                _summarise(verb.target, task.outcomes)
            raise
    return 0


def _report(task: Any, outcomes: Sequence[Outcome]) -> int:
    """Say what came of the jobs; return the exit code."""
    failed = [(number, outcome) for number, outcome in enumerate(outcomes, start=1) if outcome.error]
    if not task.plan.multirun:
        for _, outcome in failed:
            if not outcome.trace:
                raise EtudeError(outcome.error)
            print(outcome.trace, file=sys.stderr, end="")
        return 1 if failed else 0
    _summarise(task.target, outcomes)
    if failed:
        lines = [f"  job {number} ({' '.join(each.overrides)}): {each.error}" for number, each in failed]
        print_error("\n".join([f"{len(failed)} of {len(outcomes)} jobs failed", *lines]))
    return 1 if failed else 0


def _summarise(target: str, outcomes: Sequence[Outcome]) -> None:
    from importlib import import_module

    from etude.config.jobs import print_table

    # the module is known to import only if one of its jobs got anywhere
    ran = any(not outcome.error for outcome in outcomes)
    module = import_module(target.partition(":")[0]) if ran else None
    getattr(module, "summarise", print_table)(outcomes)
