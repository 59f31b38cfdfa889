"""The command line as a user types it: exit codes, messages, imports, leftover files."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
import yaml

from etude import cli
from etude.config.compose import compose, plain
from etude.config.resolved import ResolvedConfig
from etude.encodings.vocabulary import Vocabulary
from etude.models.checkpoint import metadata
from etude.models.pretrained import pretrained_names
from etude.runs.archive import pack
from forked import say
from networks import module_from
from run_folders import made_up

SLOW = [
    "torch", "torch._dynamo", "pytorch_lightning", "music21", "wandb", "matplotlib", "torchmetrics", "numpy",
]  # fmt: skip


@pytest.fixture
def with_jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Script that is `etude`, except that `etude train` ends as its seed says."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "stand_in.py").write_text(
        textwrap.dedent("""
        import sys
        from etude.errors import EtudeError

        def train(config):
            if config.seed == 1:
                raise EtudeError("one is unlucky")
            if config.seed == 2:
                raise ValueError("two is worse")
            if config.seed == 4:
                raise KeyboardInterrupt
            if config.seed == 6:
                open("/dev/null/file")
            return f"{config.model.hidden_dim}/{config.seed}"

        def summarise(outcomes):
            print("SUMMARY", [(o.overrides, o.result, o.error) for o in outcomes])
        """)
    )
    script = folder / "main.py"
    script.write_text(
        textwrap.dedent("""
        import dataclasses, sys
        from etude import cli
        train = cli.VERBS["train"]
        cli.VERBS["train"] = dataclasses.replace(train, target="stand_in:train", table="stand_in:summarise")
        if __name__ == "__main__":
            sys.exit(cli.main())
        """)
    )
    return script


def run(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


IMPORTED = """
import json, sys
from etude.cli import main
lines, slow, found = json.loads(sys.argv.pop()), set(json.loads(sys.argv.pop())), {}
for line in lines:
    before = slow & set(sys.modules)
    try:
        main(line.split())
    except SystemExit:
        pass
    found[line] = sorted(slow & set(sys.modules) - before)
