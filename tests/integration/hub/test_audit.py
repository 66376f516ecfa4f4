"""No disclosure without its audit entry, no entry without a reason, and nothing in it ever changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hub.store import audit, connect
from tests.support.cast import POLICE, SHELTER
from tests.support.node import SHERIFF, Desk, Node, missing_child

NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
DISCLOSURES = """
    SELECT agency, client, object, events::text[], projections, grants, purpose
      FROM audit WHERE action = 'disclose' ORDER BY no
"""


def disclosures(node: Node) -> list[tuple[Any, ...]]:
    return node.rows(DISCLOSURES)


def publish(police: Desk, count: int = 1) -> list[str]:
    """Alerts in the log; the hub's ids of them."""
    published = [police.publish(missing_child(subject="s")) for _ in range(count)]
    police.node.sequence()
    return published


def test_a_page_is_one_entry_that_names_each_event(node: Node, police: Desk) -> None:
    published = publish(police, 3)

    node.desk(SHELTER, purpose="locate-child").feed()

    assert disclosures(node) == [
        (SHELTER.id, SHELTER.id, "feed", published, ["partner"] * 3, ["police-to-shelter"] * 3, "locate-child")
    ]


PATHS: dict[str, Callable[[str], str]] = {
    "feed": lambda _: "/v1/feed",
    "event": lambda hub_id: f"/v1/events/{hub_id}",
    "alerts.active": lambda _: "/v1/alerts/active",
    "case": lambda _: "/v1/cases/s",
}


@pytest.mark.parametrize(("where", "path"), PATHS.items(), ids=PATHS.keys())
def test_every_path_leaves_its_entry(police: Desk, sheriff: Desk, where: str, path: Any) -> None:
    (hub_id,) = publish(police)

    assert sheriff.get(path(hub_id)).status_code == 200

    assert disclosures(police.node) == [
        (SHERIFF.id, SHERIFF.id, where, [hub_id], ["enforcement"], ["police-to-sheriff"], None)
    ]


def test_a_source_that_reads_its_own_is_on_record_too(police: Desk) -> None:
    (hub_id,) = publish(police)

    police.feed()

    assert disclosures(police.node) == [(POLICE.id, POLICE.id, "feed", [hub_id], ["full"], [""], None)]


def test_an_empty_answer_discloses_nothing(police: Desk, stranger: Desk) -> None:
    (hub_id,) = publish(police)
    for path in PATHS.values():
        stranger.get(path(hub_id))

    assert disclosures(police.node) == []


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_without_its_commit_there_is_no_answer(police: Desk, shelter: Desk, path: Any) -> None:
    (hub_id,) = publish(police)
    commits_die(police.node)
    try:
        answer = shelter.get(path(hub_id))
    finally:
        commits_live(police.node)

    assert answer.status_code == 503
    assert b"Ximena" not in answer.data
    assert disclosures(police.node) == []
    assert shelter.get(path(hub_id)).status_code == 200


def commits_die(node: Node) -> None:
    """From now on whoever commits a disclosure loses its connection in the act."""
    node.rows(
        """
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.action = 'disclose') EXECUTE FUNCTION die()
        """
    )


def commits_live(node: Node) -> None:
    """No longer."""
    node.rows("DROP TRIGGER dies ON audit; DROP FUNCTION die()")


def test_who_saw_an_event_can_be_asked(police: Desk, shelter: Desk, sheriff: Desk, stranger: Desk) -> None:
    first, second = publish(police, 2)
    shelter.feed()
    sheriff.event(second)
    stranger.event(second)

    with connect(police.node.url, name="test") as conn:
        read = [audit.readings(conn, UUID(one)) for one in (first, second)]

    assert [[(one.agency, one.projection, one.grant) for one in readings] for readings in read] == [
        [(SHELTER.id, "partner", "police-to-shelter")],
        [(SHELTER.id, "partner", "police-to-shelter"), (SHERIFF.id, "enforcement", "police-to-sheriff")],
    ]


def test_what_an_agency_published_is_no_reading(police: Desk) -> None:
    (hub_id,) = publish(police)

    with connect(police.node.url, name="test") as conn:
        assert audit.readings(conn, UUID(hub_id)) == []


REFUSALS: dict[str, tuple[Any, tuple[str, str]]] = {
    "a publish for another": (
        lambda d: d.post("/v1/events", missing_child()),
        ("publish", "source is not the publishing agency"),
    ),  # fmt: skip
    "a look at what is hidden": (lambda d: d.get(f"/v1/events/{NOBODYS}"), ("event.read", "no such event")),
    "a look at a case": (lambda d: d.get("/v1/cases/x"), ("case.read", "no such event")),
    "an answer to nothing": (
        lambda d: d.post(f"/v1/events/{NOBODYS}/acks", {"state": "read"}),
        ("ack", "no such event"),
    ),
}


@pytest.mark.parametrize(("attempt", "entry"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_attempt_is_on_record(shelter: Desk, attempt: Any, entry: tuple[str, str]) -> None:
    attempt(shelter)

    found = shelter.node.rows("SELECT action, reason FROM audit WHERE NOT is_allowed AND agency = %s", SHELTER.id)
    assert found == [entry]


def test_an_entry_names_the_rules_it_rests_on(police: Desk, shelter: Desk) -> None:
    publish(police)
    shelter.feed()

    rules = police.node.hub.picture.view.rules
    assert police.node.rows("SELECT DISTINCT policy FROM audit WHERE action = 'disclose'") == [(rules.version,)]


CHANGES = ["UPDATE audit SET agency = 'us-xx'", "DELETE FROM audit", "TRUNCATE audit", "TRUNCATE audit CASCADE"]


@pytest.mark.parametrize("change", CHANGES)
def test_the_audit_takes_no_change(police: Desk, change: str) -> None:
    publish(police)

    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        police.node.rows(change)
