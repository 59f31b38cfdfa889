"""Every command that README and docs show to a user runs, at toy size."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from music21.corpus import getWork
from omegaconf import OmegaConf

from corpora import BESIDE_THE_CHECKOUT, MIRROR, published
from drawn_curves import drawings, drawn_curves
from etude.cli import main
from etude.config.compose import compose
from etude.formats.abc.writer import abc_text
from etude.formats.midi.writer import midi_bytes
from etude.music import Key, Metre, Piece
from forked import forked_submission
from journey import LIMIT
from shared_checkout import shared_checkout

__all__ = ["drawings", "drawn_curves", "shared_checkout"]

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))  # executed by tests/journeys/test_notebook.py
PRESETS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))
RUN = re.compile(r"outputs/(" + "|".join([r"\w+_lstm_copy", *PRESETS]) + r")\b(/[\w.-]+)?")
SWEEP = re.compile(r"outputs/sweeps/(erk_lstm_copy|train-search)-[\w.-]+")
SWEPT = {
    "erk_lstm_copy": ("seed=0,1",),
    "train-search": ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "seed=0,1"),
}
OWN = ("data=midi_folder", "data.path=my_songs", "data.name=my_songs")
KERN = ("c", "c#", "d", "e-", "e", "f", "f#", "g", "a-", "a", "b-", "b")
CHORALES = (
    "data=musicxml_folder",
    "data.path=chorales",
    "data.name=chorales",
    "data/encoding=voices",
    "data.transpose=true",
)
TRAININGS = {
    "erk_lstm_copy": (),
    "my_songs_lstm_copy": OWN,
    "chorales_lstm_copy": CHORALES,
}  # the settings of the pages' runs, without presets

TOY = {
    "prepare": [],
    "train": [*LIMIT, "logger=csv", "model.hidden_dim=8", "trainer.max_epochs=1"],
    "sample": [
        "sampling.forms=[midi]",
        "sampling.max_tokens=40",
        "sampling.num_samples=1",
        "sampling.max_attempts=8",
    ],
    "evaluate": ["sampling.max_tokens=40", "sampling.num_samples=3", "resamples=100"],
}
# Settings of the pages that decide how long a command takes.
LARGEST = {
    "data.max_pieces": 60,
    "trainer.max_epochs": 1,
    "hydra.sweeper.n_trials": 2,
    "sampling.num_samples": 3,
    "sampling.max_tokens": 100,
}
# Toy values for the keys of presets.
SMALL = {
    "model.hidden_dim": 8,
    "model.embedding_dim": 8,
    "model.num_layers": 2,
    "data.sequence_len": 16,
    "data.section_tokens": 100,
    "data.split_fractions": "[0.4,0.3,0.3]",  # so that a few pieces fill each set
    "trainer.max_epochs": 1,
    "callbacks.patience": "null",
    "sampling.num_samples": 1,
    "sampling.max_tokens": 40,
    "sampling.max_attempts": 8,  # so few tokens are seldom a whole tune
    "sampling.forms": "[midi]",
}
PIECES = {"erk": 40, "essen": 40, "cobb": 20, "mozart": 1}  # files, but of Mozart's works, which are long


def shown_commands() -> list[tuple[str, str]]:
    """Each `etude …` line of the shell blocks, once, with the first page that shows it."""
    pages: dict[str, str] = {}
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
            for line in lines:
                if line.startswith("etude "):
                    pages.setdefault(line, str(page.relative_to(ROOT)))
    return [(page, line) for line, page in pages.items()]


def toy_size(words: list[str]) -> list[str]:
    """The same command at toy size; the user's settings win, except those that set its duration."""
    verb, *arguments = words
    arguments = two_jobs(arguments)
    arguments = [at_most(word) for word in arguments]
    keys = {argument.partition("=")[0] for argument in arguments}
    if any(argument.startswith("-") and argument not in ("-m", "--multirun", "-j") for argument in arguments):
        return words
    if "-m" in arguments and not any(argument.startswith("hydra/launcher=") for argument in arguments):
        arguments = [*without_jobs(arguments), "hydra/launcher=basic"]
    if presets := [argument for argument in arguments if argument.startswith("experiment=")]:
        chosen = [word for word in arguments if word.startswith(("data=", "data.path="))]
        size = toy_preset(presets[0], *chosen)
        kept = [argument for argument in arguments if not argument.startswith("trainer.max_epochs=")]
        return [verb, *kept, *(setting for setting in size if setting.partition("=")[0] not in keys), size[0]]
    if verb not in TOY:
        return words
    size = [setting for setting in TOY[verb] if setting.partition("=")[0] not in keys]
    chosen = [word.removeprefix("data=") for word in arguments if word.startswith("data=")]
    if verb == "prepare" or (verb == "evaluate" and chosen):
        size.append(f"data.max_pieces={PIECES.get(chosen[0] if chosen else 'erk', 60)}")
    return [verb, *size, *arguments]


def at_most(word: str) -> str:
    """The same setting, or a smaller value if it sets the duration."""
    key, _, value = word.partition("=")
    return f"{key}={min(int(value), LARGEST[key])}" if key in LARGEST else word


