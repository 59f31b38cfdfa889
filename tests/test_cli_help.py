"""Help, the configuration as it is shown, and completion by the shell."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from etude import cli
from forked import say


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
        assert "lstm_copy*" in done.out
        assert "seed=0" in done.out


@pytest.mark.parametrize("tool", cli.TOOLS)
def test_help_of_a_tool_shows_what_it_takes(tmp_path: Path, tool: str) -> None:
    done = say(tmp_path, tool, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: etude {tool}")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("model", ["model=lstm_copy: One LSTM layer", "model.hidden_dim=128", "(whole number, at least 1)"]),
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
    assert "model: lstm_copy" in say(tmp_path, "train", "--info", "defaults-tree").out
    assert "hydra/launcher: basic" in say(tmp_path, "train", "--hydra-help").out
    assert list(tmp_path.iterdir()) == []


def test_the_rest_is_shown_when_something_is_missing(tmp_path: Path) -> None:
    done = say(tmp_path, "sample", "--cfg", "job")
    assert done.code == 0
    assert yaml.safe_load(done.out)["run"] == "???"


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
        "etude train seed=3 data=moz": "data=mozart",
        "etude train -m optim": "optim. optim=",
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


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("etude ", [*cli.VERBS, *cli.TOOLS, "--help", "--version"]),
        ("etude train data=moz", ["data=mozart"]),
        ("etude train model.hid", ["model.hidden_dim="]),
        ("etude train --multi", ["--multirun"]),
        ("etude train schem", []),
    ],
)
def test_a_shell_that_asks_is_told_the_words(tmp_path: Path, line: str, words: list[str]) -> None:
    done = say(tmp_path, "-sc", "query=bash", COMP_LINE=line)
    assert (done.code, done.out.split(), done.err) == (0, words, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_get_their_script(tmp_path: Path, shell: str) -> None:
    done = say(tmp_path, "-sc", f"install={shell}")
    assert done.code == 0
    assert "etude" in done.out
