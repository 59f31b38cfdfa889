"""Resolved configuration of a job, which is hashed, compared and stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class ResolvedConfig(Mapping[str, Any]):
    """Every setting of a job as plain values under its key, read-only.

    Code that needs only some settings takes them typed; this is for code that treats all of them alike.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"ResolvedConfig({self._values!r})"

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as a dict, for JSON, YAML and checkpoints."""
        return dict(self._values)

    def changed(self, **settings: Any) -> ResolvedConfig:
        """Return a copy in which these top-level settings have other values."""
        return ResolvedConfig({**self._values, **settings})
