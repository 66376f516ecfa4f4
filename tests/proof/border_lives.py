"""Random lives of two nodes: over there everybody has what the origin's policy gives, and a broken rule is noticed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from hub import copying, telling
from tests.proof.border_scene import Part
from tests.support.crossing import pair
from tests.support.services import Databases
from tests.support.two_sides import Life

EVERY = 5  # steps between two comparisons
MOST_TO_FIND = 12  # lives within which a broken rule has to be noticed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many lives, and how long."""

    lives: int
    steps: int


FULL = Plan(lives=60, steps=40)
QUICK = Plan(lives=4, steps=40)


def _recall_untaken(_conn: Any, _view: Any, _coming: Any, one: Any) -> tuple[Any, str]:
    """A recall is answered as applied, and nothing is done."""
    return one.event, copying.APPLIED


def _lanes_unnoted(*_: Any) -> None:
    """What a lane newly opens is not sent from its beginning."""


BROKEN: dict[str, tuple[ModuleType, str, Callable[..., Any]]] = {
    "recalls-not-applied": (copying, "_recall", _recall_untaken),
    "lanes-not-noted": (telling, "note_lanes", _lanes_unnoted),
}


def lives(databases: Databases, plan: Plan, seed: int) -> Part:
    """No disagreement as it is, and some with each rule broken."""
    print(f"lives: {plan.lives} of {plan.steps} steps", flush=True)
    part = Part()
    compared = opened = disagreements = 0
    for number in range(plan.lives):
        found, life = _lived(databases, seed * 1000 + number, plan.steps)
        compared += life.compared
        opened += life.opened
        disagreements += len(found)
        if found:
            print(f"  life {seed * 1000 + number}: {found[:3]}", flush=True)
    part.figures |= {
        "lives": plan.lives,
        "life_steps": plan.steps,
        "answers_compared": compared,
        "answers_open": opened,
    }
    part.figures |= {"answers_open": opened, "disagreements": disagreements}
    part.require("lives", disagreements == 0 and opened > 0)
    for name, (module, function, instead) in BROKEN.items():
        with _broken(module, function, instead):
            needed = _found_in(databases, seed, plan.steps)
        part.figures[f"{name}_found_in_life"] = needed or "never"
        part.require(f"{name}-noticed", needed > 0)
    return part


def _found_in(databases: Databases, seed: int, steps: int) -> int:
    """In which life a disagreement is seen first; 0: in none."""
    for number in range(MOST_TO_FIND):
        if _lived(databases, seed * 1000 + number, steps)[0]:
            return number + 1
    return 0


def _lived(databases: Databases, seed: int, steps: int) -> tuple[list[str], Life]:
    """The disagreements of one life up to the first comparison that has any, and the life."""
    urls = [databases.migrated(), databases.migrated()]
    try:
        with ExitStack() as stack:
            life = Life(pair(urls, stack).trust(), random.Random(seed))  # noqa: S311 - a life that can be repeated
            for step in range(1, steps + 1):
                life.step()
                if step % EVERY == 0 and (found := life.differences()):
                    return found, life
            return [], life
    finally:
        for url in urls:
            databases.drop(url)


@contextmanager
def _broken(module: ModuleType, name: str, instead: Callable[..., Any]) -> Iterator[None]:
    kept = getattr(module, name)
    setattr(module, name, instead)
    try:
        yield
    finally:
        setattr(module, name, kept)