sys.stderr.write("\\n" + json.dumps(found))
"""


def imported_by(*lines: str, cwd: Path, **environment: str) -> dict[str, list[str]]:
    """The slow modules that each command imports, one after the other in a new process."""
    command = [sys.executable, "-c", IMPORTED, json.dumps(SLOW), json.dumps(lines)]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stderr.splitlines()[-1])
    return found


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_the_verbs_with_examples(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = say(tmp_path, *arguments)
    assert done.code == 0
    assert done.err == ""
    for name, verb in {**cli.VERBS, **cli.TOOLS}.items():
        assert f"  {name}" in done.out
        assert verb.summary in done.out
        assert all(command in done.out for command, _ in verb.examples)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_of_a_verb_shows_groups_keys_and_examples(tmp_path: Path, verb: str) -> None:
    done = say(tmp_path, verb, "--help")
    assert done.code == 0
    assert cli.VERBS[verb].summary in done.out
    assert f"etude {verb} --cfg job" in done.out
    assert all(meaning in done.out for _, meaning in cli.VERBS[verb].examples)
    assert "schema" not in done.out
    if verb == "train":
        assert "lstm*" in done.out
        assert "seed=0" in done.out


@pytest.mark.parametrize("tool", cli.TOOLS)
def test_help_of_a_tool_shows_what_it_takes(tmp_path: Path, tool: str) -> None:
    done = say(tmp_path, tool, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: etude {tool}")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("model", ["model=lstm: One LSTM layer", "model.hidden_dim=128", "(whole number, at least 1)"]),
        ("model=ffn", ["model=ffn: ", "model.context=16", "tokens that the network sees"]),
        ("data", ["data.split=by_piece", "data.published.size=1575322", "data.reader=fast"]),
        ("data.encoding=pitch_set", ["data.encoding.step=1/8", "one of 1/4, 1/8"]),
        ("logger", ["logger.wandb.mode=offline"]),
        ("debug=overfit", ["debug=overfit: ", "  model.dropout=0.0"]),
    ],
)
def test_help_of_a_group_shows_its_keys_with_value_range_and_meaning(
    capsys: pytest.CaptureFixture[str], word: str, says: list[str]
) -> None:
    assert cli.main(["train", "--help", word]) == 0
    shown = capsys.readouterr().out
    assert [each for each in says if each not in shown] == []


@pytest.mark.parametrize(
    ("word", "says"),
    [("modle", "no such group; did you mean model?"), ("model=lstn", "choose one of model=char_rnn, ")],
)
def test_help_of_no_group_says_which_there_are(
    capsys: pytest.CaptureFixture[str], word: str, says: str
) -> None:
    assert cli.main(["train", "--help", word]) == 2
    assert says in capsys.readouterr().err


def test_help_shows_the_choices_of_a_further_folder(tmp_path: Path) -> None:
    (tmp_path / "more" / "model").mkdir(parents=True)
    (tmp_path / "more" / "model" / "mine.yaml").write_text("defaults: [lstm, _self_]\nhidden_dim: 7\n")
    assert "mine" in say(tmp_path, "train", "--help", "--config-dir", "more").out
    shown = say(tmp_path, "train", "--config-dir", "more", "model=mine", "--cfg", "job", "-p", "model")
    assert yaml.safe_load(shown.out)["hidden_dim"] == 7


def test_nothing_slow_is_imported_before_a_job_runs(tmp_path: Path) -> None:
    lines = [
        *(f"{tool} --help" for tool in cli.TOOLS),
        "--help",
        "train --help",
        "train --help model",
        "--version",
        "train --cfg job",
        "train --info defaults",
        "train model.hiden_dim=1",
        "train -m seed=0,-1",
        "runs",
        "trian",
        "-sc install=bash",
        "-sc query=bash",
    ]
    imported = imported_by(*lines, cwd=tmp_path, COMP_LINE="etude train model.hid")
    assert imported == {line: [] for line in lines}


def test_a_prepared_corpus_is_shown_without_torch(tmp_path: Path) -> None:
    prepared = "prepare data.max_pieces=20"
    assert say(tmp_path, *prepared.split()).code == 0
    assert imported_by(prepared, cwd=tmp_path) == {prepared: ["numpy"]}


def test_sampling_imports_nothing_that_only_a_training_needs(tmp_path: Path) -> None:
    """Neither Lightning nor PyTorch's compiler, whose imports take longer than to write a melody."""
    vocabulary = Vocabulary.of(["60", "62", "_", "r"])
    config = plain(compose("train", ["model.hidden_dim=4"]))
    weights = module_from(config, vocabulary).state_dict()
    stored = metadata(ResolvedConfig(config), vocabulary, "")
    torch.save({"state_dict": weights, "etude": stored}, tmp_path / "a.ckpt")
    line = "sample run=a.ckpt sampling.forms=[midi] sampling.num_samples=1 sampling.max_tokens=16"
    assert imported_by(line, cwd=tmp_path) == {line: ["numpy", "torch"]}
    assert list(tmp_path.glob("a-samples/*/*.mid"))


def test_no_model_that_comes_with_etude_needs_more_to_be_sampled(tmp_path: Path) -> None:
    few = "sampling.forms=[midi] sampling.num_samples=1 sampling.max_tokens=16"
    first, *others = (f"sample run={name} {few}" for name in pretrained_names())
    expected = {first: ["numpy", "torch"], **{line: [] for line in others}}
    assert imported_by(first, *others, cwd=tmp_path) == expected


