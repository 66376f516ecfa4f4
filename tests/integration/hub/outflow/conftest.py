"""A node that fills topics to read, and who may join it there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cast import POLICE
from tests.support.node import Desk, Node
from tests.support.outflowing import Outs
from tests.support.services import Broker
from tests.support.working import Working


@pytest.fixture(scope="module")
def works(request: pytest.FixtureRequest, postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node with everything that a topic to read takes; the broker outlasts it, so no other module has its names."""
    node = Node(postgres_of_module)
    working = Working(node, kafka, f"{request.path.stem}.")
    working.start("sequencer", "reconciler", "outflow")
    try:
        yield working
    finally:
        working.stop()
        node.close()


@pytest.fixture(scope="module")
def outs(works: Working) -> Outs:
    """Whoever joins it."""
    return Outs(works)


@pytest.fixture
def police(works: Working) -> Desk:
    """Publishes there."""
    return works.node.desk(POLICE)
