"""Streams and long polls on a real database, each test with its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.node import SHERIFF, Desk, Node
from tests.support.streaming import Ear, Live, Stage, stage

Listen = Callable[..., Ear]


@pytest.fixture
def node(postgres: str) -> Iterator[Node]:
    """A gateway with the cast enrolled; POLICE shares its alerts with SHELTER and SHERIFF."""
    node = Node(postgres)
    yield node
    node.close()


@pytest.fixture
def on_stage(node: Node) -> Iterator[Stage]:
    """Where stream processes and readers are started."""
    with stage() as made:
        yield made


@pytest.fixture
def live(node: Node, on_stage: Stage) -> Live:
    """The stream process of the node."""
    return on_stage.start(node)


@pytest.fixture
def listen(on_stage: Stage, live: Live) -> Listen:
    """Opens streams of it."""
    return lambda desk, last_id=None, **query: on_stage.listen(live, desk, last_id, **query)


@pytest.fixture
def police(node: Node) -> Desk:
    """Publishes."""
    return node.desk(POLICE)


@pytest.fixture
def shelter(node: Node) -> Desk:
    """Reads as a partner."""
    return node.desk(SHELTER)


@pytest.fixture
def sheriff(node: Node) -> Desk:
    """Reads as law enforcement."""
    return node.desk(SHERIFF)


@pytest.fixture
def stranger(node: Node) -> Desk:
    """Law enforcement in another state, without any grant."""
    return node.desk(STRANGER)
