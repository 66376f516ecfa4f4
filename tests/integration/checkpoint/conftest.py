"""Two nodes that trust each other, for each test; their databases are put back before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.border import Side, two_sides
from tests.support.services import Databases
from tests.support.shared import Shared


@pytest.fixture(scope="session")
def kept_empty(databases: Databases) -> Iterator[tuple[Shared, Shared]]:
    """Two databases without a row, to be had again by each test."""
    both = Shared(databases.migrated()), Shared(databases.migrated())
    for one in both:
        one.stage()
    yield both
    for one in both:
        one.close()


@pytest.fixture
def sides(kept_empty: tuple[Shared, Shared], tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    """Node `us` and node `mx`, each trusting the other."""
    for one in kept_empty:
        one.restore()
    us, mx = (one.url for one in kept_empty)
    with two_sides(us, mx, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def lasting(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """The same for all tests of a module that leave them as they were, or go on where another left off."""
    urls = databases.migrated(), databases.migrated()
    with two_sides(*urls, tmp_path_factory.mktemp("sides")) as found:
        yield found
    for url in urls:
        databases.drop(url)


@pytest.fixture
def us(sides: tuple[Side, Side]) -> Side:
    """The one that sends in most tests."""
    return sides[0]


@pytest.fixture
def mx(sides: tuple[Side, Side]) -> Side:
    """The one that receives."""
    return sides[1]
