"""HTML pages from the templates in templates/.

Every value is escaped: text of a run cannot become markup. A page names the hashes of its scripts, so that a
browser runs no other, and asks no network for anything.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from etude.reports.cells import cell, short
from etude.reports.glossary import WORDS, term
from etude.reports.sweep_rows import with_deviation


def render(template: str, **values: Any) -> str:
    """Return the page of a template in templates/."""
    return _environment().get_template(template).render(values)


@cache
def asset(name: str) -> Markup:
    """Return a style sheet or script of static/ or vendor/, to be inlined."""
    return Markup((files("etude.reports") / name).read_text(encoding="utf-8").strip())


def script_hash(name: str) -> str:
    """Return the hash of an inlined script as a content security policy writes it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("etude.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        {"asset": asset, "script_hash": script_hash, "term_of": term, "glossary": WORDS}
    )
    environment.filters.update({"short": short, "with_deviation": with_deviation, "cell": cell})
    return environment
