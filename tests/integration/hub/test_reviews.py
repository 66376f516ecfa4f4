"""Access reviews: what nobody has confirmed for long is asked about, and lapses at that minute without an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Role
from tests.support.cast import POLICE
from tests.support.granting import Office, act, approve, done
from tests.support.node import OPERATOR, SHERIFF, Desk, Node, missing_child

CITY = replace(POLICE, id="us-ca-cvpd", name="Chula Vista Police (sample)")


@pytest.fixture
def office(node: Node) -> Office:
    """A grant of POLICE to SHERIFF, approved long ago."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    office.grant()
    _long_ago(node)
    return office


def _long_ago(node: Node) -> None:
    node.rows("UPDATE grant_owner SET approved_at = approved_at - interval '91 days'")


def start(desk: Desk, **told: Any) -> dict[str, Any]:
    return done(desk.post("/v1/reviews", told), 201)


def answers(desk: Desk, review: dict[str, Any]) -> list[str]:
    return [one["answer"] for one in done(desk.get(f"/v1/reviews/{review['id']}"))["grants"]]


def test_unconfirmed_it_lapses_when_the_answer_is_due(office: Office) -> None:
    node = office.node
    hub_id = node.desk(POLICE).publish(missing_child())
    review = start(office.olga, due_days=10)

    node.clock.ahead = timedelta(days=10) - timedelta(seconds=30)
    before = node.desk(SHERIFF).event(hub_id)
    node.clock.ahead = timedelta(days=10)
    after = node.desk(SHERIFF).event(hub_id)
    olga = node.office(OPERATOR, "olga", Role.OPERATOR)

    assert (before is not None, after, answers(olga, review)) == (True, None, ["lapsed"])


def test_confirmed_it_goes_on(office: Office) -> None:
    node = office.node
    hub_id = node.desk(POLICE).publish(missing_child())
    review = start(office.olga, due_days=10)

    done(act(office.ana, "/v1/grants/us-ca-sheriff-from-sdpd", "confirm"))
    node.clock.ahead = timedelta(days=11)

    assert node.desk(SHERIFF).event(hub_id) is not None
    assert answers(node.office(OPERATOR, "olga", Role.OPERATOR), review) == ["confirmed"]


def test_only_the_owning_side_confirms_and_only_what_is_asked(office: Office) -> None:
    path = "/v1/grants/us-ca-sheriff-from-sdpd"
    unasked = act(office.ana, path, "confirm")
    start(office.olga)

    assert (unasked.status_code, act(office.saul, path, "confirm").status_code) == (409, 403)


def test_too_late_is_too_late(office: Office) -> None:
    start(office.olga, due_days=1)
    office.node.clock.ahead = timedelta(days=2)
    ana = office.node.office(POLICE, "ana", Role.ADMIN)

    assert act(ana, "/v1/grants/us-ca-sheriff-from-sdpd", "confirm").status_code == 409


def test_what_was_approved_lately_is_not_asked_about(office: Office) -> None:
    office.grant(id="us-ca-sheriff-new")

    assert [one["grant"] for one in start(office.olga)["grants"]] == ["us-ca-sheriff-from-sdpd"]
    assert start(office.olga)["grants"] == []


def test_one_owners_silence_ends_its_part_alone(office: Office) -> None:
    node = office.node
    node.enrol(CITY)
    cora = node.office(CITY, "cora", Role.ADMIN)
    office.agree(id="us-ca-sdpd-all", parties=[{"kind": "law_enforcement"}])
    both: dict[str, Any] = {"source": {"kind": "law_enforcement", "country": "US"}, "types": ["alert.*"]}
    grant_id = office.propose(id="us-ca-sheriff-all", agreement="us-ca-sdpd-all", **both)["id"]
    for desk in (office.ana, cora):
        done(approve(desk, grant_id))
    node.rows("DELETE FROM grant_owner WHERE grant_id <> 'us-ca-sheriff-all'")
    ids = [node.desk(agency).publish(missing_child(source=agency.id)) for agency in (POLICE, CITY)]
    _long_ago(node)
    start(office.olga, due_days=1)

    done(act(cora, f"/v1/grants/{grant_id}", "confirm"))
    node.clock.ahead = timedelta(days=2)

    reader = node.desk(SHERIFF)
    assert [reader.event(one) is not None for one in ids] == [False, True]


def test_an_admin_starts_one_for_its_own_agency_alone(office: Office) -> None:
    assert [one["agency"] for one in start(office.ana)["grants"]] == [POLICE.id]
    assert start(office.nora)["grants"] == []


@pytest.mark.parametrize("days", [0, 366, "ten", 1.5])
def test_a_senseless_time_is_refused(office: Office, days: Any) -> None:
    assert office.olga.post("/v1/reviews", {"due_days": days}).status_code == 422


def test_anothers_review_looks_like_none(office: Office) -> None:
    review = start(office.olga)

    hidden = office.nora.get(f"/v1/reviews/{review['id']}")
    missing = office.nora.get("/v1/reviews/019ec1f0-7c3a-7e55-8c1b-0242ac120002")

    assert (hidden.status_code, hidden.data) == (404, missing.data)
