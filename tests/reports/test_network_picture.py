"""The picture of a network: its labels, and the same bytes each time."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from etude.reports.network_parts import Part, describe
from etude.reports.network_picture import draw_network
from networks import CHOICES, module_of


def drawn(choice: str, stem: Path) -> tuple[Part, str, list[str]]:
    """The network, its state, and every text in its picture."""
    whole, state = describe(module_of(choice).network)
    svg, png = draw_network(whole, title="a title", state=state, notes="a note", stem=stem)
    assert png.read_bytes().startswith(b"\x89PNG")
    return (
        whole,
        state,
        [text.strip() for text in ElementTree.parse(svg).getroot().itertext() if text.strip()],
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_every_part_is_named_and_counted(choice: str, tmp_path: Path) -> None:
    whole, state, texts = drawn(choice, tmp_path / "new" / "folder" / "network")
    assert {"a title", f"{whole.num_parameters:,} parameters", "a note"} <= set(texts)
    assert {f"ids  {whole.takes}", f"logits  {whole.gives}"} <= {text.replace("\xa0", " ") for text in texts}
    assert any(state in text for text in texts)
    parts = list(whole.parts)
    while parts:
        part = parts.pop()
        assert any(text.startswith(part.kind) for text in texts)
        end = f"{part.num_parameters:,}" if part.num_parameters else part.name
        assert any(text.startswith(part.name) and text.endswith(end) for text in texts)
        parts += part.parts


def test_the_same_network_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        drawn("lstm", tmp_path / name)
    for suffix in (".svg", ".png"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
