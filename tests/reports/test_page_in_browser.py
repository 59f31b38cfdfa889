"""The page of samples in a real browser: every picture is drawn, every sound can be played."""

import json
import re
import shutil
import subprocess
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest

from etude.evaluation.statistics import SampleStatistics
from etude.music import Piece
from etude.rendering.forms import write_forms
from etude.reports.samples_page import Setting, write_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOOK = """<pre id=seen></pre><script>
onload = () => setTimeout(() => {
  const pictures = [...document.images], players = [...document.querySelectorAll("audio")];
  seen.textContent = JSON.stringify({
    pictures: pictures.map(each => each.naturalWidth > 0 && each.clientWidth > 300),
    seconds: players.map(each => each.duration),
    failed: players.map(each => each.error && each.error.message),
    wide: document.body.scrollWidth,
  });
}, 1500);
</script>"""


@pytest.fixture
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser to look at pages with: none of {', '.join(BROWSERS)} is installed")
    return found


def test_each_score_roll_and_sound_is_there(browser: str, tmp_path: Path) -> None:
    settings = []
    for number, temperature in enumerate(("0.4", "1.3")):
        folder = tmp_path / "samples" / f"a #{number}? 100% & b"  # what a link must not trip over
        piece = Piece.from_notes([(n, 1, 60 + 2 * n) for n in range(4)], tempos=[(0, 120.0)])
        for sample in (1, 2):
            write_forms(piece, folder / f"sample-{sample}", ["wav", "score", "roll"])
        rows = [SampleStatistics(sample, 16, 4, 60, 66, 0.0, 2.0, 0.5, True, None) for sample in (1, 2)]
        settings.append(Setting({"sampling.temperature": temperature}, folder, rows, 2, 2))
    page = tmp_path / "samples" / "page.html"
    write_page(settings, page)
    page.write_text(page.read_text() + LOOK)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    command += ["--virtual-time-budget=8000", "--window-size=1400,1200", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"<pre id=\"seen\">(.+?)</pre>", done.stdout)
    assert found is not None, done.stderr[-2000:]
    seen = json.loads(unescape(found[1]))
    assert seen["pictures"] == [True] * 8
    assert seen["failed"] == [None] * 4
    assert all(Fraction(2) <= seconds < 4 for seconds in seen["seconds"])  # four beats, and what rings on
    assert seen["wide"] <= 1400  # the rows scroll, the page does not
