"""The command line: `etude VERB [KEY=VALUE ...]`.

Help must come at once, so nothing slow (torch, and even Hydra) is imported before a verb needs it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.config.problems import did_you_mean
from etude.errors import EtudeError, Preempted, refused_place
from etude.interrupts import interrupts_kept
from etude.processes import OwnProcess, collection_paused, load
from etude.streams import open_streams
from etude.verbs import TOOLS, VERBS, Tool, Verb

if TYPE_CHECKING:
    from etude.config.jobs import Outcome
    from etude.config.plan import Plan


_FLAGS = (
    ("-m, --multirun", "run every combination of comma-separated values"),
    ("-j, --jobs N", "with -m: so many at a time, each in a process of its own (hydra.launcher.n_jobs=N)"),
    ("--zip KEY,KEY", "with -m: the first value of each together, then the second, and so on"),
    (
        "-c, --cfg job",
        "print the configuration (with -m: the jobs), run nothing; --resolve, --package PART",
    ),
    ("-i, --info defaults-tree", "which file each part of the configuration comes from"),
    ("-cd, --config-dir DIR", "take further YAML files from DIR, laid out as conf/ is"),
    ("--hydra-help", "the settings of Hydra itself"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0: done. 1: a job failed, or a rerun came out different. 2: an error that the user can correct.
    75: stopped by a signal and saved, to be tried again (EX_TEMPFAIL of sysexits.h). 130: interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        OwnProcess.is_ours = True
        open_streams(lasting=bool(arguments) and arguments[0] in (*VERBS, "job", "rerun"))
    try:
        with interrupts_kept():
            return _dispatch(arguments)
    except EtudeError as error:
        print_error(str(error))
        return 2
    except Preempted as stop:
        _ignore_signals(argv)
        print_error(str(stop))
        return os.EX_TEMPFAIL
    except KeyboardInterrupt:
        _ignore_signals(argv)
        print_error("interrupted")
        return 130
    except BrokenPipeError:
        # What reads our output has seen enough, as in `etude --help | head`; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if not (refused := refused_place(error)):
            raise
        print_error(refused)
        return 2


def _ignore_signals(argv: Sequence[str] | None) -> None:
    """Ignore further signals, so that they do not change the exit code of the ending process."""
    if argv is None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)


def print_error(message: str) -> None:
    """Print a message on stderr, never wrapped, so that it can be searched and copied."""
    from rich.text import Text

    from etude.terminal import SafeConsole

    console = SafeConsole(stderr=True, soft_wrap=True, highlight=False)
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
        code: int = load(TOOLS[first].target)(arguments[1:])
        return code
    elif first not in VERBS:
        raise EtudeError(_unknown_verb(first))
    elif "-h" in arguments or "--help" in arguments:
        print(_verb_help(first, arguments))
    else:
        return _run(first, arguments[1:])
    return 0


def _unknown_verb(word: str) -> str:
    verbs = [*VERBS, *TOOLS]
    if word.startswith("-") or "=" in word:
        return f"{word} stands before the verb; type etude VERB {word} (verbs: {', '.join(verbs)})"
    near = did_you_mean(word, verbs)
    return f"no verb {word!r}{near}\nVerbs: {', '.join(verbs)}. Type `etude --help` for what they do."


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
    from etude.config.conf_files import conf_dir
    from etude.config.help import group_help, groups_help, top_help

    verb = VERBS[name]
    folders = [conf_dir()]
    folders += [Path(word) for flag, word in pairwise(arguments) if flag in ("-cd", "--config-dir")]
    if words := [word for flag, word in pairwise(arguments) if flag in ("-h", "--help") and word[0] != "-"]:
        return "\n".join(group_help(verb.config, words[0], folders))
    text = [
        f"etude {name}: {verb.summary}.",
        "",
        f"Usage: etude {name} [GROUP=CHOICE ...] [KEY=VALUE ...] [flags]",
    ]
    if groups := groups_help(verb.config, folders):
        text += ["", "Groups and their choices (* is taken if you type none):", *groups]
    if keys := top_help(verb.config, folders):
        text += ["", "Keys at the top:", *keys]
    text += [
        "",
        f"The keys of a group:                etude {name} --help GROUP, or --help GROUP=CHOICE",
        f"Every key, with its value:          etude {name} --cfg job",
        "",
        "Flags:",
        *(f"  {flag:<28}{meaning}" for flag, meaning in _FLAGS),
    ]
    wide = max(len(command) for command, _ in verb.examples) + 2
    text += ["", "Examples:", *(f"  {command:<{wide}}{meaning}" for command, meaning in verb.examples)]
    return "\n".join(text)


def _run(name: str, arguments: Sequence[str]) -> int:
    with collection_paused():
        from hydra.errors import HydraException

        from etude.config.hydra_adapter import argument_parser
        from etude.config.session import session
        from etude.config.targets import root_class

    parser = argument_parser()
    parser.prog = f"etude {name}"
    parser.usage = f"etude {name} [KEY=VALUE ...] [flags]; etude {name} --help says more"
    parser.add_argument("--jobs", "-j", type=int)
    parser.add_argument("--zip", type=lambda text: tuple(text.split(",")), default=())
    flags = parser.parse_intermixed_args(list(arguments))
    if flags.experimental_rerun is not None or flags.config_path is not None:
        raise EtudeError("--experimental-rerun and --config-path are not offered; --config-dir adds a folder")
    if bool(flags.cfg) + bool(flags.info) + flags.run > 1 or (flags.multirun and (flags.info or flags.run)):
        raise EtudeError("only one of --cfg, --info, --multirun and --run makes sense at a time")
    if flags.multirun and not VERBS[name].sweeps:
        raise EtudeError(f"etude {name} runs by itself; leave out --multirun (-m)")
    if flags.zip and not flags.multirun:
        raise EtudeError(f"--zip {','.join(flags.zip)}: says how to combine values; add -m")
    if flags.resolve and not flags.cfg:
        raise EtudeError("--resolve says how to print a configuration; add --cfg job")
    if flags.jobs is not None:
        if flags.jobs < 1 or not flags.multirun:
            raise EtudeError(f"--jobs {flags.jobs}: how many of a multirun (-m) run at a time, from 1")
        flags.overrides.append(f"hydra.launcher.n_jobs={flags.jobs}")
    try:
        extra = Path(flags.config_dir) if flags.config_dir else None
        with session(extra=extra, root=root_class(VERBS[name].config)) as hydra:
            return _act(name, flags, parser, hydra)
    except HydraException as error:
        raise EtudeError(str(error).strip()) from error


def _act(name: str, flags: Any, parser: Any, hydra: Any) -> int:
    from etude.config.compose import Checker
    from etude.config.jobs import run_single
    from etude.config.plan import plan, plan_lines

    verb, command, lines = VERBS[name], f"etude {name}", list(flags.overrides)
    config_name = flags.config_name or verb.config
    checker = Checker(hydra.config_loader, config_name)
    if flags.hydra_help:
        hydra.hydra_help(config_name, parser, flags)
    elif flags.info:
        hydra.show_info(flags.info, config_name, lines)
    elif flags.cfg and not flags.multirun:
        plan(checker, lines, command, multirun=False, may_miss=True)
        hydra.show_cfg(config_name, lines, flags.cfg, flags.package, flags.resolve)
    else:
        jobs = plan(checker, lines, command, multirun=flags.multirun, target=verb.target, zipped=flags.zip)
        if flags.cfg:
            print("\n".join(plan_lines(jobs, lines)))
            return 0
        if jobs.multirun:
            return _sweep(verb, hydra, config_name, lines, jobs)
        return _ended(run_single(hydra, config_name, lines, verb.target))
    return 0


def _ended(outcome: Outcome) -> int:
    """Print the error of a single job, if any; return the exit code."""
    if outcome.error and not outcome.trace:
        raise EtudeError(outcome.error)
    print(outcome.trace, file=sys.stderr, end="")
    return 1 if outcome.error else 0


def _sweep(verb: Verb, hydra: Any, config_name: str, lines: list[str], jobs: Plan) -> int:
    """Run the missing jobs of a multirun; print the outcome of all."""
    from etude.runs.status import RunState
    from etude.sweeps.engine import open_sweep, run_sweep

    sweep = open_sweep(hydra, config_name, lines, jobs, verb.target, trains=verb.trains)
    try:
        run_sweep(hydra, config_name, lines, sweep, search=verb.target if jobs.search else None)
    finally:
        outcomes = {job.name: job.outcome() for job in sweep.jobs()}
        load(verb.table)(list(outcomes.values()))
        print(f"sweep: {sweep.path}")
    failed = {name: outcome for name, outcome in outcomes.items() if outcome.error}
    if failed:
        rows = [f"  job {name} ({' '.join(each.overrides)}): {each.error}" for name, each in failed.items()]
        print_error("\n".join([f"{len(failed)} of {len(outcomes)} jobs failed", *rows]))
    again = all(sweep.job(name).state == RunState.PREEMPTED for name in failed)
    return (os.EX_TEMPFAIL if again else 1) if failed else 0
