"""The role of gateways: whom a connection speaks for, what it may write, and what the catalogue says of it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from hub.store import GATEWAY_ROLE, Connection, connection, open_gateway_pool
from hub.store.roles import WORKER_ROLE
from tests.integration.hub.barrier import as_gateway
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.node import Desk, Node, missing_child

Pool = ConnectionPool[Connection]
_SHOWN = ("event", "log", "subject_state", "offer", "owed", "audit", "rejection", "idempotency")
HOLDING_EVENTS = (*_SHOWN, "earlier_text", "arrival", "departure", "protected_copy", "publication")


@pytest.fixture
def pool_of_one(node: Node, police: Desk) -> Iterator[Pool]:
    police.publish(missing_child())
    node.sequence()
    with open_gateway_pool(node.url, name="test-gateway", most=1) as pool:  # so each borrower gets the same connection
        yield pool


COUNT = "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM log) + (SELECT count(*) FROM subject_state)"


def test_a_connection_that_comes_back_from_one_reader_shows_the_next_nothing_until_it_says_who_it_is(
    pool_of_one: Pool,
) -> None:
    seen = []
    for reader in (POLICE.id, "", STRANGER.id, SHELTER.id, ""):
        with connection(pool_of_one, reader) as conn:
            seen.append(conn.execute(COUNT).fetchone())

    assert seen == [(3,), (0,), (0,), (3,), (0,)]


def test_a_failed_transaction_does_not_change_whom_a_connection_speaks_for(
    pool_of_one: Pool,
) -> None:
    with connection(pool_of_one, POLICE.id) as conn:
        with pytest.raises(psycopg.errors.DivisionByZero), conn.transaction():
            conn.execute("SELECT 1 / 0")
        assert conn.execute(COUNT).fetchone() == (3,)
    with connection(pool_of_one, STRANGER.id) as conn:
        assert conn.execute(COUNT).fetchone() == (0,)


@pytest.mark.parametrize("undo", ["RESET ROLE", "RESET ALL", "DISCARD ALL", "RESET SESSION AUTHORIZATION"])
def test_resetting_a_session_does_not_give_it_the_owners_rights(pool_of_one: Pool, undo: str) -> None:
    with connection(pool_of_one, STRANGER.id) as conn:
        conn.execute(undo)

        assert conn.execute(f"SELECT current_user, ({COUNT})").fetchone() == (GATEWAY_ROLE, 0)


@pytest.mark.parametrize("reader", [None, "", "nobody"])
def test_who_is_nobody_sees_nothing(node: Node, police: Desk, reader: str | None) -> None:
    police.publish(missing_child())
    node.sequence()
    with psycopg.connect(node.url, autocommit=True) as conn, as_gateway(conn, reader):
        for table in (
            "event",
            "log",
            "subject_state",
            "offer",
            "owed",
            "owed_closing",
            "offered",
            "rejection",
            "idempotency",
        ):
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - of this list


# --- What a gateway may write.

ENTRY = "INSERT INTO audit (agency, client, action, is_allowed, reason, policy) VALUES (%s, 'c', 'a', true, 'r', 'p')"
COPY = """
INSERT INTO event (source, id, type, subject, lane, jurisdictions, audience, "time", digest, lapses,
                   projection_version, cuts, text)
SELECT %(source)s, %(id)s, %(type)s, subject, %(lane)s, jurisdictions, audience, "time", digest, lapses,
       projection_version, cuts, text
  FROM event
"""


@pytest.fixture
def stage(node: Node, police: Desk) -> Iterator[Connection]:
    """The gateway's role, speaking for POLICE, which has published one alert; and SHERIFF one lane of its own."""
    police.publish(missing_child())
    node.sequence()
    with psycopg.connect(node.url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO lane (source, type, status, tlp, jurisdictions, rel_to, audience, is_coarse)"
            " SELECT source, 'case.trafficking.opened', status, tlp, jurisdictions, rel_to, audience, false FROM lane"
        )
        with as_gateway(conn, POLICE.id):
            yield conn


def test_an_audit_entry_is_written_under_the_readers_own_name_alone(stage: Connection) -> None:
    stage.execute(ENTRY, (POLICE.id,))

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stage.execute(ENTRY, (SHELTER.id,))


