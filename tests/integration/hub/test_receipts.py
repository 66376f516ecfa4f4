"""What became of an event with everybody it was for is told to its originator, and to nobody else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.admin.receipts import receipts
from hub.directory import Kind, Role
from hub.grants import Selector
from hub.principal import PUBLISH, READ
from tests.integration.hub.test_hidden import NOBODYS, seen
from tests.support import cast
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.node import SHERIFF, Desk, Node, grant, missing_child
from tests.support.public import PUBLIC, clear, document, open_to_public
from tests.support.terminal import Terminal, served

# As a ladder that named the public once left it behind.
AWAITED = """
INSERT INTO deadline (event, agency, position, ladder, is_urgent, required_by, step, since, due_at)
SELECT event, %s, position, 'old', true, now() - interval '1 hour', 0, now(), now() FROM log
"""


def told(desk: Desk, hub_id: str, **query: Any) -> dict[str, Any]:
    """The whole answer."""
    answer = desk.get(f"/v1/events/{hub_id}/receipts", **query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def row(desk: Desk, hub_id: str, agency: str) -> dict[str, Any]:
    """One recipient."""
    (found,) = [one for one in told(desk, hub_id)["receipts"] if one["agency"] == agency]
    return dict(found)


@pytest.fixture
def alert(police: Desk) -> str:
    """An alert in the log, by the hub's id."""
    hub_id = police.publish(missing_child())
    police.node.sequence()
    return hub_id


def test_recipients_are_those_whom_the_policy_lets_read_it(police: Desk, alert: str) -> None:
    assert [one["agency"] for one in told(police, alert)["receipts"]] == [SHELTER.id, SHERIFF.id]


def test_what_is_in_the_log_has_been_received_here(police: Desk) -> None:
    hub_id = police.publish(missing_child())
    before = row(police, hub_id, SHELTER.id)["received"]
    police.node.sequence()

    after = told(police, hub_id)

    assert (before, after["receipts"][0]["received"]) == (None, after["accepted"])


def test_the_first_read_is_told_and_stays(police: Desk, shelter: Desk, alert: str) -> None:
    unread = row(police, alert, SHELTER.id)["read"]
    shelter.event(alert)
    first = row(police, alert, SHELTER.id)["read"]
    shelter.event(alert)

    assert (unread, row(police, alert, SHELTER.id)["read"]) == (None, first)
    assert first is not None


def test_ones_own_reading_is_none(police: Desk, alert: str) -> None:
    police.event(alert)

    assert told(police, alert)["counts"]["read"] == 0


def test_acknowledged_and_declined_are_told_with_the_reason(
    police: Desk, shelter: Desk, sheriff: Desk, alert: str
) -> None:
    shelter.post(f"/v1/events/{alert}/acks", {"state": "acknowledged"})
    sheriff.post(f"/v1/events/{alert}/acks", {"state": "declined", "reason": "not-ours"})

    found = told(police, alert)

    said = [(one["acknowledged"] is not None, one["declined"] is not None, one["reason"]) for one in found["receipts"]]
    assert said == [(True, False, None), (False, True, "not-ours")]
    assert found["counts"] == {
        "recipients": 2,
        "received": 2,
        "delivered": 2,
        "read": 0,
        "acknowledged": 1,
        "declined": 1,
        "overdue": 0,
    }


def test_an_agency_that_says_that_it_has_read_it_is_believed(police: Desk, shelter: Desk, alert: str) -> None:
    shelter.post(f"/v1/events/{alert}/acks", {"state": "read"})

    assert row(police, alert, SHELTER.id)["read"] is not None


def test_an_agency_that_says_that_it_has_received_it_has_had_it(police: Desk, shelter: Desk, alert: str) -> None:
    assert shelter.post(f"/v1/events/{alert}/acks", {"state": "received"}).status_code == 201

    found = row(police, alert, SHELTER.id)

    assert found["delivered"] is not None
    assert (found["read"], told(police, alert)["counts"]["delivered"]) == (None, 1)


def test_an_answer_to_another_event_of_the_subject_is_no_answer_to_this_one(police: Desk, shelter: Desk) -> None:
    first = missing_child()
    ids = [police.publish(first), police.publish(missing_child("updated", minutes=1, subject=first["subject"]))]
    police.node.sequence()
    shelter.post(f"/v1/events/{ids[0]}/acks", {"state": "acknowledged"})

    assert [row(police, one, SHELTER.id)["acknowledged"] is not None for one in ids] == [True, False]


def test_who_has_read_it_stays_when_its_right_has_gone(node: Node, police: Desk, shelter: Desk, alert: str) -> None:
    shelter.event(alert)
    node.regrant()

    found = told(police, alert)

    assert [(one["agency"], one["may_read"]) for one in found["receipts"]] == [(SHELTER.id, False)]


def test_who_is_owed_the_end_is_a_recipient_of_it(node: Node, police: Desk, shelter: Desk) -> None:
    event = missing_child()
    police.publish(event)
    node.sequence()
    shelter.feed()
    node.regrant()
    end = police.publish(missing_child("cancelled", minutes=1, subject=event["subject"]))
    node.sequence()

    assert [one["agency"] for one in told(police, end)["receipts"]] == [SHELTER.id]


