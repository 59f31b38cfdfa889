"""Wrong values, and every place of a stored file to put them in."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.just([[]]),
    st.just({"": {}}),
)


def places(content: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    return [place, *(found for key, each in inside for found in places(each, (*place, key)))]


def put(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    content[place[0]] = put(content[place[0]], place[1:], value)
    return content
