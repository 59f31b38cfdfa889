"""Take the pictures of report.html for the docs, in a headless Chromium.

    python scripts/report_pictures.py erk=outputs/erk_lstm_copy/RUN sweep=outputs/sweeps/NAME …
    python scripts/report_pictures.py compare=compare.html --views music

Each page gives docs/img/report-NAME-VIEW.webp: its top and its first samples on a desktop in light
colours, the samples in dark colours, and on a phone; of a comparison the musical statistics.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "img"
DESKTOP, PHONE = (1100, 1000), (390, 844)
QUALITY = 70
VIEWS = {  # name → size of the window, colours, what is scrolled to the top
    "top": (DESKTOP, "light", "h1"),
    "samples": (DESKTOP, "light", ".samples"),
    "dark": (DESKTOP, "dark", ".samples"),
    "phone": (PHONE, "light", ".samples"),
    "music": (DESKTOP, "light", "#music"),
}
OF_A_RUN = [view for view in VIEWS if view != "music"]


def main() -> None:
    """Take the pictures that the words name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pages", nargs="+", metavar="NAME=FOLDER", help="or the page")
    parser.add_argument("--views", nargs="*", choices=list(VIEWS), default=OF_A_RUN)
    flags = parser.parse_args()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, place in (each.split("=", 1) for each in flags.pages):
            page = Path(place) if place.endswith(".html") else Path(place) / "report.html"
            for view in flags.views:
                picture = IMAGES / f"report-{name}-{view}.webp"
                picture.write_bytes(_as_webp(_shot(browser, page, *VIEWS[view])))
                print(f"{picture}: {picture.stat().st_size // 1000} kB")
        browser.close()


def _shot(browser: Any, page: Path, size: tuple[int, int], scheme: str, top: str) -> bytes:
    width, height = size
    visit = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    visit.goto(page.resolve().as_uri())
    for copied in visit.locator(".shared summary").all()[:1]:
        copied.click()
    visit.evaluate("top => document.querySelector(top)?.scrollIntoView()", top)
    found: bytes = visit.screenshot()
    visit.close()
    return found


def _as_webp(png: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).save(file, "webp", quality=QUALITY, method=6)
    return file.getvalue()


if __name__ == "__main__":
    main()
