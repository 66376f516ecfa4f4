"""What a process notices of a database that goes away and comes back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus

from hub.embedded import postgres
from hub.store import connection, open_pool
from hub.store.prepared import checked
from tests.support.node import Node
from tests.support.services import state_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """Data of a server of its own: the shared one must stay up."""
    with state_folder() as folder:
        yield folder


def test_a_pool_hands_out_no_connection_that_ended_with_the_server(folder: Path) -> None:
    server = postgres.start(folder, fsync=False)
    pool = open_pool(server.create_database("pooled"), name="test", most=2)
    with connection(pool) as conn:
        conn.execute("SELECT 1")

    server.child.send_signal(signal.SIGQUIT)
    server.child.wait()
    server = postgres.start(folder, fsync=False)

    with connection(pool) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    pool.close()
    server.stop()


def test_what_libpq_says_of_itself_is_a_lost_connection(node: Node) -> None:
    with node.database() as conn:
        came = conn.pgconn.make_empty_result(ExecStatus.FATAL_ERROR)

        with pytest.raises(psycopg.OperationalError):
            checked(conn, came)