def test_the_public_is_no_recipient_although_what_it_was_given_is_on_record(node: Node, police: Desk) -> None:
    open_to_public(node)
    hub_id = police.publish(clear())
    node.sequence()
    document(node, hub_id)
    node.rows(AWAITED, PUBLIC.id)

    found = told(police, hub_id)

    assert PUBLIC.id not in [one["agency"] for one in found["receipts"]]
    assert {name: count for name, count in found["counts"].items() if count} == {"recipients": 2, "received": 2}


def test_pages_hold_every_recipient_once_and_every_page_counts_all(node: Node, police: Desk) -> None:
    homes = [cast.agency(f"us-ca-home{number:02}", Kind.NGO, "US-CA") for number in range(7)]
    node.enrol(*homes)
    node.regrant(grant(reader=Selector(kind=Kind.NGO)))
    hub_id = police.publish(missing_child())

    listed: list[str] = []
    after: str | None = ""
    counts = set()
    while after is not None:
        page = told(police, hub_id, after=after, limit=3)
        listed += [one["agency"] for one in page["receipts"]]
        counts.add(page["counts"]["recipients"])
        after = page["next"]

    assert listed == sorted([SHELTER.id, *(home.id for home in homes)])
    assert counts == {8}


def test_as_csv_each_recipient_is_a_line_that_no_spreadsheet_runs(node: Node, police: Desk, alert: str) -> None:
    node.enrol(replace(SHELTER, name='=HYPERLINK("x")'))

    answer = police.get(f"/v1/events/{alert}/receipts", format="csv")

    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(one["recipient"], one["name"][:2], one["may_read"]) for one in rows][0] == (SHELTER.id, "'=", "yes")
    assert [one["recipient"] for one in rows] == [SHELTER.id, SHERIFF.id]


@pytest.mark.parametrize("role", [Role.OFFICER, Role.ADMIN, Role.AUDITOR])
def test_people_on_duty_and_who_look_after_disclosures_are_told(node: Node, alert: str, role: Role) -> None:
    assert told(node.office(POLICE, "ana", role), alert)["counts"]["recipients"] == 2


def test_to_everybody_else_it_is_as_if_there_were_no_such_event(node: Node, alert: str) -> None:
    others = [
        node.desk(SHELTER),
        node.desk(STRANGER),
        node.desk(POLICE, scope=PUBLISH),
        node.desk(POLICE, scope=READ, jurisdictions="US-TX"),
        node.office(SHELTER, "ben", Role.ADMIN),
    ]
    for desk in others:
        missing = seen(desk.get(f"/v1/events/{NOBODYS}/receipts"))
        assert seen(desk.get(f"/v1/events/{alert}/receipts")) == missing, desk.agency.id
        assert missing[0] == 404


def test_an_attempt_by_somebody_else_is_on_record(node: Node, shelter: Desk, alert: str) -> None:
    shelter.get(f"/v1/events/{alert}/receipts")

    assert node.rows("SELECT agency, is_allowed, object FROM audit WHERE action = 'receipts.read'") == [
        (SHELTER.id, False, alert)
    ]


@pytest.fixture
def terminal(node: Node, tmp_path: Path) -> Iterator[Terminal]:
    """The duty officer's."""
    with served(node) as url:
        yield Terminal(tmp_path, url)


def test_the_board_names_who_read_and_who_has_yet_to(shelter: Desk, alert: str, terminal: Terminal) -> None:
    shelter.event(alert)
    shelter.post(f"/v1/events/{alert}/acks", {"state": "acknowledged"})

    lines = terminal.does(receipts, alert, who=POLICE.id).splitlines()

    assert lines[0].startswith(f"alert.missing_child.issued  {alert}  accepted ")
    (first,), (second,) = ([line for line in lines if name in line] for name in (SHELTER.name, SHERIFF.name))
    assert [word for word in first.split() if word.isalpha()][-4:] == ["received", "delivered", "read", "acknowledged"]
    assert second.endswith("  not read yet")
    assert lines[-1] == "2 recipients: 2 received, 1 delivered, 1 read, 1 acknowledged, 0 declined, 0 overdue"


def test_as_json_and_as_csv_it_has_every_recipient(alert: str, terminal: Terminal) -> None:
    lines = terminal.does(receipts, alert, "--json", who=POLICE.id).splitlines()
    as_csv = csv.DictReader(io.StringIO(terminal.does(receipts, alert, "--csv", who=POLICE.id), newline=""))

    assert [json.loads(line)["agency"] for line in lines] == [SHELTER.id, SHERIFF.id]
    assert [one["recipient"] for one in as_csv] == [SHELTER.id, SHERIFF.id]


def test_of_what_is_not_ones_own_the_command_says_no(alert: str, terminal: Terminal) -> None:
    assert terminal.run(receipts, alert, who=SHELTER.id).exit_code == 1
