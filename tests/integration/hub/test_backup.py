"""A copy of a node is whole or refused; what is put back is what was copied, and goes on where nothing was before."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from hub.store import connect
from tests.integration.hub.copies import Operator, at_work, publish, read, stored
from tests.support.cast import POLICE, SHELTER
from tests.support.node import missing_child
from tests.support.services import Databases


@pytest.fixture
def operator(postgres: str, tmp_path: Path) -> Operator:
    return Operator(postgres, tmp_path)


def test_a_copy_is_whole_where_row_security_binds_the_owner_too(plain_database: str, tmp_path: Path) -> None:
    operator = Operator(plain_database, tmp_path)
    with at_work(operator) as node:
        node.desk(POLICE).publish(missing_child())

    assert operator.backs_up()["tables"]["event"] == 1


@pytest.fixture
def published(operator: Operator) -> list[str]:
    """The ids of three alerts, in the log of a node that has stopped again."""
    with at_work(operator) as node:
        return publish(node, 3)


def test_what_is_restored_is_what_was_copied(operator: Operator, published: list[str]) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        publish(node, 2)

    operator.restores("--replace")

    assert stored(operator) == published


def test_a_copy_is_of_one_moment_while_the_node_works(operator: Operator) -> None:
    with at_work(operator) as node:
        publish(node, 2)

        manifest = operator.backs_up()

        assert manifest["tables"]["event"] == 2
        assert manifest["tables"]["audit"] == node.rows("SELECT count(*) FROM audit")[0][0]


def test_the_former_database_is_kept_under_another_name(
    operator: Operator, published: list[str], databases: Databases
) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        later = publish(node, 1)

    said = operator.restores("--replace")

    (aside,) = (name for name in databases.server.databases() if "_before_" in name and name in said)
    with psycopg.connect(databases.server.url(aside)) as conn:
        assert [row[0] for row in conn.execute("SELECT id FROM event ORDER BY hub_id")] == published + later


@pytest.mark.usefixtures("published")
def test_a_cursor_given_out_before_the_backup_goes_on(operator: Operator) -> None:
    with at_work(operator) as node:
        _, cursor = read(node)
    operator.backs_up()

    operator.restores("--replace")

    with at_work(operator) as node:
        later = publish(node, 1)
        assert read(node, cursor)[0] == later


@pytest.mark.usefixtures("published")
def test_a_cursor_given_out_after_the_backup_misses_nothing_that_comes_after_the_restore(operator: Operator) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        publish(node, 5)
        _, cursor = read(node)

    operator.restores("--replace")

    with at_work(operator) as node:
        later = publish(node, 1)
        assert read(node, cursor)[0] == later


@pytest.mark.usefixtures("published")
def test_a_token_issued_before_the_restore_is_void(operator: Operator) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        desk = node.desk(SHELTER)
    operator.restores("--replace")

    with at_work(operator) as node:
        desk.node = node
        assert desk.get("/v1/feed").status_code == 401


@pytest.mark.usefixtures("published")
def test_nobody_leads_and_kafka_goes_on_where_it_was(operator: Operator) -> None:
    with at_work(operator) as node:
        node.rows("UPDATE lease SET holder = gen_random_uuid(), until = 'infinity'")
        node.rows("INSERT INTO kafka_offset VALUES ('in.us-ca-sdpd.v1', 0, 42)")
    operator.backs_up()

    operator.restores("--replace")

    with connect(operator.url, name="test") as conn:
        assert conn.execute("SELECT count(*) FROM lease WHERE until > '-infinity'").fetchone() == (0,)
        assert conn.execute("SELECT next_offset FROM kafka_offset").fetchone() == (42,)


@pytest.mark.usefixtures("published")
def test_numbers_shown_to_agencies_are_not_given_again(operator: Operator) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        node.desk(POLICE).post("/v1/events", b"{")
        shown = node.rows("SELECT (SELECT max(no) FROM audit), (SELECT max(no) FROM rejection)")[0]

    operator.restores("--replace")

    with at_work(operator) as node:
        node.desk(POLICE).post("/v1/events", b"{")
        now = node.rows("SELECT (SELECT max(no) FROM audit), (SELECT max(no) FROM rejection)")[0]
    assert all(later > before for later, before in zip(now, shown, strict=True))
