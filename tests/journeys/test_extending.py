"""docs/recipes/extend.md: every class of it, in a folder outside the package, by the commands shown."""

import ast
import re
import runpy
import shlex
import shutil
import signal
import sys
from pathlib import Path

import pytest
import torch
from test_killed_training import STEP, outcome

from etude.config import own_code, plugins
from forked import at, begin, end, say
from journey import Etude, run_folder

PAGE = Path(__file__).parents[2] / "docs" / "recipes" / "extend.md"
LONGEST = {"python": 25, "yaml": 8}  # lines
SMALL = ("data.max_pieces=40", "trainer.max_epochs=1", "sampling.num_samples=1", "sampling.max_tokens=24",
         "sampling.forms=[midi]", "evaluate=off")  # fmt: skip


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


FILES = {text.splitlines()[0].removeprefix("# "): text for kind in LONGEST for text in blocks(kind)}
COMMANDS = [line for block in blocks("bash") for line in block.splitlines()]


@pytest.fixture
def own(etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Etude:
    """Type ``etude …`` in a folder with the files of the page."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(plugins, "_typed", {})
    for name in [each for each in sys.modules if each.startswith("own_")]:
        monkeypatch.delitem(sys.modules, name)
    own_code._found.cache_clear()
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return etude


@pytest.fixture(scope="module")
def outputs_of_gru(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """The outputs folder of a run of the page's network, trained once; not to be written to."""
    folder = tmp_path_factory.mktemp("gru")
    for name in ("own_gru.py", "conf/model/own_gru.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(FILES[name])
    said = say(folder, *GRU, ETUDE_DATA_DIR=str(data_dir))
    assert said.code == 0, said.out + said.err
    return folder / "outputs"


@pytest.fixture
def gru_run(own: Etude, outputs_of_gru: Path) -> str:
    """The folder of a copy of that run, as its training printed it."""
    shutil.copytree(outputs_of_gru, "outputs")
    [run] = Path("outputs").glob("*/*")
    return str(run)


def small(words: list[str]) -> list[str]:
    sized = SMALL if words[0] == "train" else ()
    logger = ["logger=csv"] * (words[0] == "train" and "logger=own" not in words)
    typed = {word.partition("=")[0] for word in words}
    return [*words, *logger, *(each for each in sized if each.partition("=")[0] not in typed)]


GRU = small(["train", "-cd", "conf", "model=own_gru"])


def test_each_part_is_short() -> None:
    for kind, most in LONGEST.items():
        for text in blocks(kind):
            lines = [line for line in text.splitlines()[1:] if line.strip()]
            assert len(lines) <= most, text
    assert len(FILES) >= 14


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("etude ")])
def test_a_shown_command_works(own: Etude, command: str) -> None:
    said = own(*small(shlex.split(command)[1:]))
    assert said.code == 0, said.out + said.err


def test_the_trainer_of_ones_own_runs(own: Etude, tmp_path: Path) -> None:
    runpy.run_path("own_trainer.py")
    assert own("sample", "run=mine.ckpt", "samples_dir=samples", *SMALL[2:5]).code == 0