@pytest.mark.parametrize("line", ["train --help", "runs"])
def test_help_and_lists_do_not_even_import_hydra(tmp_path: Path, line: str) -> None:
    code = (
        f"import sys\nfrom etude.cli import main\nmain({line.split()})\n"
        "assert not {'hydra', 'multiprocessing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)


def test_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "etude", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"etude {version('etude')}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trian",), "error: no verb 'trian'; did you mean train?"),
        (("zzz",), "error: no verb 'zzz'\nVerbs: "),
        (("model=lstm",), "error: model=lstm stands before the verb; type etude VERB model=lstm"),
        (("train", "--config-dir", "none"), "error: --config-dir none: no such folder"),
        (("train", "--bogus"), "unrecognized arguments: --bogus"),
        (("train", "-m", "--info", "defaults"), "error: only one of"),
        (("train", "--resolve"), "error: --resolve says how"),
        (("train", "--experimental-rerun", "x.pickle"), "error: --experimental-rerun"),
        (("train", "data.split_seed=1.5"), "takes a whole number, got 1.5"),
        (("train", "seed=1,2"), "is a sweep, which needs -m"),
        (("train", "-m", "seed=1,x"), "seed=x  takes a whole number, got x"),
        (("train", "-cn", "nowhere"), "Cannot find primary config 'nowhere'"),
        (("train", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=abc", "seed=1,2"), "n_trials=abc"),
        (("train", "-m", "hydra.launcher.n_jobs=null", "seed=1,2"), "hydra.launcher.n_jobs=null"),
        (("train", "outputs_dir=/dev/null"), "outputs_dir=/dev/null  is a file"),
        (("sample",), "run  must be given; type run=..."),
    ],
)
def test_a_mistake_exits_2_with_one_message_and_creates_nothing(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = say(tmp_path, *arguments)
    assert says in done.err
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("job file/job.json", "file/job.json: no job.json"),
        ("job file", "file: no job.json"),
        ("sweep-report file", "file: no sweep"),
        ("sweep-report run_00000001 -o file", "file cannot be made a folder"),
        ("import run.zip --outputs file", "run.zip: could not be put to file/"),
        ("export run_00000001 file/run.zip", "there is no folder file"),
        ("train -m seed=0,1 hydra.sweep.dir=file", "file"),
    ],
)
def test_a_file_where_a_folder_is_meant_is_a_mistake(tmp_path: Path, words: str, says: str) -> None:
    pack(made_up(tmp_path, "run_00000001", nats=1.0), tmp_path / "run.zip")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    done = say(tmp_path, *words.split())
    assert done.code == 2
    assert done.err.startswith(f"error: {says}")
    assert "Traceback" not in done.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone", "of-ours"), PermissionError(1, "no name")])
def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def broken(tool: object, words: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_use", broken)
    with pytest.raises(type(error)):
        cli.main(["gc"])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", [1, 2, 3]),
        ("--limit 2", [2, 3]),
        ("--limit 9", [1, 2, 3]),
        ("--limit 0", []),
        ("--reverse --limit 2", [3, 2]),
        ("--sort seed --limit 2", [1, 2]),
        ("--sort seed --reverse --limit 2", [3, 2]),
        ("--sort seed --limit 0", []),
    ],
)
def test_a_limit_shows_the_latest_runs_or_the_first_of_an_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, shown: list[int]
) -> None:
    for number in (1, 2, 3):
        made_up(tmp_path, f"run_{number}", days=9 - number, seed=number)
    assert cli.main(["runs", "--outputs", str(tmp_path), "--paths", *words.split()]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"run_{number}") for number in shown]


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    done = say(tmp_path, "train", "model.hiden_dim=256", "optim.lr=-1", "data=erkk")
    first, *problems, hint = done.err.strip().splitlines()
    assert first == "error: 3 problems in the configuration"
    assert [problem.split()[0] for problem in problems] == ["model.hiden_dim=256", "optim.lr=-1", "data=erkk"]
    assert "did you mean model.hidden_dim?" in problems[0]
    assert "must be above 0 and at most 1000, got -1.0" in problems[1]
    assert "did you mean erk?" in problems[2]
    assert "etude train --help" in hint


def test_the_configuration_can_be_shown_in_hydras_ways(tmp_path: Path) -> None:
    job = yaml.safe_load(say(tmp_path, "train", "--cfg", "job", "seed=5").out)
    assert job["seed"] == 5
    assert "hydra" not in job
    part = say(tmp_path, "train", "--cfg", "job", "--package", "model", "--resolve")
    assert yaml.safe_load(part.out)["hidden_dim"] == job["model"]["hidden_dim"]
    hydra = yaml.safe_load(say(tmp_path, "train", "--cfg", "hydra").out)["hydra"]
    assert (hydra["run"]["dir"], hydra["output_subdir"], hydra["job"]["chdir"]) == (".", None, False)
    assert hydra["runtime"]["version_base"] == ".".join(version("hydra-core").split(".")[:2])
    assert set(yaml.safe_load(say(tmp_path, "train", "--cfg", "all").out)) > {"hydra", "model"}
    assert "model: lstm" in say(tmp_path, "train", "--info", "defaults-tree").out
    assert "hydra/launcher: basic" in say(tmp_path, "train", "--hydra-help").out
    assert list(tmp_path.iterdir()) == []


