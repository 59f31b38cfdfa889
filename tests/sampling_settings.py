"""Sampling settings as shipped, with changes."""

from functools import cache
from typing import Any

from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.sampling.settings import SamplingSettings


@cache
def _shipped() -> dict[str, Any]:
    return plain(compose("sample", ["run=."]).sampling)


def sampling(**changes: Any) -> SamplingSettings:
    return from_plain(SamplingSettings, {**_shipped(), **changes})