def two_jobs(arguments: list[str]) -> list[str]:
    """A sweep of the first two values of its first key, and the first value of each other key.

    One value where a job is a forked process; tests/sweeps/test_submitit.py has several, started anew.
    """
    sizes = iter(() if "hydra/launcher=submitit_local" in arguments else (2,))
    shorter = []
    for argument in arguments:
        key, equals, values = argument.partition("=")
        if "," in values and not set(values) & set("()[]"):
            values = ",".join(values.split(",")[: next(sizes, 1)])
        shorter.append(key + equals + values)
    return shorter


def without_jobs(arguments: list[str]) -> list[str]:
    """The arguments without ``-j N``: the jobs run in this process, which has imported everything."""
    place = arguments.index("-j") if "-j" in arguments else len(arguments)
    return [*arguments[:place], *arguments[place + 2 :]]


@cache
def toy_preset(*choices: str) -> list[str]:
    """Overrides that make `experiment=NAME` small; skips a corpus that is not here."""
    config = compose("train", choices)
    if "published" in config.data:
        published(config.data.published.name)
    settings = [f"{key}={value}" for key, value in SMALL.items() if OmegaConf.select(config, key) is not None]
    pieces = f"data.max_pieces={PIECES.get(config.data.name, 'null')}"
    return ["trainer.max_epochs=1", *settings, pieces, "logger=csv", "callbacks.progress_bar=false"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("docs")
    write_songs(folder / "my_songs")
    write_chorales(folder / "chorales")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETUDE_DATA_DIR", str(data_dir))
        yield folder


def write_chorales(folder: Path) -> None:
    """A few of the chorales of docs/recipes/chorales.md."""
    folder.mkdir()
    for number in (253, 255, 256, 257, 258, 259, 260, 261, 262, 263, 264, 269):
        path = getWork(f"bach/bwv{number}")
        shutil.copy(path, folder)


def write_songs(folder: Path) -> None:
    """The folder of docs/recipes/your_own_music.md: forty tiny songs in three formats, and a broken file."""
    tunes = []
    for number in range(1, 41):
        pitches = [60 + number * step % 12 for step in (0, 1, 5, 7, 11, number)]
        notes = [(onset, 1, pitch) for onset, pitch in enumerate(pitches)]
        song = Piece.from_notes(notes, key=Key("C"), metres=[(0, Metre(4, 4))], title=f"Song {number}")
        (folder / "midi").mkdir(parents=True, exist_ok=True)
        (folder / "midi" / f"{number}.mid").write_bytes(midi_bytes(song))
        kern = ["**kern", "*C:", "*M4/4", *(f"4{KERN[pitch % 12]}" for pitch in pitches), "*-", ""]
        (folder / f"{number}.krn").write_text("\n".join(kern))
        tunes.append(abc_text(song).replace("X:1\n", f"X:{number}\n"))
    (folder / "tunes.abc").write_text("\n".join(tunes))
    (folder / "midi" / "not-found.mid").write_text("<html>404</html>")


def run_of(name: str, folder: Path) -> str:
    """A run of this name, trained at toy size unless an earlier command did."""
    if not (folder / "outputs" / name).is_dir():
        preset = f"experiment={name}"
        own = [*TOY["train"], *TRAININGS[name]] if name in TRAININGS else [preset, *toy_preset(preset)]
        assert main(["train", *own]) == 0
    return str(next(folder.glob(f"outputs/{name}/*")).relative_to(folder))


@pytest.mark.parametrize(("page", "command"), shown_commands(), ids=lambda value: str(value)[:60])
def test_a_shown_command_works(
    page: str, command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv(MIRROR, os.environ.get(MIRROR) or str(BESIDE_THE_CHECKOUT))
    if "run=latest" in command:  # the page's own, whatever ran before
        command = command.replace("run=latest", f"run={run_of(Path(page).stem, folder)}")
    if shown := RUN.search(command):
        run = run_of(shown[1], folder)
        command = RUN.sub(lambda found: run if found[2] else found[0], command)
    if shown := SWEEP.search(command):
        sweeps = list(folder.glob(f"outputs/sweeps/{shown[1]}-*"))
        if not sweeps:
            in_this_process = ("-m", "hydra/launcher=basic")
            assert main(["train", *TOY["train"], *in_this_process, *SWEPT[shown[1]]]) == 0
            sweeps = list(folder.glob(f"outputs/sweeps/{shown[1]}-*"))
        command = command.replace(shown[0], str(sweeps[0].relative_to(folder)))
    if command.startswith("etude play"):
        pytest.importorskip("gradio", reason="etude play needs Gradio")
        from etude.play.page import Page

        monkeypatch.setattr(Page, "launch", lambda self, port: self.close())  # it would wait for Ctrl-C
    if "hydra/launcher=submitit_local" in command:
        monkeypatch.setattr("submitit.local.local.start_controller", forked_submission)
    code = main(toy_size(shlex.split(command)[1:]))
    assert code == 0, f"{page}: {command}\n{capfd.readouterr().err}"


def test_the_pages_show_commands() -> None:
    assert {page for page, _ in shown_commands()} >= {"README.md", "docs/recipes/your_own_music.md"}


def test_each_preset_has_a_page_that_trains_and_samples_it() -> None:
    shown = [command for _, command in shown_commands()]
    for preset in PRESETS:
        for verb in ("train", "draw"):
            assert any(command.split()[:3] == ["etude", verb, f"experiment={preset}"] for command in shown), (
                preset
            )


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
