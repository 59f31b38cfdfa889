"""Settings of the documentation site: Sphinx builds it from these pages and the docstrings (`make docs`)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

_PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

project = "Étude"
copyright = "The Étude developers"
release = version = _PROJECT["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.apidoc"]
exclude_patterns = ["*.ipynb"]
if pages_only := tags.has("pages"):  # noqa: F821  # `sphinx -t pages` leaves the reference out: 4 s, not 25
    extensions = ["myst_parser"]
# Piece is found both in etude.music and where it is defined.
suppress_warnings = ["toc.not_readable" if pages_only else "ref.python"]
default_role = "code"  # docstrings write `name`, as Markdown does
myst_heading_anchors = 3

html_theme = "furo"  # loads nothing from another server
html_title = f"Étude {release}"
html_copy_source = False

# The reference: what a user imports, subclasses or names as _target_. One page per room.
_INTERNAL = ["cli.py", "__main__.py", "commands", "config", "notation", "reports", "sweeps"]
apidoc_modules = [
    {
        "path": "../src/etude",
        "destination": "reference",
        "exclude_patterns": [f"../src/etude/{name}" for name in _INTERNAL],
        "max_depth": 1,
    }
]
toc_object_entries = False
autodoc_member_order = "bysource"

_CODE = re.compile(r"(`[^`]+`|^ {4,}.*$)", re.MULTILINE)


def _escape(*event: Any) -> None:
    """Escape what reStructuredText would take for markup: docstrings are plain text with `code`."""
    lines: list[str] = event[-1]
    parts = _CODE.split("\n".join(lines))
    parts[::2] = [re.sub(r"([*|_])", r"\\\1", part) for part in parts[::2]]
    lines[:] = "".join(parts).split("\n")


def setup(app: Any) -> None:
    """Connect the hook above; Sphinx calls this."""
    if not pages_only:
        app.connect("autodoc-process-docstring", _escape)
