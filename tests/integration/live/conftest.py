"""Streams and long polls on a real database: one for all of these tests, put back before each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.node import SHERIFF, Desk, Node
from tests.support.services import Databases
from tests.support.shared import Shared
from tests.support.streaming import Ear, Live, Stage, stage

Listen = Callable[..., Ear]


@pytest.fixture(scope="session")
def streamed_database(databases: Databases) -> Iterator[Shared]:
    """The database these tests share, with the cast and the usual grants to put back."""
    shared = Shared(databases.migrated())
    Node(shared.url).close()
    shared.stage()
    yield shared
    shared.close()


@pytest.fixture
def node(streamed_database: Shared) -> Iterator[Node]:
    """A gateway with the cast enrolled; POLICE shares its alerts with SHELTER and SHERIFF."""
    streamed_database.restore()
    node = Node(streamed_database.url, shared=streamed_database)
    yield node
    node.close()


@pytest.fixture
def on_stage(node: Node) -> Iterator[Stage]:  # noqa: ARG001 - what is on it ends first
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
