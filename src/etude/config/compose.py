"""Composing and checking a configuration; all problems are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException, ValidationError

from etude.config.conf_files import sets_key
from etude.config.copies import Original
from etude.config.hydra_adapter import Loader, WrongKey, names_target
from etude.config.overrides import apply, group_problem, is_group, key_of, parse, sweep_problem
from etude.config.problems import HAS_IT, ConfigError, Problem, did_you_mean, in_words
from etude.config.session import session
from etude.config.validation import UNKNOWN, InvalidValue, find, invalid_values, keys_of
from etude.config.yaml_files import ConfFileError

# what Hydra raises for a YAML file or a group choice that it cannot compose
_COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException, ConfFileError, ValueError, OSError)


def compose(
    config_name: str, overrides: Sequence[str] = (), *, folder: Path | None = None, extra: Path | None = None
) -> DictConfig:
    """Compose one job's configuration: checked, fully resolved, without Hydra's own keys.

    ``folder`` replaces the shipped conf/, ``extra`` adds to it. Raises ConfigError with every problem.
    """
    with composed(config_name, overrides, folder=folder, extra=extra) as config:
        return config


@contextmanager
def composed(
    config_name: str, overrides: Sequence[str] = (), *, folder: Path | None = None, extra: Path | None = None
) -> Iterator[DictConfig]:
    """Compose as :func:`compose` does, with Hydra set up inside the block."""
    with session(folder, extra) as hydra:
        yield resolved(Checker(hydra.config_loader, config_name).checked(overrides))


def plain(config: DictConfig) -> dict[str, Any]:
    """Return a configuration as nested dicts of plain values, interpolations resolved."""
    content = OmegaConf.to_container(config, resolve=True)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def resolved(config: DictConfig) -> DictConfig:
    """Return a copy without Hydra's own keys and with every interpolation replaced by its value."""
    own = Original(config).copy()
    with open_dict(own):
        own.pop("hydra", None)
    OmegaConf.resolve(own)
    return own


def in_order(problems: Iterable[Problem], lines: Sequence[str]) -> list[Problem]:
    """Return each problem once, in the order of the typed overrides; problems of other keys come last."""
    places = {line: place for place, line in reversed(list(enumerate(lines)))}
    return sorted(dict.fromkeys(problems), key=lambda problem: places.get(problem.what, len(lines)))