def test_the_rest_is_shown_when_something_is_missing(tmp_path: Path) -> None:
    done = say(tmp_path, "sample", "--cfg", "job")
    assert done.code == 0
    assert yaml.safe_load(done.out)["run"] == "???"


@pytest.mark.parametrize(
    ("seed", "code", "says"),
    [
        (0, 0, ""),
        (1, 2, "error: one is unlucky\n"),
        (2, 1, "ValueError: two is worse\n"),
        (4, 130, "error: interrupted\n"),
        (6, 2, "error: /dev/null/file: Not a directory\n"),
    ],
)
def test_how_a_job_ends_is_the_exit_code(
    with_jobs: Path, tmp_path: Path, seed: int, code: int, says: str
) -> None:
    done = run(with_jobs, "train", f"seed={seed}", cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr.endswith(says)
    assert ("Traceback" in done.stderr) == (code == 1)
    assert list(tmp_path.iterdir()) == []


def test_a_multirun_goes_on_after_a_failure_and_lists_all_of_them(with_jobs: Path, tmp_path: Path) -> None:
    done = run(with_jobs, "train", "model.hidden_dim=64", "-m", "-j", "2", "seed=0,1,2,5", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("SUMMARY [(('model.hidden_dim=64', 'seed=0'), '64/0', '')")
    assert "'64/5'" in done.stdout
    assert done.stderr.endswith(
        "error: 2 of 4 jobs failed\n"
        "  job 002 (model.hidden_dim=64 seed=1): one is unlucky\n"
        "  job 003 (model.hidden_dim=64 seed=2): ValueError: two is worse\n"
    )
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert done.stdout.endswith(f"sweep: {sweep.relative_to(tmp_path)}\n")


def test_an_interrupted_multirun_still_says_what_was_done(with_jobs: Path, tmp_path: Path) -> None:
    done = run(with_jobs, "train", "-m", "seed=0,4,5", "hydra/launcher=basic", cwd=tmp_path)
    assert done.returncode == 130
    assert "'128/0'" in done.stdout
    assert "(('seed=5',), None, 'not started" in done.stdout


@pytest.mark.parametrize("arguments", [("-j", "2"), ("-m", "-j", "0", "seed=1,2")])
def test_jobs_are_of_a_multirun(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = say(tmp_path, "train", *arguments)
    assert done.code == 2
    assert "error: --jobs" in done.err


COMPLETE = """
eval "$(etude -sc install=bash)"
complete -p etude | grep -q hydra_bash_completion || exit 1
while IFS= read -r COMP_LINE; do
  COMP_POINT=${#COMP_LINE}; read -ra words <<<"$COMP_LINE"; COMP_CWORD=$((${#words[@]} - 1))
  [[ $COMP_LINE == *" " ]] && COMP_CWORD=${#words[@]}
  hydra_bash_completion; echo "${COMPREPLY[*]}"
done
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_real_bash_completes_verbs_choices_and_keys(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "etude"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m etude "$@"\n')  # its path may have spaces
    program.chmod(0o755)
    expected = {
        "etude tr": "train",
        "etude ": " ".join([*cli.VERBS, *cli.TOOLS, "--help", "--version"]),
        "etude train data=moz": "data=mozart",
        "etude train model.hid": "model.hidden_dim=",
        "etude train seed=3 model.hid": "model.hidden_dim=",
        "etude train -m optim": "optim. optim=",
        "etude train --multi": "--multirun",
        "etude train schem": "",
        "etude zzz mo": "",
    }
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", COMPLETE],
        input="".join(f"{line}\n" for line in expected),
        cwd=program.parent,  # nothing else to complete here
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(zip(expected, done.stdout.splitlines(), strict=True)) == expected
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_get_their_script(tmp_path: Path, shell: str) -> None:
    done = say(tmp_path, "-sc", f"install={shell}")
    assert done.code == 0
    assert "etude" in done.out
