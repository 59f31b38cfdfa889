"""All parts of the soak by name, with how many inputs each should try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from soak import crowds, kills, mutations
from soak.damage import Damage
from soak.ground import Ground


class Activity(NamedTuple):
    """``round(folder, rng, number)`` tries some inputs and counts them; ``goal``: how many in all."""

    round: Callable[[Path, Random, int], Counter[str]]
    goal: int


def activities(ground: Ground) -> dict[str, Activity]:
    """Return every part that this machine allows."""
    found: dict[str, Activity] = {}
    for verb in kills.VERBS:
        found[f"kill {verb}"] = Activity(_unnumbered(kills.Kills(ground, verb).round), 30)
    for place in ("store", "run", "sweep"):
        damage = Damage(ground, place)
        found[f"damage {place}"] = Activity(damage.round, len(damage.cases()))
    for name, target in mutations.targets(ground).items():
        found[f"mutate {name}"] = Activity(_unnumbered(partial(target.round, name=f"mutated {name}")), 10_000)
    for verb in crowds.VERBS if crowds.can_mount() else ():
        found[f"full disk {verb}"] = Activity(_unnumbered(crowds.FullDisks(ground, verb).round), 10)
    found["crowd"] = Activity(_unnumbered(crowds.Crowd(ground).round), 3)
    return found


def _unnumbered(
    round_: Callable[[Path, Random], Counter[str]],
) -> Callable[[Path, Random, int], Counter[str]]:
    return lambda folder, rng, number: round_(folder, rng)
