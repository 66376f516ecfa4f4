"""What changes if a grant is approved: told before, and exactly what then happens."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from hub.directory import Role
from tests.support.cast import POLICE, SHELTER
from tests.support.granting import Office, amend, approve, done
from tests.support.node import OPERATOR, SHERIFF, Desk, Node, missing_child

LABEL = {"tlp": "green", "rel_to": ["US", "MX"]}


@pytest.fixture
def office(node: Node) -> Office:
    """People on both sides, an agreement in force, and no grant yet."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    return office


def publish_some(node: Node) -> list[str]:
    """Alerts of every sort: open, closed, red, for an audience, in many places."""
    police = node.desk(POLICE)
    told: list[dict[str, Any]] = [
        {"subject": "one"},
        {"subject": "two"},
        {"label": LABEL | {"tlp": "red"}},
        {"label": LABEL | {"audience": ["ngo"]}},
        {"label": LABEL | {"audience": [SHERIFF.id, "ngo", "school", "health", "consular"]}},
    ]
    ids = [police.publish(missing_child(**each)) for each in told]
    ids.append(police.publish(missing_child("cancelled", subject="two", minutes=5)))
    node.sequence()
    return ids


def effect(desk: Desk, grant_id: str) -> dict[str, Any]:
    return done(desk.get(f"/v1/grants/{grant_id}/effect"))


def counted(rows: list[dict[str, Any]]) -> Counter[tuple[str, str, str]]:
    return Counter({(row["reader"], row["type"], row["after"]): row["events"] for row in rows})


def has(node: Node, agency: Any) -> Counter[tuple[str, str, str]]:
    """What an agency gets from its feed, by type and projection."""
    items = node.desk(agency).feed(limit=500)
    shown = ((agency.id, item["event"]["type"], item["projection"].rstrip("~")) for item in items)
    return Counter(one for one in shown if one[2] != "notice")


@pytest.mark.parametrize("terms", [{}, {"reader": {"agency": SHELTER.id}, "clearance": "partner"}, {"opens": "now"}])
def test_what_is_told_to_open_at_once_is_what_then_opens(office: Office, terms: dict[str, Any]) -> None:
    publish_some(office.node)
    proposed = office.propose(office.ana, **terms)
    told = effect(office.beto, proposed["id"])

    for desk in (office.beto, office.carla):
        approve(desk, proposed["id"])
    office.node.sequence()

    got = has(office.node, SHERIFF) + has(office.node, SHELTER)
    assert counted(told["at_once"]) == got
    assert bool(got) is (terms.get("opens") != "now")


def test_what_is_told_of_the_last_days_is_what_the_same_events_would_do_from_now_on(office: Office) -> None:
    publish_some(office.node)
    proposed = office.propose(office.ana, opens="now")
    told = effect(office.beto, proposed["id"])
    done(approve(office.beto, proposed["id"]))

    publish_some(office.node)

    assert counted(told["changes"]) == has(office.node, SHERIFF) != Counter()


def test_a_narrower_version_tells_what_is_lost(office: Office) -> None:
    grant = office.grant()
    publish_some(office.node)
    done(amend(office.ana, grant["id"], types=["alert.missing_child.issued"], clearance="partner"), 201)

    rows = effect(office.beto, grant["id"])["changes"]

    assert {(row["type"], row["before"], row["after"], row["events"]) for row in rows} == {
        ("alert.missing_child.issued", "enforcement", "partner", 3),
        ("alert.missing_child.cancelled", "enforcement", "none", 1),
    }


def test_events_of_long_ago_do_not_count(office: Office) -> None:
    publish_some(office.node)
    proposed = office.propose(office.ana, opens="now")
    office.node.clock.ahead = 40 * (office.node.clock.ahead.resolution * 86_400_000_000)

    beto = office.node.office(POLICE, "beto", Role.ADMIN)

    assert effect(beto, proposed["id"])["changes"] == []


def test_who_only_reads_learns_of_no_event(office: Office) -> None:
    publish_some(office.node)
    proposed = office.propose(office.ana)

    answers = [office.saul.get(f"/v1/grants/{one}/effect") for one in (proposed["id"], "us-ca-sheriff-none")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].data == answers[1].data


def test_an_operator_and_an_auditor_of_the_owner_may_look(office: Office) -> None:
    publish_some(office.node)
    proposed = office.propose(office.ana)
    auditor = office.node.office(POLICE, "augusto", Role.AUDITOR)
    officer = office.node.office(POLICE, "oscar", Role.OFFICER)

    assert effect(office.olga, proposed["id"]) == effect(auditor, proposed["id"])
    assert officer.get(f"/v1/grants/{proposed['id']}/effect").status_code == 404


def test_too_much_to_count_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.effect.MOST_EVENTS", 1)
    publish_some(office.node)
    proposed = office.propose(office.ana)

    assert effect(office.beto, proposed["id"])["is_partial"] is True


def test_nothing_waits_nothing_is_told(office: Office) -> None:
    assert office.ana.get(f"/v1/grants/{office.grant()['id']}/effect").status_code == 409
