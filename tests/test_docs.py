"""Every command that README and docs show to a user runs, at toy size."""

import re
import shlex
from pathlib import Path

import pytest

from etude.cli import main
from etude.scores import Key, Metre, Piece
from etude.scores.abcnotation import abc_text
from etude.scores.midi import midi_bytes

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = re.compile(r"outputs/(\w+_lstm)/[\w.-]+")
SWEEP = re.compile(r"outputs/sweeps/[\w.-]+")
OWN = ("data=midi_folder", "data.path=my_songs", "data.name=my_songs")
KERN = ("c", "c#", "d", "e-", "e", "f", "f#", "g", "a-", "a", "b-", "b")
TRAININGS = {"erk_lstm": (), "my_songs_lstm": OWN}  # what makes the runs that pages speak of

TOY = {
    "train": ["debug=limit", "logger=csv", "model.hidden_dim=8", "trainer.max_epochs=1"],
    "sample": ["sampling.forms=[midi]", "sampling.max_tokens=40", "sampling.num_samples=1"],
    "prepare": ["data.max_pieces=60"],
}


def shown_commands() -> list[tuple[str, str]]:
    """Each `etude …` line of the shell blocks of each page."""
    commands: list[tuple[str, str]] = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
            commands += [(str(page.relative_to(ROOT)), line) for line in lines if line.startswith("etude ")]
    return commands


def toy_size(words: list[str]) -> list[str]:
    """The same command, small: our settings come before the user's own, which so keep the last word."""
    verb, *arguments = words
    keys = {argument.partition("=")[0] for argument in arguments}
    if any(argument.startswith("-") and argument not in ("-m", "--multirun", "-j") for argument in arguments):
        return words
    size = [setting for setting in TOY.get(verb, []) if setting.partition("=")[0] not in keys]
    return [verb, *size, *arguments] if verb in TOY else words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    write_songs(folder / "my_songs")
    return folder


def write_songs(folder: Path) -> None:
    """What docs/recipes/your_own_music.md speaks of: forty tiny songs in three formats, and a broken file."""
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


@pytest.mark.parametrize(("page", "command"), shown_commands(), ids=lambda value: str(value)[:60])
def test_a_shown_command_works(
    page: str, command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    if shown := RUN.search(command):
        runs = list(folder.glob(f"outputs/{shown[1]}/*"))
        if not runs:
            assert main(["train", *TOY["train"], *TRAININGS[shown[1]]]) == 0
            runs = list(folder.glob(f"outputs/{shown[1]}/*"))
        command = RUN.sub(str(runs[0].relative_to(folder)), command)
    if shown := SWEEP.search(command):
        sweeps = list(folder.glob("outputs/sweeps/*"))
        if not sweeps:
            assert main(["train", *TOY["train"], "-m", "seed=0,1"]) == 0
            sweeps = list(folder.glob("outputs/sweeps/*"))
        command = command.replace(shown[0], str(sweeps[0].relative_to(folder)))
    code = main(toy_size(shlex.split(command)[1:]))
    assert code == 0, f"{page}: {command}\n{capfd.readouterr().err}"


def test_the_pages_show_commands() -> None:
    assert {page for page, _ in shown_commands()} >= {"README.md", "docs/recipes/your_own_music.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