class Checker:
    """Composes a command's jobs one after the other, and composes what they share only once."""

    def __init__(self, loader: Any, config_name: str) -> None:
        assert isinstance(loader, Loader)
        self.loader = loader
        self.config_name = config_name
        self._parsed: dict[str, Override | Problem] = {}
        self._keys: dict[tuple[str, ...], list[str]] = {}
        self._bases: dict[tuple[str, ...], tuple[DictConfig | None, list[Problem]]] = {}
        self._originals: dict[tuple[str, ...], Original[DictConfig]] = {}

    def check(
        self, lines: Sequence[str], *, may_miss: bool = False, swept: Sequence[str] = ()
    ) -> tuple[DictConfig | None, list[Problem]]:
        """Compose a job; return its configuration, Hydra's keys included, and its problems.

        ``may_miss``: values may be missing, as when the configuration is only shown. ``swept``: keys whose
        values a search fills in later.
        """
        problems: list[Problem] = []
        structure: list[str] = []
        values: list[Override] = []
        for line in lines:
            override = self.parse(line)
            problem = override if isinstance(override, Problem) else self._early_problem(override)
            if isinstance(problem, Problem):
                problems.append(problem)
            elif isinstance(override, Override) and self.is_structure(override):
                structure.append(line)
            elif isinstance(override, Override):
                values.append(override)
        base, found = self.base(structure)
        problems += found
        if base is None:
            return None, problems
        config = self._originals[tuple(structure)].copy()
        # the keys of a class that cannot be had are not known
        unknown = [key_of(each.what).removesuffix("_target_") for each in found if names_target(each.what)]
        for override in values:
            if not override.key_or_group.startswith(tuple(unknown)):
                problems += apply(override, config, partial(self._meant, config=config))
        problems += self._value_problems(config, lines, problems, may_miss, swept)
        return config, in_order(problems, lines)

    def checked(self, lines: Sequence[str], *, swept: Sequence[str] = ()) -> DictConfig:
        """Compose a job as ``check`` does; ConfigError with its problems if it has any."""
        config, problems = self.check(lines, swept=swept)
        if problems or config is None:
            raise ConfigError(problems, f"etude {self.config_name}")
        return config

    def parse(self, line: str) -> Override | Problem:
        """Parse one override; return a Problem for a syntax error."""
        if line not in self._parsed:
            self._parsed[line] = parse(line, self.loader)
        return self._parsed[line]

    def base(self, structure: Sequence[str]) -> tuple[DictConfig | None, list[Problem]]:
        """Compose only the group choices and Hydra's settings; return a Problem for each invalid one."""
        key = tuple(structure)
        if key not in self._bases:
            config, _ = self._bases[key] = self._compose_base(key)
            if config is not None:
                self._originals[key] = Original(config)
        return self._bases[key]

    def keys(self, structure: Sequence[str] = ()) -> list[str]:
        """Return every dotted key of the command as shipped and with some choices: what may be meant."""
        key = tuple(structure)
        if key not in self._keys:
            configs = [config for lines in ((), key) if (config := self.base(lines)[0]) is not None]
            found = [each for config in configs for each in keys_of(config)]
            self._keys[key] = list(dict.fromkeys([*found, *self.groups()]))
        return self._keys[key]

    def groups(self) -> list[str]:
        """Return the config groups that the command offers."""
        config, _ = self.base(())
        choices = {} if config is None else config.hydra.runtime.choices
        return [str(group) for group in choices if not str(group).startswith("hydra/")]

    def unknown(self, line: str, config: DictConfig) -> Problem:
        """Return a Problem for a key that a job's configuration lacks."""
        return Problem(line, f"no such key{self._meant(key_of(line), config)}")

    def is_structure(self, override: Override) -> bool:
        """Return whether an override decides which keys exist (group, `_target_`, Hydra's own)."""
        return (
            override.is_hydra_override()
            or is_group(override, self.loader)
            or names_target(str(override.input_line))
        )

    def _early_problem(self, override: Override) -> Problem | None:
        sweep = sweep_problem(override)
        if sweep or not is_group(override, self.loader):
            return sweep
        return group_problem(override, self.loader, lambda: self.base(())[0])

    def _compose_base(self, lines: tuple[str, ...]) -> tuple[DictConfig | None, list[Problem]]:
        try:
            return self._loaded(lines)
        except _COMPOSITION_ERRORS as error:
            if not lines:
                return None, [self._explain(f"{self.config_name}.yaml", error)]
        # something among them does not fit: add them one by one, and leave out what fails
        config, problems = self.base(())
        fitting: list[str] = []
        refused: list[Problem] = []
        for line in lines if config is not None else ():
            try:
                config, problems = self._loaded((*fitting, line))
                fitting.append(line)
            except _COMPOSITION_ERRORS as error:
                refused.append(self._explain(line, error))
        return config, [*problems, *refused]

    def _loaded(self, lines: tuple[str, ...]) -> tuple[DictConfig, list[Problem]]:
        # MULTIRUN lets a group stay unchosen, which is reported with all the rest
        config = self.loader.load_configuration(self.config_name, list(lines), run_mode=RunMode.MULTIRUN)
        wrong = list(self.loader.wrong)
        return config, [self._wrong_key(each, lines, config) for each in wrong]

    def _wrong_key(self, wrong: WrongKey, lines: Sequence[str], config: DictConfig) -> Problem:
        """Return a Problem for an unknown key in a file: of the file itself, or of a choice in it."""
        (key, _, why), file = wrong.misfit, f"{wrong.file}.yaml"
        for line in lines:
            group = key_of(line)
            if names_target(line) and key == group:
                return Problem(line, why, key)
            node = group.removesuffix("._target_").replace("/", ".")
            if not why and key.startswith(f"{node}.") and not wrong.file.startswith(f"{group}/"):
                return Problem(line, f"has no key {key}, which {file} sets; leave one of the two out", key)
        if why:
            return Problem(file, f"{key}: {why}", key)
        hint = self._meant(key, config) if lines else ""
        hint = hint or did_you_mean(key, (each for each in keys_of(config) if each != key))
        return Problem(file, f"no such key: {key}{hint}", key)

    def _explain(self, line: str, error: Exception) -> Problem:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, (ConfigKeyError, ConfigAttributeError)):
            return Problem(line, f"no such key{self._meant(key_of(line))}")
        if isinstance(cause, ValidationError):
            return Problem(line, str(cause).splitlines()[0])
        if str(error).startswith("Could not override") and "=" in line:
            offered = ", ".join(self.groups())
            return Problem(line, f"is no choice that {self.config_name} offers; it offers: {offered}")
        return Problem(line, next((text for text in str(error).splitlines() if text.strip()), repr(error)))

    def _meant(self, key: str, config: DictConfig | None = None) -> str:
        """Return which other choices have a key, or the nearest keys, to follow "no such key".

        ``config``: what lacks the key; None: the configuration as shipped, "" while that is composed.
        """
        if config is None:
            config, _ = self._bases.get((), (None, []))
        if config is None:
            return ""
        if choices := self._choices_with(key, config):
            return f" here; {' or '.join(choices)} {HAS_IT}"
        if key.startswith("hydra."):
            known = list(keys_of(config.hydra, "hydra."))
        else:
            known = [*keys_of(config), *self.keys()]
        return did_you_mean(key, (other for other in dict.fromkeys(known) if other != key))

    def _choices_with(self, key: str, config: DictConfig) -> list[str]:
        """Return the choices beside those of a configuration, as `model=lstm_copy`, that set a dotted key."""
        found = []
        choices = config.hydra.runtime.choices
        for group in map(str, choices):
            node = f"{group.replace('/', '.')}."
            chosen = None if OmegaConf.is_missing(choices, group) else choices[group]
            for name in self.loader.get_group_options(group) if key.startswith(node) else ():
                setting = key.removeprefix(node)
                if name != chosen and sets_key(f"{group}/{name}", setting, self.loader.folders()):
                    found.append(f"{group}={name}")
        return found

    def _value_problems(
        self,
        config: DictConfig,
        lines: Sequence[str],
        known: Sequence[Problem],
        may_miss: bool,
        swept: Sequence[str],
    ) -> Iterator[Problem]:
        HydraConfig.instance().set_config(config)  # for ${hydra:...}
        typed = {key_of(line): line for line in lines}
        settled = {problem.key or key_of(problem.what) for problem in known} | set(swept)
        for invalid in invalid_values(config):
            if invalid.key in settled or (invalid.missing and may_miss):
                continue
            line = typed.get(invalid.key, "")
            if invalid.missing:
                yield Problem(line or invalid.key, self._missing(config, invalid))
            elif invalid.value is None:
                hint = self._meant(invalid.key, config) if invalid.why == UNKNOWN else ""
                yield Problem(line or invalid.key, invalid.why + hint)
            else:
                yield Problem(line or f"{invalid.key}={invalid.value}", invalid.why)

    def _missing(self, config: DictConfig, invalid: InvalidValue) -> str:
        options = self.loader.get_group_options(invalid.key) if invalid.key in self.groups() else []
        if options:
            return f"must be chosen: {' or '.join(f'{invalid.key}={option}' for option in options)}"
        return f"{invalid.why}; type {invalid.key}=... ({in_words(find(config, invalid.key).takes)})"
