"""Steering from the command line and from Python: primers, masks, stops, sweeps, a checkpoint alone."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from etude.formats.midi.writer import midi_bytes
from etude.music import Key, Metre, Piece
from journey import Etude

QUICK = ("sampling.forms=[]", "sampling.num_samples=2", "sampling.max_tokens=40")


def tokens(out: str) -> list[str]:
    return [line.split(": ", 2)[2] for line in out.splitlines() if line.startswith("sample ")]


def test_a_sweep_of_settings_is_one_table_and_one_page(toy_run: Path, etude: Etude) -> None:
    said = etude(
        "sample", "-m", f"run={toy_run}", "sampling.temperature=0,0.8,inf", "sampling.num_samples=2",
        "sampling.max_tokens=32", "sampling.forms=[wav,score,roll]",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "2 of 2" in said.out
    [page] = (toy_run / "samples").glob("side-by-side_*.html")
    text = page.read_text()
    assert text.count("<audio") == 6
    assert text.count("<img") == 12
    links = re.findall(r'src="([^"]+)"', text)
    assert len(links) == 18
    assert all((page.parent / unquote(link)).is_file() for link in links)


def test_a_checkpoint_alone_is_enough(toy_run: Path, etude: Etude, tmp_path: Path) -> None:
    alone = tmp_path / "melodies.ckpt"
    (toy_run / "checkpoints" / "best.ckpt").rename(alone)
    said = etude("sample", f"run={alone}", *QUICK)
    assert said.code == 0, said.err
    assert len(list(tmp_path.glob("melodies-samples/*/*.tokens.txt"))) == 2


def test_a_run_is_the_latest_or_the_beginning_of_its_name_or_hash(
    toy_run: Path, etude: Etude, tmp_path: Path
) -> None:
    from etude import load_run

    name = toy_run.name
    for word in ("latest", name.rpartition("_")[2][:4], name[:3], f"erk_lstm_copy/{name[:3]}"):
        said = etude("sample", f"run={word}", *QUICK)
        assert said.code == 0, said.err
        assert load_run(word).config["name"] == "erk_lstm_copy"
    said = etude("sample", "run=nothing", *QUICK)
    assert (said.code, "there is no run nothing below outputs" in said.err) == (2, True)


def test_primers_from_the_corpus_a_file_and_a_window(toy_run: Path, etude: Etude, tmp_path: Path) -> None:
    said = etude("sample", f"run={toy_run}", *QUICK, "sampling.primer_piece=X:", "sampling.primer_notes=3")
    assert (said.code, "give one whole" in said.err) == (
        2,
        True,
    )  # names that several pieces share are listed
    whole = said.err.split("names: ")[1].split(",")[0]
    said = etude("sample", f"run={toy_run}", *QUICK, f"sampling.primer_piece='{whole}'")
    assert said.code == 0, said.err
    song = Piece.from_notes(
        [(0, 1, 62), (1, 1, 66), (2, 1, 69), (3, 1, 74)], key=Key("D"), metres=[(0, Metre(4, 4))]
    )
    (tmp_path / "mine.mid").write_bytes(midi_bytes(song))
    said = etude(
        "sample", f"run={toy_run}", *QUICK, "sampling.primer_file=mine.mid", "sampling.primer_notes=3",
        "sampling.forms=[abc]",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert all(line.startswith("60 _ _ _ 64 _ _ _ 67 _ _ _ ") for line in tokens(said.out))
    [written, *_] = toy_run.glob("samples/*/sample-1.abc")
    assert "K:D" in written.read_text()
    said = etude("sample", f"run={toy_run}", *QUICK, "sampling.primer_window=test", "sampling.max_tokens=70")
    assert said.code == 0, said.err
    first, second = tokens(said.out)
    assert first.split()[:32] != second.split()[:32]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sampling.primer='60'", "sampling.primer_window=test"], "one of them only"),
        (["sampling.primer_piece=Yesterday"], "the nearest names are"),
        (["sampling.primer_file=nowhere.mid"], "nowhere.mid"),
        (["sampling.top_k=3", "sampling.filters=[grammar,temperature]"], "top_k=3 has no effect"),
        (["sampling.max_bars=2", "sampling.max_seconds=3"], "one of the two is enough"),
        (["sampling.step=1/16"], "have their own rhythm"),
    ],
)
def test_what_does_not_go_together_is_said(
    toy_run: Path, etude: Etude, arguments: list[str], message: str
) -> None:
    said = etude("sample", f"run={toy_run}", *arguments)
    assert said.code == 2
    assert message in said.err


def test_generating_until_enough_are_well_formed_counts_those_that_were_not(
    toy_run: Path, etude: Etude
) -> None:
    hot = ("sampling.grammar=false", "sampling.temperature=inf", "sampling.max_tokens=12")
    said = etude("sample", f"run={toy_run}", *QUICK[:2], *hot, "sampling.only_valid=true")
    assert said.code == 0, said.err
    assert re.search(r"^\d+ of \d+ generated pieces are well formed", said.out, re.MULTILINE)
    assert len(tokens(said.out)) == 2


def test_python_and_the_command_line_generate_the_same(toy_run: Path, etude: Etude) -> None:
    from etude import load_run
    from etude.errors import EtudeError

    model = load_run(toy_run)
    pieces = model.sample(n=2, temperature=0.9, max_tokens=40, primer="60 _ 62")
    assert [piece.pitch.tolist()[:2] for piece in pieces] == [[60, 62]] * 2
    said = etude("sample", f"run={toy_run}", *QUICK, "sampling.primer='60 _ 62'")
    assert model.encoding.decode(model.encoding.split(tokens(said.out)[0])).piece == pieces[0]
    with pytest.raises(EtudeError, match=r"did you mean sampling\.temperature"):
        model.sample(temprature=1.0)
    with pytest.raises(EtudeError, match="at most 1"):
        model.sample(top_p=2.0, primer="it's")


def test_importing_etude_does_not_wait_for_torch() -> None:
    code = "import etude, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
