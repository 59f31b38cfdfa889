"""The engraved score: drawn whole, without warnings, light, and the same each time."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from matplotlib import image

from etude.music import Key, Metre, Piece
from etude.rendering.engraving import PICTURE_BARS, PICTURE_WIDTH, score_png, score_svg
from strategies import pieces

SVG = "{http://www.w3.org/2000/svg}"


def scale(bars: int, **header: object) -> Piece:
    pitches = [60, 62, 64, 65, 67, 69, 71, 72]
    notes = [(4 * bar + step, 1, pitches[(bar + step) % 8]) for bar in range(bars) for step in range(4)]
    return Piece.from_notes(notes, metres=[(0, Metre(4, 4))], **header)  # type: ignore[arg-type]


def count(svg: str, name: str) -> int:
    return sum(name in element.get("class", "").split() for element in ET.fromstring(svg).iter())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(piece=pieces())
def test_verovio_has_nothing_to_warn_of(piece: Piece, capfd: pytest.CaptureFixture[str]) -> None:
    ET.fromstring(score_svg(piece))
    assert capfd.readouterr().err == ""


def test_everything_is_drawn() -> None:
    svg = score_svg(scale(5, title="A scale", key=Key("G"), tempos=[(0, 96.0)]))
    assert count(svg, "note") == 20
    assert count(svg, "measure") == 5
    assert count(svg, "keySig") >= 1
    text = "".join(ET.fromstring(svg).itertext())
    assert "A scale" in text
    assert "96" in text


def test_a_melody_is_light_and_needs_no_font() -> None:
    svg = score_svg(scale(16, title="Title", tempos=[(0, 120.0)]))
    assert len(svg) < 40_000
    assert "font-face" not in svg
    assert 'font-family="Leipzig"' not in svg


def test_a_dotted_tempo_mark_is_drawn_before_its_number() -> None:
    piece = Piece.from_notes([(0, 3, 60)], metres=[(0, Metre(6, 8))], tempos=[(0, 90.0)])
    root = ET.fromstring(score_svg(piece))
    (tempo,) = [element for element in root.iter(f"{SVG}g") if element.get("class") == "tempo"]
    drawn = [element for element in tempo if element.tag == f"{SVG}g"]
    (text,) = [element for element in tempo if element.tag == f"{SVG}text"]
    assert len(drawn) == 2  # the quarter note and its dot
    places = [int(str(element.get("transform")).split("(")[1].split(",")[0]) for element in drawn]
    assert places[0] < places[1] < int(str(text.get("x")))
    assert "".join(text.itertext()).split() == ["=", "60"]


def test_the_page_grows_with_the_music() -> None:
    def height(svg: str) -> int:
        return int(str(ET.fromstring(svg).get("viewBox")).split()[3])

    assert height(score_svg(scale(4))) < height(score_svg(scale(40))) < height(score_svg(scale(80)))


def test_music_beyond_the_longest_page_is_drawn_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {**score_svg.__globals__["OPTIONS"], "pageHeight": 1000}
    monkeypatch.setitem(score_svg.__globals__, "OPTIONS", options)
    svg = score_svg(scale(60))
    root = ET.fromstring(svg)
    pages = [element for element in root if element.tag == f"{SVG}svg"]
    assert len(pages) > 1
    assert count(svg, "note") == 240
    tops = [int(str(page.get("y"))) for page in pages]
    heights = [int(str(page.get("height"))) for page in pages]
    assert tops == [sum(heights[:index]) for index in range(len(pages))]
    assert root.get("viewBox") == f"0 0 1000 {sum(heights)}"


def test_the_same_piece_gives_the_same_bytes() -> None:
    assert score_svg(scale(2)) == score_svg(scale(2))


def test_the_picture_is_drawn_with_its_text_and_ends_in_time() -> None:
    """The text has black pixels of its own; a longer piece is no taller than its first bars."""

    def picture(piece: Piece) -> npt.NDArray[np.float64]:
        return np.asarray(image.imread(io.BytesIO(score_png(piece))))[..., 0]  # (height, width)

    plain, titled = picture(scale(4)), picture(scale(4, title="Title"))
    assert plain.shape[1] == titled.shape[1] == PICTURE_WIDTH
    assert 0.005 < (plain < 0.5).mean() < 0.2
    assert (titled < 0.5).sum() > (plain < 0.5).sum() + 200
    long, longer = picture(scale(PICTURE_BARS, title="T")), picture(scale(PICTURE_BARS + 100, title="T"))
    assert abs(len(long) - len(longer)) < 30


def test_a_choir_has_a_bracket_and_a_piano_a_brace() -> None:
    bracket = 'id="E003-'  # the top of a bracket, in the Standard Music Font Layout
    voices = [(time, 1, pitch, 80, part) for time in range(4) for part, pitch in enumerate((72, 67, 60, 48))]
    choir = Piece.from_notes(voices)
    assert bracket in score_svg(choir)
    assert bracket not in score_svg(Piece.from_notes([(0, 4, 72), (0, 4, 48)]))


def test_every_thread_has_the_fonts() -> None:
    piece = scale(2)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(score_svg, piece).result() == score_svg(piece)