@pytest.mark.parametrize(
    "wrong",
    [{"source": SHELTER.id}, {"type": "case.trafficking.opened"}, {"lane": 0}],
    ids=["another's name", "a type of another lane", "no lane"],
)
def test_an_event_is_stored_under_its_sources_name_and_in_its_own_lane(
    stage: Connection, wrong: dict[str, object]
) -> None:
    row = stage.execute("SELECT lane, type FROM event").fetchone()
    assert row is not None
    right = {"source": POLICE.id, "id": uuid4().hex, "lane": row[0], "type": row[1]}
    stage.execute(COPY, right)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stage.execute(COPY, right | {"id": uuid4().hex} | wrong)


@pytest.mark.parametrize("table", ["event", "log", "audit", "subject_state", "owed", "offer", "lane", "way_lane"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_that_happened_is_changed_or_removed_by_a_gateway(
    stage: Connection, table: str, statement: str
) -> None:
    column = {"audit": "action", "subject_state": "subject", "owed": "agency"}.get(table, "lane")
    column = {"lane": "source", "offer": "event"}.get(table, column)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stage.execute(statement.format(table, column, column))


def test_what_is_owed_is_noted_for_the_reader_itself_and_for_what_it_sees(node: Node, police: Desk) -> None:
    issued = police.publish(missing_child(subject="s"))
    police.publish(missing_child("cancelled", subject="s", minutes=1))
    node.sequence()
    with psycopg.connect(node.url, autocommit=True) as conn:
        for whom in (STRANGER.id, SHELTER.id):
            with as_gateway(conn, STRANGER.id):
                seen = "SELECT owe_closings(%s, array_agg(hub_id)) FROM event WHERE hub_id = %s"
                assert conn.execute(seen, (whom, UUID(issued))).fetchone() == (0,)
        with as_gateway(conn, STRANGER.id):
            assert conn.execute("SELECT owe_closings(%s, %s)", (SHELTER.id, [UUID(issued)])).fetchone() == (0,)


# --- Where the owner is subject to row security too.


def test_workers_see_everything_where_the_owner_is_no_superuser(plain_database: str) -> None:
    node = Node(plain_database)
    try:
        node.desk(POLICE).publish(missing_child())
        assert node.rows("SELECT current_user, current_setting('is_superuser')") == [("plain_owner", "off")]
        assert node.sequence() == 1
        assert len(node.desk(SHELTER).feed()) == 1
        assert node.desk(STRANGER).feed() == []
    finally:
        node.close()


# --- What the catalogue says.


def test_the_gateways_role_owns_nothing_and_cannot_pass_the_barrier(node: Node) -> None:
    has = node.rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin, rolinherit"
        "  FROM pg_roles WHERE rolname IN (%s, %s)",
        GATEWAY_ROLE,
        WORKER_ROLE,
    )
    owned = node.rows(
        "SELECT d.objid::regclass::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid"
        " WHERE r.rolname = %s AND d.deptype = 'o'",
        GATEWAY_ROLE,
    )
    member = node.rows("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", GATEWAY_ROLE)

    assert has == [(False,) * 7] * 2
    assert owned == member == []


def test_row_security_is_on_and_forced_on_every_table_that_holds_events(node: Node) -> None:
    rows = node.rows("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY relname")

    assert [name for (name,) in rows] == sorted(HOLDING_EVENTS)


def test_no_other_table_that_a_gateway_reads_names_an_event(node: Node) -> None:
    rows = node.rows(
        """
        SELECT DISTINCT c.relname
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = current_schema()::regnamespace
           AND a.attname IN ('event', 'events', 'hub_id', 'position', 'subject')
           AND NOT c.relrowsecurity AND has_any_column_privilege(%s, c.oid, 'SELECT')
        """,
        GATEWAY_ROLE,
    )

    # Consents are rules, and name the subject they are about; the views have predicates of their own; how far both
    # streams over the border have come says nothing of an event.
    assert {name for (name,) in rows} == {"consent", "owed_closing", "offered", "own_deadline", "crossing"}
