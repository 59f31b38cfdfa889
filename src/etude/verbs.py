"""Verbs: the commands of `etude`, with their summaries, examples and functions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A command: ``config`` names conf/<config>.yaml, ``target`` is "module:function", loaded when it runs.

    ``table`` prints the outcomes of a multirun, if the verb ``sweeps``. ``trains``: jobs of one training
    share it.
    """

    summary: str
    config: str
    target: str
    examples: tuple[tuple[str, str], ...]
    table: str = "etude.config.jobs:print_table"
    trains: bool = False
    sweeps: bool = True


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
            ("etude train model.hidden_dim=256 optim.lr=1e-3", "change two settings"),
            ("etude train -m model.hidden_dim=64,128 seed=0,1", "four runs, compared at the end"),
            ("etude train -m -j 4 seed=0,1,2,3", "four runs at a time"),
        ),
        table="etude.reports.sweep_tables:print_jobs",
        trains=True,
    ),
    "draw": Verb(
        "draw the network that a training would train: its modules, shapes and parameters",
        "train",
        "etude.commands.draw:draw",
        (("etude draw experiment=erk_lstm", "any line of etude train, with draw in its place"),),
    ),
    "sample": Verb(
        "generate music with a trained run, to read, see and hear",
        "sample",
        "etude.commands.sample:sample",
        (
            (
                "etude sample run=outputs/erk_lstm_copy/...",
                "from that run: its folder, as etude train prints it",
            ),
            ("etude sample -m run=... sampling.temperature=0.4,0.7,1.0", "side by side: a table and a page"),
        ),
        table="etude.commands.sample:summarise",
    ),
    "play": Verb(
        "play with a trained run on a page in the browser: settings, a primer, its music",
        "play",
        "etude.commands.play:play",
        (("etude play run=pretrained/erk", "a model that comes with Étude"),),
        sweeps=False,
    ),
    "evaluate": Verb(
        "measure a trained run: likelihood, musical statistics of samples, copies of training pieces",
        "evaluate",
        "etude.commands.evaluate:evaluate",
        (
            ("etude evaluate run=outputs/erk_lstm_copy/...", "on the test set of its corpus"),
            ("etude evaluate run=... data=cobb set=all", "on another corpus, in the tokens of the run"),
        ),
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


TOOLS: dict[str, Tool] = {
    "init": Tool(
        "write a project of your own, with a model and a corpus that train at once",
        "etude.commands.init:init",
        (("etude init my_lab", "in the folder my_lab/"),),
    ),
    "job": Tool(
        "run one job of a sweep by itself",
        "etude.commands.job:run_job",
        (("etude job outputs/sweeps/.../jobs/003", "the third, as it was frozen"),),
    ),
    "watch": Tool(
        "follow a run or a sweep from another terminal",
        "etude.commands.watch:watch",
        (("etude watch", "the run whose state changed last"), ("etude watch outputs/sweeps/...", "a sweep")),
    ),
    "sweep-report": Tool(
        "compare the runs of a sweep: table, CSV, a page of pictures",
        "etude.commands.sweep_report:sweep_report",
        (("etude sweep-report outputs/sweeps/...", "the sweep, as etude train -m prints it"),),
    ),
    "dashboard": Tool(
        "make a workspace in Weights & Biases for the runs of a project",
        "etude.commands.dashboard:dashboard",
        (("etude dashboard me/etude", "needs an account and runs that were sent"),),
    ),
    "compare": Tool(
        "show samples of runs beside each other and beside human music: tables, a page with sound",
        "etude.commands.compare:compare",
        (("etude compare outputs/erk_lstm/... outputs/erk_lstm_copy/...", "after etude evaluate of each"),),
    ),
    "listen": Tool(
        "compare samples of runs in pairs, blind, on a page with keys 1 and 2",
        "etude.commands.listen:listen",
        (("etude listen pretrained/erk outputs/erk_lstm_copy/...", "which does a class like better?"),),
    ),
    "runs": Tool(
        "list, filter and sort runs",
        "etude.commands.runs:runs",
        (("etude runs 'model.hidden_dim>=128' --sort test/nats", "the best of the larger ones first"),),
    ),
    "diff": Tool(
        "compare two runs: settings, circumstances, results",
        "etude.commands.diff:diff",
        (("etude diff 352f f00d", "by the beginnings of their hashes"),),
    ),
    "rerun": Tool(
        "train a run again from its folder, and say whether it came out the same",
        "etude.commands.rerun:rerun",
        (("etude rerun outputs/erk_lstm_copy/...", "that run, in a new folder"),),
    ),
    "verify": Tool(
        "check that the files of a finished run are as they were",
        "etude.commands.verify:verify",
        (("etude verify outputs/erk_lstm_copy/...", "every file against its checksum"),),
    ),
    "export": Tool(
        "pack a run, or its weights alone, into one file for another machine",
        "etude.commands.transfer:export",
        (
            ("etude export outputs/erk_lstm_copy/... run.zip", "all that it takes to sample and repeat it"),
            (
                "etude export outputs/erk_lstm_copy/... model.safetensors",
                "its weights, for etude sample alone",
            ),
            (
                "etude export outputs/erk_lstm_copy/... model.onnx",
                "one step of its network, for other programs",
            ),
        ),
    ),
    "import": Tool(
        "take in a run that etude export has packed",
        "etude.commands.transfer:import_",
        (("etude import run.zip", "to its place below outputs/"),),
    ),
    "rm": Tool(
        "remove runs",
        "etude.commands.rm:rm",
        (("etude rm outputs/erk_lstm_copy/...", "that run; asks first"),),
    ),
    "gc": Tool(
        "show, then remove, what killed and failed runs have left",
        "etude.commands.gc:gc",
        (("etude gc", "shows what would go; --go removes it"),),
    ),
}
