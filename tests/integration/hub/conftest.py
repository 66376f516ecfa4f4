"""The gateway on the real database: one database for all of these tests, put back before each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from hub.directory import Role
from hub.store import Connection, agencies
from hub.store.migrate import migrate
from hub.store.roles import make_roles
from tests.hub import strategies
from tests.support import grant_rows
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER
from tests.support.node import OPERATOR, SHERIFF, Desk, Node
from tests.support.services import Databases
from tests.support.shared import Shared


@pytest.fixture(scope="session")
def shared_database(databases: Databases) -> Iterator[Shared]:
    """The database these tests share, with the cast and the usual grants to put back."""
    shared = Shared(databases.migrated())
    Node(shared.url).close()
    shared.stage()
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def everybody(postgres_of_module: str) -> Iterator[Connection]:
    """A connection to a database where everybody that the strategies know is enrolled."""
    with psycopg.connect(postgres_of_module, autocommit=True) as conn:
        for agency in strategies.EVERYBODY:
            agencies.enrol(conn, agency)
        grant_rows.attest(conn, strategies.EVERYBODY)
        yield conn


@pytest.fixture
def plain_database(databases: Databases) -> Iterator[str]:
    """A migrated database whose owner, whom all sessions work as, is no superuser: as managed servers give one."""
    url = databases.empty()
    with psycopg.connect(url, autocommit=True) as conn:
        make_roles(url)
        conn.execute("CREATE ROLE plain_owner NOLOGIN")
        conn.execute("GRANT puente_gateway TO plain_owner WITH INHERIT FALSE")
        conn.execute("GRANT puente_worker TO plain_owner")
        name = sql.Identifier(conn.info.dbname)
        conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO plain_owner").format(name))
        conn.execute(sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET role = plain_owner").format(name))
    migrate(url)
    yield url
    databases.drop(url)
    with psycopg.connect(databases.server.url("postgres"), autocommit=True) as conn:
        conn.execute("DROP ROLE plain_owner")


@pytest.fixture
def open_node(shared_database: Shared) -> Iterator[Callable[..., Node]]:
    """Opens gateways on the database these tests share, as it is staged; a second one has connections of its own."""
    shared_database.restore()
    opened: list[Node] = []

    def open_one(**options: Any) -> Node:
        opened.append(Node(shared_database.url, shared=None if opened else shared_database, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def node(open_node: Callable[..., Node]) -> Node:
    """A gateway with the cast enrolled; POLICE shares its alerts with SHELTER and SHERIFF."""
    return open_node()


@pytest.fixture
def police(node: Node) -> Desk:
    """Publishes."""
    return node.desk(POLICE)


@pytest.fixture
def sheriff(node: Node) -> Desk:
    """Reads as law enforcement."""
    return node.desk(SHERIFF)


@pytest.fixture
def shelter(node: Node) -> Desk:
    """Reads as a partner."""
    return node.desk(SHELTER)


@pytest.fixture
def stranger(node: Node) -> Desk:
    """Law enforcement in another state, without any grant."""
    return node.desk(STRANGER)


@pytest.fixture
def fiscalia(node: Node) -> Desk:
    """Of the other country."""
    return node.desk(FISCALIA)


@pytest.fixture
def operators(node: Node) -> Node:
    """The node with the agency that runs it."""
    node.enrol(OPERATOR)
    return node


@pytest.fixture
def olga(operators: Node) -> Desk:
    """Runs the node."""
    return operators.office(OPERATOR, "olga", Role.OPERATOR)


@pytest.fixture
def omar(operators: Node) -> Desk:
    """Runs it with her."""
    return operators.office(OPERATOR, "omar", Role.OPERATOR)


@pytest.fixture
def ana(node: Node) -> Desk:
    """Administers POLICE."""
    return node.office(POLICE, "ana", Role.ADMIN)


@pytest.fixture
def bea(node: Node) -> Desk:
    """Administers it with her."""
    return node.office(POLICE, "bea", Role.ADMIN)
