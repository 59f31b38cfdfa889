"""`etude play` in a real browser: tap, generate, compare; nothing leaves the machine."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import browser as browsers
from etude.api import sampling_settings
from etude.config.fields import to_plain
from etude.errors import EtudeError
from etude.play.studio import Studio

pytest.importorskip("gradio", reason="etude play needs the extra play: Gradio")

from etude.play.page import HOST, Page

SLOW = 120_000  # milliseconds, of a machine with much else to do


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    base = to_plain(sampling_settings(num_samples=1, forms=["midi", "musicxml", "abc"], max_tokens=64))
    page = Page(Studio(base), ["pretrained/erk"])
    try:
        yield page.launch(free_port(), wait=False)
    finally:
        page.close()


def test_a_melody_is_tapped_generated_and_compared(address: str) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    expect.set_options(timeout=SLOW)
    with browsers.browser() as opened:
        page = opened.new_page(viewport={"width": 390, "height": 900})
        asked: list[str] = []
        faults: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address, timeout=SLOW)
        for key in ("C4", "E4", "G4"):
            page.get_by_role("button", name=key, exact=True).click(timeout=SLOW)
        page.get_by_role("button", name="Generate A").click()
        shown = page.frame_locator("iframe").first
        expect(shown.locator(".card .roll")).to_have_count(1)
        expect(shown.locator(".score svg").first).to_be_visible()
        expect(shown.locator("code")).to_contain_text("C4 E4 G4")
        expect(shown.locator(".downloads a")).to_have_count(3)
        shown.locator(".play").click()
        expect(shown.locator(".play")).to_have_text(re.compile("Pause"))
        page.get_by_label("compare two runs or settings").check()
        page.get_by_role("combobox", name="run B").fill("pretrained/none")
        page.get_by_role("combobox", name="run B").press("Enter")
        page.get_by_role("button", name="Generate B").click()
        expect(page.get_by_role("alert").first).to_contain_text("there is no pretrained/none")
        assert faults == []
        assert [url for url in asked if not url.startswith((address, "data:", "blob:", "about:"))] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_uploads_are_removed_at_the_end() -> None:
    base: dict[str, Any] = to_plain(sampling_settings(num_samples=1))
    page = Page(Studio(base), ["pretrained/erk"])
    kept = Path(os.environ["GRADIO_TEMP_DIR"]) / "a song"
    kept.write_text("X:1")
    page.close()
    assert not kept.parent.exists()


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    base: dict[str, Any] = to_plain(sampling_settings(num_samples=1))
    page = Page(Studio(base), ["pretrained/erk"])
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EtudeError, match=f"port {port} is taken; type port={port + 1}"):
            page.launch(port, wait=False)
