"""Stored names and titles are shown, but command neither the terminal nor a spreadsheet."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from etude import cli
from etude.commands.diff import diff
from etude.commands.runs import runs
from etude.reports.sweep_rows import SweepRow
from etude.reports.sweep_tables import as_csv
from etude.terminal import SafeConsole, csv_cell, json_text, printable, say
from run_folders import made_up

SOURCE = Path(cli.__file__).parent
HOSTILE = "erk\x1b[2J\x1b]0;title\x07\u202egnp.exe\u2028\x9b31m\r\nnext"
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.mark.parametrize("words", [(), ("--csv",), ("--json",), ("--paths",), ("--sort", "data.name")])
def test_a_listing_of_hostile_runs_commands_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    name = HOSTILE.replace("/", "")
    made_up(tmp_path, f"erk/{name}", nats=1.0, data__name=HOSTILE, label=HOSTILE)
    made_up(tmp_path, "erk/other_2", nats=2.0)
    assert runs(["--outputs", str(tmp_path), *words]) == 0
    out = capsys.readouterr().out
    assert "gnp.exe" in out
    assert not COMMANDS.search(out.replace("\r\n", "\n") if words == ("--csv",) else out)
    if words == ("--json",):
        assert HOSTILE in {row["data.name"] for row in json.loads(out)}


def test_a_comparison_of_hostile_runs_commands_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = made_up(tmp_path, "erk/a_1", nats=1.0, data__name=HOSTILE)
    second = made_up(tmp_path, "erk/b_2", nats=1.0)
    diff(["--outputs", str(tmp_path), str(first.path), str(second.path)])
    out = capsys.readouterr().out
    assert "gnp.exe" in out
    assert not COMMANDS.search(out)


def test_an_error_with_a_hostile_name_commands_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cli.print_error(f"there is no run {HOSTILE}")
    assert not COMMANDS.search(capsys.readouterr().err)


def test_music_signs_and_letters_are_printed_unchanged() -> None:
    text = "Étude – Dvořák: «Largo» ♪ 音楽\tüber\n"
    assert printable(text) == text


def test_colours_of_our_own_reach_the_terminal_and_those_of_a_cell_do_not() -> None:
    console = SafeConsole(file=io.StringIO(), force_terminal=True, color_system="standard")
    table = Table()
    table.add_row(Text("fine", style="red"), Text("\x1b[31mbad"))
    console.print(table)
    out = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[31mfine" in out
    assert "\x1b[31mbad" not in out


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-rf", "@SUM(1)", "\t=1"])
def test_a_cell_that_begins_as_a_formula_is_text(cell: str) -> None:
    assert csv_cell(cell) == f"'{cell}"
    rows = [SweepRow({"label": each}, {"folder": "x"}, each) for each in (cell, "other")]
    [_, row, _] = csv.reader(io.StringIO(as_csv(rows)))
    assert row[0] == row[-1] == f"'{cell}"


@pytest.mark.parametrize("cell", [-1.5, -3, None, True, "erk", "a-b"])
def test_numbers_and_words_stay_as_they_are(cell: object) -> None:
    assert csv_cell(cell) is cell


def test_json_for_programs_is_the_same_content(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(json_text({HOSTILE: [HOSTILE, -1, None]})) == {HOSTILE: [HOSTILE, -1, None]}
    say(HOSTILE)
    assert not COMMANDS.search(capsys.readouterr().out)


def test_every_command_prints_through_the_border() -> None:
    for path in (SOURCE / "commands").glob("*.py"):
        assert not re.search(r"(?<![\w.])(print|Console)\(", path.read_text()), path
