"""HTML pages from the templates in templates/. Every value is escaped: text of a run cannot become markup."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from etude.reports.cells import cell, short
from etude.reports.sweep_rows import with_deviation


def render(template: str, **values: Any) -> str:
    """Return the page of a template in templates/."""
    return _environment().get_template(template).render(values)


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
    environment.filters.update({"short": short, "with_deviation": with_deviation, "cell": cell})
    return environment
