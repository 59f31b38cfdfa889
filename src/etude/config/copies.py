"""Copies of a composed configuration by pickling, which takes a third of the time of `copy.deepcopy`."""

from __future__ import annotations

import io
import pickle
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Original(Generic[T]):
    """Snapshot of a configuration; any number of copies can be taken."""

    def __init__(self, content: T) -> None:
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, pickle.HIGHEST_PROTOCOL)
        pickler.dump(content)
        self._data, self._types = buffer.getvalue(), pickler.types

    def copy(self) -> T:
        """Return a copy, to be changed freely."""
        content: T = _Unpickler(self._data, self._types).load()
        return content


class _Pickler(pickle.Pickler):
    """Pickler that stores types as numbers: a derived settings class cannot be imported by its name."""

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self.types: list[type[Any]] = []
        self._numbers: dict[type[Any], int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, type):
            return None
        if obj not in self._numbers:
            self._numbers[obj] = len(self.types)
            self.types.append(obj)
        return self._numbers[obj]


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, types: list[type[Any]]) -> None:
        super().__init__(io.BytesIO(data))
        self._types = types

    def persistent_load(self, pid: int) -> type[Any]:
        return self._types[pid]
