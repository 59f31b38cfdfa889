"""From a node of the configuration to the object that it names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import partial
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
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    resolved: Any = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    plain: dict[str, Any] = dict(resolved)
    if "_target_" not in plain:
        raise EtudeError(f"nothing to build: no _target_ among {', '.join(map(str, plain))}")
    for target in _targets(plain):
        _check(target)
    try:
        # called here and not by Hydra, which would copy ``extra`` and hide an EtudeError of the constructor
        maker = instantiate({**plain, "_partial_": True}, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, EtudeError):
            raise error.__cause__ from None
        raise
    return partial(maker, **extra) if plain.get("_partial_") else maker(**extra)


def build_as(bases: type | tuple[type, ...], node: Mapping[str, Any], **extra: Any) -> Any:
    """Build a node of a file that a stranger may have made: a subclass of ``bases`` from plain values.

    EtudeError for anything else: another class, a function, a further `_target_`, one of Hydra's own keys.
    """
    for key, value in node.items():
        if (key.startswith("_") and key != "_target_") or list(_targets({key: value}))[key == "_target_" :]:
            raise EtudeError(f"{key} has no place in a stored configuration; nothing is built from it")
    _check(node.get("_target_"))
    from hydra.utils import get_object

    found = get_object(str(node["_target_"]))
    if not (inspect.isclass(found) and issubclass(found, bases)):
        raise EtudeError(f"_target_ {node['_target_']} has no place in a stored configuration")
    return found(**{key: value for key, value in node.items() if key != "_target_"}, **extra)


def check_classes(bases: tuple[type, ...], node: Mapping[str, Any]) -> None:
    """Raise EtudeError unless every `_target_` within the node names a subclass of ``bases``."""
    from hydra.utils import get_object

    for target in _targets(node):
        _check(target)
        found = get_object(str(target))
        if not (inspect.isclass(found) and issubclass(found, bases)):
            raise EtudeError(f"_target_ {target} has no place here")


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
