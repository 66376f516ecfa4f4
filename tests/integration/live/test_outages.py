"""A database that goes away: nothing is sent without it, and nothing is lost by it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.embedded import postgres
from hub.embedded.postgres import RunningPostgres
from hub.store.migrate import migrate
from tests.integration.live.publishing import publish
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Node
from tests.support.services import state_folder
from tests.support.streaming import stage
from tests.support.waiting import until


@pytest.fixture
def folder() -> Iterator[Path]:
    """Data of a server of its own: the shared one must stay up, and what it says it has must outlive it."""
    with state_folder() as folder:
        yield folder


def kill(server: RunningPostgres) -> None:
    server.child.send_signal(signal.SIGQUIT)
    server.child.wait()


def test_streams_outlive_the_database_and_go_on(folder: Path) -> None:
    server = postgres.start(folder)
    url = server.create_database("streams")
    migrate(url)
    node = Node(url)
    police, shelter = node.desk(POLICE), node.desk(SHELTER)
    with stage() as made:
        live = made.start(node)
        ear = made.listen(live, shelter)
        assert publish(police, 2) == ear.events(2)

        kill(server)
        until(lambda: live.get(shelter, "/v1/feed").status_code == 503, what="that the database is missed")
        assert live.get(shelter, "/v1/stream", {"Last-Event-ID": ear.last_id or ""}).status_code == 503
        assert ear.is_silent()
        server = postgres.start(folder)

        assert publish(police, 2) == ear.events(2)
        rows = node.rows("SELECT count(*), count(DISTINCT events) FROM audit WHERE object = 'stream'")
        assert rows == [(4, 4)]
    node.close()
    server.stop()
