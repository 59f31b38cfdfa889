"""Settings classes derived from a class's signature, where none is declared for it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from etude.config.setting_limits import Limits
from etude.errors import EtudeError


@dataclass(frozen=True)
class Signature:
    """Arguments of a class: ``config``, its settings dataclass, or else keyword arguments.

    ``is_open``: it takes further keyword arguments of any name.
    """

    config: type[Any] | None
    parameters: dict[str, inspect.Parameter]
    hints: dict[str, Any]
    is_open: bool


def signature_of(found: Any) -> Signature:
    """Return the signature of a class or function, with ``**kwargs`` resolved by the parent classes.

    EtudeError if Python knows none, as of some classes in C.
    """
    parameters: dict[str, inspect.Parameter] = {}
    hints: dict[str, Any] = {}
    is_open, settled = False, set[str]()
    try:
        for function in _initialisers(found):
            taken = {*parameters, *settled}
            parameters |= {name: each for name, each in _named(function).items() if name not in taken}
            settled |= _passed_on(function)
            hints = {**_hints(function), **hints}
            is_open = _takes_any(function)
    except ValueError as error:
        raise EtudeError(f"_target_ {found.__name__}: its arguments are unknown ({error})") from None
    config = hints.get("config") if "config" in parameters else None
    return Signature(config if is_dataclass(config) else None, parameters, hints, is_open)  # type: ignore[arg-type]


def _initialisers(found: Any) -> Iterator[Any]:
    """Return a class's constructor and those that get its ``**kwargs``; or the function itself."""
    for owner in found.__mro__ if inspect.isclass(found) else ():
        function = vars(owner).get("__init__")
        if function is not None and owner is not object:
            yield function
            if not _takes_any(function):
                return
    if not inspect.isclass(found):
        yield found


def _passed_on(function: Any) -> set[str]:
    """Return the arguments that a constructor gives the next one itself: ``super().__init__(size=1)``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return set()
    calls = (each for each in ast.walk(tree) if isinstance(each, ast.Call))
    onwards = (call for call in calls if ast.unparse(call.func).endswith("super().__init__"))
    return {each.arg for call in onwards for each in call.keywords if each.arg is not None}


def _takes_any(function: Any) -> bool:
    if getattr(function, "__module__", "") == "torch.nn.modules.module":
        return False  # nn.Module takes any argument and then refuses it
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def _named(function: Any) -> dict[str, inspect.Parameter]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters
    return {name: each for name, each in parameters.items() if each.kind in named and name != "self"}


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):  # names that exist for type checkers alone
        return {}


@cache
def derived_class(found: Any, target: str, base: Any, keys: tuple[str, ...] = ()) -> type[Any]:
    """Return a settings class for ``found``, the class that ``target`` names, with the fields of ``base``.

    Its fields are those of the dataclass that the class takes as ``config``, or else its arguments, without
    those that ``base`` says are ``supplied`` by the caller; one that is ``offered`` may be left out. ``keys``
    become fields too where the class takes any keyword argument.
    """
    signature = signature_of(found)
    kinds = (base,) if signature.config is None else (signature.config, base)
    if signature.config is not None and issubclass(signature.config, base):
        kinds = (signature.config,)
    bases: tuple[Any, ...] = tuple(each for each in kinds if is_dataclass(each))
    known = {each.name for cls in bases for each in fields(cls)}.union(getattr(base, "supplied", ()))
    own: list[Any] = []
    if signature.config is None:
        declared = {each.name: each for each in fields(found)} if is_dataclass(found) else {}
        for name, parameter in signature.parameters.items():
            made = _field(parameter, declared.get(name), signature.hints.get(name, Any))
            if name in getattr(base, "offered", ()) and parameter.default is inspect.Parameter.empty:
                made = (Any, field(default=None))
            if name not in known and made is not None:
                own.append((name, *made))
        names = {*known, *signature.parameters}
        own += [(key, Any, field()) for key in keys if signature.is_open and key not in names]
    return make_dataclass(
        f"{target.rpartition('.')[2]}Settings", own, bases=bases, namespace={"builds": target}, kw_only=True
    )


def _field(
    parameter: inspect.Parameter, declared: dataclasses.Field[Any] | None, hint: Any
) -> tuple[Any, Any] | None:
    """Return the type and the field of an argument; None if its default cannot be written in YAML."""
    metadata: dict[str, Any] = dict(declared.metadata) if declared else {}
    if get_origin(hint) is Literal and len({type(each) for each in get_args(hint)}) == 1:
        metadata.setdefault("limits", Limits(choices=get_args(hint)))
        hint = type(get_args(hint)[0])
    default = parameter.default
    if declared is not None and declared.default_factory is not MISSING:
        return _type_of(hint), field(default_factory=declared.default_factory, metadata=metadata)
    if default is inspect.Parameter.empty:
        return _type_of(hint), field(metadata=metadata)
    if not _is_plain(default):
        return None
    if isinstance(default, (list, tuple)):
        return _type_of(hint), field(default_factory=lambda: list(default), metadata=metadata)
    return _type_of(hint), field(default=default, metadata=metadata)


def _is_plain(default: Any) -> bool:
    """Return whether a default can be written in YAML."""
    if isinstance(default, (list, tuple)):
        return all(map(_is_plain, default))
    return default is None or isinstance(default, (bool, int, float, str))


def _type_of(hint: Any) -> Any:
    """Return a type annotation that OmegaConf can check, or Any.

    OmegaConf 2.4 takes a list or a number (``list[float] | float``), but then refuses a whole number.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    kinds = [each for each in get_args(hint) if each is not NoneType]
    if get_origin(hint) in (Union, UnionType) and len(kinds) > 1 and any(map(get_origin, kinds)):
        return Any
    try:
        OmegaConf.structured(make_dataclass("_", [("value", hint)]))
    except OmegaConfBaseException:
        return Any
    return hint
