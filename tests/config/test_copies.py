"""Copies of configurations: every node with its value, type and flags, and nothing shared."""

from typing import Any

import pytest
from omegaconf import Container, Node

from composed import checker_of
from etude.config.copies import Original
from etude.config.session import session

LINES = (
    (),
    ("experiment=mozart_best", "seed=4"),
    ("optim._target_=torch.optim.NAdam",),  # its settings class is derived, and cannot be imported
    ("data=midi_folder", "data.path=${name}"),
)


def nodes(node: Any, key: str = "") -> list[tuple[str, Node]]:
    """Return a node and all below it, each with its key."""
    found = [(key, node)]
    content = node.__dict__["_content"] if isinstance(node, Container) else None
    children = content.items() if isinstance(content, dict) else enumerate(content or [])
    if isinstance(content, dict | list):
        for name, child in children:
            assert child._get_parent() is node
            found += nodes(child, f"{key}.{name}")
    return found


@pytest.mark.parametrize("lines", LINES, ids=lambda lines: lines[0] if lines else "default")
def test_a_copy_has_each_node_as_it_is_and_shares_none(lines: tuple[str, ...]) -> None:
    with session():
        config, problems = checker_of("train").check(lines)
    assert config is not None
    assert problems == []
    original = Original(config)
    copies = nodes(original.copy())
    given = nodes(config)
    assert [key for key, _ in copies] == [key for key, _ in given]
    for (key, copy), (_, node) in zip(copies, given, strict=True):
        assert copy is not node
        assert type(copy) is type(node)
        assert vars(copy._metadata) == vars(node._metadata), key
        if not isinstance(node, Container):
            assert repr(copy._value()) == repr(node._value()), key


def test_an_original_stays_as_it_was() -> None:
    with session():
        config, _ = checker_of("train").check(())
    assert config is not None
    original, seed = Original(config), config.seed
    original.copy().seed = seed + 1
    config.seed = seed + 2
    assert original.copy().seed == seed