def test_a_run_is_sampled_and_repeated_where_its_package_is_enabled(
    own: Etude, gru_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in [line for line in COMMANDS if line.startswith("ETUDE_PLUGINS=own_gru ")]:
        _, _, *words = shlex.split(command)
        monkeypatch.setattr(plugins, "_typed", {})
        said = own(*words)
        assert (said.code, said.out.count("sample 1")) == (2, 0)
        assert "type ETUDE_PLUGINS=own_gru before the command" in said.err
        with monkeypatch.context() as patch:
            patch.setenv("ETUDE_PLUGINS", "own_gru")
            said = own(*words)
        assert said.code == 0, said.out + said.err


def test_a_changed_model_is_named(own: Etude, gru_run: str, tmp_path: Path) -> None:
    assert "trained before" in own(*GRU).out
    file = tmp_path / "own_gru.py"
    file.write_text(
        file.read_text().replace("return self.linear(features)", "return 2 * self.linear(features)")
    )
    from etude import source_code

    source_code._read.cache_clear()
    said = own(*GRU)
    assert said.code == 2
    assert re.search(r"code\.own_gru +changed", said.err)
    assert gru_run in said.err


def test_loggers_and_callbacks_write_to_the_run(own: Etude, tmp_path: Path) -> None:
    said = own(*small(["train", "-cd", "conf", "logger=own", "callbacks=own", "trainer.log_every_n_steps=1"]))
    run = tmp_path / run_folder(said)
    assert "val/loss" in (run / "lines.txt").read_text()
    assert list(run.glob("lightning_logs/version_0/events*"))
    assert list((run / "checkpoints" / "best_three").glob("*.ckpt"))
    assert "train/gradient" in (run / "metrics.csv").read_text()


def test_an_encoding_that_lacks_a_part_is_refused_before_the_first_step(own: Etude, tmp_path: Path) -> None:
    file = tmp_path / "own_encoding.py"
    file.write_text(file.read_text().replace("    def is_onset", "    def is_beginning"))
    said = own(*small(["train", "-cd", "conf", "data/encoding=own_pitches"]))
    assert (said.code, "epoch" in said.out) == (2, False)
    assert "is no encoding: it lacks is_onset" in said.err


def test_a_new_project_trains_and_passes_its_test(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert etude("init", "my_lab").code == 0
    project, lines = tmp_path / "my_lab", (tmp_path / "my_lab" / "README.md").read_text().splitlines()
    assert len(lines) <= 20
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # theirs need none
    own_tests = begin(project, run=lambda line: int(pytest.main(["-q", "-p", "no:cacheprovider"])))
    assert end(own_tests) == 0, (project / "said.txt").read_text()
    assert "3 passed" in (project / "said.txt").read_text()
    assert 'etude.plugins"]\nmy_lab = "my_lab"' in (project / "pyproject.toml").read_text()


def test_a_project_needs_a_name_of_its_own(etude: Etude, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    named_badly = [(name, "as in my_lab") for name in ("my-lab", "My_lab", "class")]
    for name, why in (*named_badly, ("json", "another package"), ("there", "not overwritten")):
        said = etude("init", name)
        assert (said.code, why in said.err) == (2, True)


def test_a_plug_in_brings_choices_and_may_not_hide_shipped_ones(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert etude("init", "their_lab").code == 0
    monkeypatch.chdir(tmp_path / "their_lab")
    monkeypatch.setenv("ETUDE_PLUGINS", "their_lab")
    assert "their_lab.model.GRUNetwork" in etude("train", "--cfg", "job", "model=gru").out
    conf = tmp_path / "their_lab" / "their_lab" / "conf"
    (conf / "model" / "lstm.yaml").write_text("name: lstm\n")
    assert "Étude has a file of this name" in etude("train", "--cfg", "job").err
    monkeypatch.setenv("ETUDE_PLUGINS", "nobodys_lab")
    assert "there is no package nobodys_lab" in etude("train", "--cfg", "job").err


def test_a_sweep_of_an_own_class_trains_in_processes_of_its_own(own: Etude) -> None:
    said = own(*small(["train", "-m", "-j", "2", "model._target_=own_gru.Gru", "model.width=4,6"]))
    assert said.code == 0, said.out + said.err


def test_an_imported_run_is_opened_where_its_package_is_enabled(
    own: Etude, gru_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own("export", gru_run, "run.zip").code == 0
    monkeypatch.setattr(plugins, "_typed", {})
    assert own("import", "run.zip", "--outputs", "theirs").code == 0, "it is data until it is opened"
    line = ("sample", f"run={gru_run.replace('outputs', 'theirs', 1)}", *SMALL[2:5])
    said = own(*line)
    assert said.code == 2
    assert "type ETUDE_PLUGINS=own_gru before the command" in said.err
    monkeypatch.setenv("ETUDE_PLUGINS", "own_gru")
    said = own(*line)
    assert said.code == 0, said.out + said.err


OWN_PARTS = ("train", "model._target_=own_gru.Gru", "model.width=4", "optim._target_=own_optim.Signs",
             "+metrics.among._target_=own_metric.Among", "trainer.log_every_n_steps=1",
             "callbacks.checkpoint_minutes=0")  # fmt: skip


OWN_TOTAL = """\
from pytorch_lightning import Callback

class Total(Callback):
    total = 0.0

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.total += outputs["loss"].item()
        module.log("train/total", self.total)

    def state_dict(self):
        return {"total": self.total}

    def load_state_dict(self, state):
        self.total = state["total"]
"""


def logged(folder: Path) -> dict[str, dict[str, float]]:
    """Return what an own logger was given, by step, the later value where a step was repeated; no times."""
    rows: dict[str, dict[str, float]] = {}
    for line in next(folder.glob("outputs/*/*/lines.txt")).read_text().splitlines():
        step, _, metrics = line.partition(" ")
        rows.setdefault(step, {}).update(ast.literal_eval(metrics))
    return {
        step: {key: value for key, value in row.items() if not key.startswith("time/")}
        for step, row in rows.items()
    }


def test_a_killed_training_of_own_parts_ends_as_an_undisturbed_one(own: Etude, tmp_path: Path) -> None:
    """Network, corpus, optimizer, metric, logger, and callbacks, one of which has a state."""
    (tmp_path / "own_total.py").write_text(OWN_TOTAL)
    line = [*small([*OWN_PARTS, "-cd", "conf", "data=own_chords", "data.batch_size=8", "callbacks=own"]),
            "+logger.lines._target_=own_logger.Lines", "+callbacks.total._target_=own_total.Total",
            "trainer.max_epochs=2"]  # fmt: skip
    for name in ("calm", "killed"):
        shutil.copytree(tmp_path, tmp_path / name, ignore=shutil.ignore_patterns("calm", "killed"))
    assert end(begin(tmp_path / "calm", *line)) == 0, (tmp_path / "calm" / "said.txt").read_text()
    assert end(begin(tmp_path / "killed", *line, first=at(STEP, 7))) == -signal.SIGKILL
    assert end(begin(tmp_path / "killed", *line)) == 0, (tmp_path / "killed" / "said.txt").read_text()
    assert "resuming after step" in (tmp_path / "killed" / "said.txt").read_text()
    calm = outcome(tmp_path / "calm")
    assert outcome(tmp_path / "killed") == calm
    assert "train/total" in calm["metrics.csv"]
    assert len(logged(tmp_path / "calm")) > 7
    assert logged(tmp_path / "killed") == logged(tmp_path / "calm")


def test_two_processes_train_own_parts(own: Etude, tmp_path: Path) -> None:
    """The second is started, not forked, and imports them anew."""
    line = small([*OWN_PARTS[:-1], "trainer.devices=2", "trainer.strategy=ddp"])
    assert end(begin(tmp_path, *line)) == 0, (tmp_path / "said.txt").read_text()
    [saved] = tmp_path.glob("outputs/*/*/checkpoints/last.ckpt")
    content = torch.load(saved, weights_only=True)
    assert len(content["resume"]["processes"]) == 2
    assert "network.gru.weight_ih_l0" in content["state_dict"]
