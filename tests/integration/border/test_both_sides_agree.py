"""Whatever the origin grants, labels, takes back and ends: over there its readers have exactly what its policy says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import pytest

from tests.support.crossing import Pair, pair
from tests.support.services import Databases
from tests.support.two_sides import Life

SEEDS = range(6)
STEPS = 25


@pytest.fixture
def strangers(databases: Databases) -> Iterator[Pair]:
    """Two nodes with nobody enrolled."""
    urls = [databases.migrated(), databases.migrated()]
    with ExitStack() as stack:
        both = pair(urls, stack)
        both.us.trust()
        both.mx.trust()
        yield both
    for url in urls:
        databases.drop(url)


@pytest.mark.parametrize("seed", SEEDS)
def test_over_there_everybody_has_what_the_origin_gives(strangers: Pair, seed: int) -> None:
    """Given a random life of both nodes, when everything has crossed, then nobody there has more, or less."""
    life = Life(strangers, Random(seed))  # noqa: S311 - a test that can be repeated
    told: list[str] = []
    for _ in range(STEPS):
        told.append(life.step())
        if len(told) % 5 == 0:
            assert life.differences() == [], told
