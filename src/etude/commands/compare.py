"""``etude compare RUN RUN ...``: samples of runs beside each other and beside held-out music, on one page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.commands.arguments import Words, check_new_page, mebibytes
from etude.errors import EtudeError
from etude.terminal import output_console, say

if TYPE_CHECKING:
    from etude.music import Piece
    from etude.reports.compare_page import ShownRun
    from etude.reports.compare_tables import ComparedRun
    from etude.runs.evaluations import StoredEvaluation

MOST_RUNS = 8
SHOWN = 4  # pieces of each run, and held-out ones
# Settings that a stored evaluation may name for more samples: none names a file or a class, or asks for work
# without end, as max_attempts could.
REPEATED = (
    "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "repetition_window", "no_repeat_ngram",
    "grammar", "phrase_bars", "only_valid", "primer", "max_tokens", "max_bars", "max_seconds",
    "lowest", "highest", "key", "step", "metre", "tempo",
)  # fmt: skip

_ABOUT = """\
Compare what etude evaluate has stored of two runs or more on the same held-out pieces: likelihood, musical
statistics, copies. The page also has four samples of each run, and four held-out pieces, to see and hear.

The samples are drawn with seed 0, not chosen. The page is one file and needs no network."""


def compare(words: Sequence[str]) -> int:
    """Print the tables and write the page; return the exit code."""
    parser = Words("compare", _ABOUT, outputs=False)
    help_ = "as for etude sample, such as pretrained/erk; or its evaluation_NAME_SET.json"
    parser.add_argument("runs", nargs="+", metavar="RUN", help=help_)
    parser.add_argument("-o", "--out", type=Path, default=Path("compare.html"), help="default: compare.html")
    flags = parser.read(words)
    if len(flags.runs) < 2 or len(set(flags.runs)) < len(flags.runs):
        parser.error("name two different runs or more")
    if len(flags.runs) > MOST_RUNS:
        parser.error(f"{len(flags.runs)} runs: at most {MOST_RUNS}")
    check_new_page(flags.out)

    from etude.runs.evaluations import read_evaluation

    stored = [read_evaluation(word) for word in flags.runs]
    _check_same_pieces(stored)

    from etude.files import atomic_write
    from etude.reports.compare_page import compare_page
    from etude.reports.compare_tables import Comparison, comparison_tables

    found = Comparison.of(_named(stored))
    out = output_console()
    for run in found.runs:
        say(f"{run.name:<14}{run.word}\n{textwrap.indent(textwrap.fill(run.words, 78), '  ')}")
    for table in comparison_tables(found):
        out.print(table)
    shown, pieces = _music(stored)
    atomic_write(flags.out, compare_page(found, shown, pieces).encode())
    say(f"{flags.out}: {mebibytes(flags.out.stat().st_size)}; open it in a browser")
    return 0


def _check_same_pieces(stored: Sequence[StoredEvaluation]) -> None:
    from etude.evaluation.closeness import other_held_out

    first = stored[0]
    for other in stored[1:]:
        if differs := other_held_out(first.content, other.content):
            raise EtudeError(
                f"{first.word} and {other.word} were evaluated on different held-out pieces: {differs}; "
                "etude evaluate run=RUN data=NAME set=SET evaluates a run on those of the other"
            )


def _named(stored: Sequence[StoredEvaluation]) -> list[ComparedRun]:
    from etude.reports.compare_tables import ComparedRun, short_names

    folders = [each.path.resolve().parent for each in stored]
    names = [each.name if each.parent.name == "pretrained" else each.parent.name for each in folders]
    return [
        ComparedRun(name, each.word, each.content)
        for name, each in zip(short_names(names), stored, strict=True)
    ]


def _music(stored: Sequence[StoredEvaluation]) -> tuple[list[ShownRun], list[Piece]]:
    """Return samples of each run, and held-out pieces from the first run that was trained on their corpus."""
    from etude.api import load_run, sampling_settings
    from etude.evaluation.first_pieces import first_pieces
    from etude.reports.compare_page import ShownRun
    from etude.sampling.context import TrainingContext
    from etude.sampling.generation import generate

    shown: list[ShownRun] = []
    pieces: list[Piece] = []
    for each in stored:
        say(f"{each.word}: {SHOWN} samples")
        model = load_run(each.run, each.checkpoint).model
        changes = _changes(each.content["sampling"]["settings"])
        settings = sampling_settings(num_samples=SHOWN, seed=0, **changes)
        shown.append(ShownRun(generate(model, settings).samples, changes))
        if not pieces and model.config["data"]["name"] == each.content["corpus"]["name"]:
            pieces = first_pieces(
                each.content, TrainingContext.of_model(model).corpus, model.vocabulary, SHOWN
            )
    return shown, pieces


def _changes(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the temperature of the measured samples, and other settings of theirs that differ from conf/."""
    from etude.config.fields import from_json
    from etude.evaluation.samples_file import usual_sampling

    usual, measured = usual_sampling(), from_json(settings)
    return {
        key: measured[key]
        for key in REPEATED
        if key in measured and (key == "temperature" or measured[key] != usual[key])
    }
