"""The jobs of a multirun: every combination of the swept values, or values taken together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hydra.core.override_parser.types import Override

from etude.config.problems import Problem, did_you_mean


def combinations(overrides: Sequence[Override], zipped: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return the overrides of each job: the product of all swept values; the last key changes fastest.

    The values of the ``zipped`` keys are taken together, the first of each, then the second of each.
    """
    together = [each for each in overrides if each.key_or_group in zipped and each.is_sweep_override()]
    axes: list[list[dict[int, str]]] = []  # for each axis and value: overrides under their places
    for place, override in enumerate(overrides):
        if override not in together:
            axes.append([{place: line} for line in values(override)])
        elif override is together[0]:
            places = [overrides.index(each) for each in together]
            rows = zip(*map(values, together), strict=True)
            axes.append([dict(zip(places, lines, strict=True)) for lines in rows])
    jobs = ({place: line for part in parts for place, line in part.items()} for parts in product(*axes))
    return [tuple(job[place] for place in sorted(job)) for job in jobs]


def values(override: Override) -> list[str]:
    """Return an override for each value of a swept one, as it would be typed; of another, itself."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def zip_problems(overrides: Sequence[Override], zipped: Sequence[str]) -> list[Problem]:
    """Return a Problem for each zipped key that is not swept, and for unequal numbers of values."""
    swept = {each.key_or_group: each for each in overrides if each.is_discrete_sweep()}
    flag = f"--zip {','.join(zipped)}"
    problems = [
        Problem(flag, f"{key} is not swept{did_you_mean(key, swept) or f'; type {key}=1,2,3 or the like'}")
        for key in zipped
        if key not in swept
    ]
    counts = [
        (each.key_or_group, len(values(each)))
        for each in overrides
        if each.key_or_group in zipped and each.is_discrete_sweep()
    ]
    if len({count for _, count in counts}) > 1:
        listed = ", ".join(f"{key} has {count}" for key, count in counts)
        problems.append(Problem(flag, f"keys with equally many values are wanted: {listed}"))
    return problems
