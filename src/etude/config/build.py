"""From a node of the configuration to the object that it names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from etude.errors import EtudeError

ALLOWED = ("etude.", "torch.optim.", "pytorch_lightning.")


def target_complaint(target: object) -> str:
    """Say why a `_target_` may not be built; "" if it may."""
    if isinstance(target, str) and target.startswith(ALLOWED):
        return ""
    return f"must name something in {', '.join(prefix.rstrip('.') for prefix in ALLOWED)}; got {target!r}"


def build(node: DictConfig | Mapping[str, Any], **extra: Any) -> Any:
    """Build the object that a node's `_target_` names, from the node's other keys and ``extra``.

    Nested nodes are built first, as in `hydra.utils.instantiate`. Every `_target_` must begin with one of
    ALLOWED and be defined there, not merely imported; otherwise EtudeError is raised and nothing is built.
    """
    from hydra.utils import instantiate

    plain = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else dict(node)
    for target in _targets(plain):
        _check(target)
    return instantiate(plain, _convert_="all", **extra)


def _targets(node: Any) -> Iterator[object]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "_target_":
                yield value
            else:
                yield from _targets(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _targets(value)


def _check(target: object) -> None:
    complaint = target_complaint(target)
    if complaint:
        raise EtudeError(f"_target_ {complaint}")
    from hydra.utils import get_object

    try:
        found = get_object(str(target))
    except ImportError as error:
        raise EtudeError(
            f"_target_ {target}: nothing of that name ({str(error).splitlines()[-1]})"
        ) from error
    # a module's attributes include what it imported: `etude.errors.Path` is not ours to build
    home = f"{getattr(found, '__module__', '')}."
    if not (inspect.isclass(found) or callable(found)) or not home.startswith(ALLOWED):
        raise EtudeError(f"_target_ {target}: not a class or a function defined in {', '.join(ALLOWED)}")
