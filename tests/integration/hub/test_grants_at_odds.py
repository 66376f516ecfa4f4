"""Grants that are senseless, of others, at odds with one another; and the lists of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Role
from tests.integration.hub.granted import publish, sees, state
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.granting import MONTH, Office, act, approve, at, done, halt, wanted
from tests.support.node import OPERATOR, SHERIFF, Desk, Node


@pytest.fixture
def office(node: Node) -> Office:
    """People on both sides, an agreement in force, and no other grant."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    return office


@pytest.fixture
def reader(office: Office) -> Desk:
    """SHERIFF's machine."""
    return office.node.desk(SHERIFF)


FLAWS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown reader": ({"reader": {"agency": "us-ca-nobody"}}, ["/reader"]),
    "unknown agreement": ({"agreement": "us-ca-sdpd-none"}, ["/agreement"]),
    "empty selector": ({"reader": {}}, ["/reader"]),
    "contradictory selector": ({"reader": {"agency": SHERIFF.id, "country": "MX"}}, ["/reader"]),
    "covers nobody": ({"reader": {"kind": "search_commission"}}, ["/reader"]),
    "no party": ({"reader": {"agency": STRANGER.id}}, ["/reader"]),
    "reads itself": ({"reader": {"agency": POLICE.id}}, ["/reader"]),
    "expired": ({"valid_until": at(-timedelta(hours=1))}, ["/valid_until"]),
    "ends before it begins": ({"valid_until": at(-MONTH)}, ["/valid_until"]),
    "outlives its agreement": ({"valid_until": at(13 * MONTH)}, ["/valid_until"]),
    "precedes its agreement": ({"valid_from": at(-2 * MONTH)}, ["/valid_from"]),
    "begins later but opens the past": ({"valid_from": at(MONTH / 2)}, ["/opens"]),
    "since no date": ({"opens": "since"}, ["/opens_since"]),
    "a date for nothing": ({"opens_since": at()}, ["/opens_since"]),
    "no types": ({"types": []}, ["/types"]),
    "too many types": ({"types": [f"alert.t{'x' * number}" for number in range(33)]}, ["/types"]),
    "the same place twice": ({"jurisdictions": ["US-CA", "US-CA"]}, ["/jurisdictions"]),
    "an unknown place": ({"jurisdictions": ["US-CA:99999"]}, ["/jurisdictions/0"]),
    "too many places": ({"jurisdictions": ["US-CA"] * 257}, ["/jurisdictions"]),
    "another's name": ({"id": "us-ca-sheriff-x"}, ["/id"]),
    "no name": ({"id": "X"}, ["/id"]),
    "something unknown": ({"color": "red"}, ["/color"]),
}


@pytest.mark.parametrize(("terms", "paths"), FLAWS.values(), ids=FLAWS.keys())
def test_a_senseless_proposal_is_refused_by_place_and_stores_nothing(
    office: Office, terms: dict[str, Any], paths: list[str]
) -> None:
    answer = office.ana.post("/v1/grants", wanted(**terms))

    assert [one["path"] for one in done(answer, 422)["errors"]] == paths
    assert office.node.rows("SELECT count(*) FROM access_grant") == [(0,)]


def test_a_future_grant_opens_when_it_begins(office: Office, reader: Desk) -> None:
    grant = office.grant(valid_from=at(timedelta(days=1)), opens="now")
    hub_id = publish(office.node)
    assert not sees(reader, hub_id)

    office.node.rows("UPDATE access_grant SET valid_from = now(); UPDATE grant_owner SET events_from = now()")

    assert (state(grant), sees(reader, hub_id), sees(reader, publish(office.node))) == ("in_force", False, True)


def test_the_same_id_twice_is_a_conflict(office: Office) -> None:
    office.propose(office.ana)

    assert office.ana.post("/v1/grants", wanted()).status_code == 409


def test_two_grants_of_the_same_thing_do_each_other_no_harm(office: Office, reader: Desk) -> None:
    office.grant()
    second = office.grant(id="us-ca-sheriff-again", clearance="partner")
    hub_id = publish(office.node)

    done(halt(office.ana, second["id"], "revoke"))

    assert sees(reader, hub_id)


def test_grants_each_way_make_nothing_transitive(office: Office) -> None:
    office.grant()
    office.propose(office.ana, source={"agency": SHERIFF.id}, reader={"agency": POLICE.id})
    done(approve(office.saul, wanted()["id"]))

    assert not sees(office.node.desk(SHELTER), publish(office.node))


def test_nothing_is_approved_while_its_agreement_is_suspended(office: Office) -> None:
    proposed = office.propose()
    done(act(office.olga, "/v1/agreements/us-ca-sdpd-mou", "suspend", {"reason": "under review"}))

    assert approve(office.ana, proposed["id"]).status_code == 409


def test_others_grants_look_like_missing(office: Office) -> None:
    grant = office.grant()
    stranger = office.node.office(STRANGER, "stella", Role.ADMIN)
    for verb, body in (
        ("", None),
        ("/effect", None),
        ("/approve", {"version": 1}),
        ("/withdraw", {}),
        ("/suspend", {"reason": "why not"}),
        ("/resume", {}),
        ("/revoke", {"reason": "why not"}),
        ("/confirm", {}),
        ("/versions", {name: value for name, value in wanted().items() if name != "id"}),
    ):
        answers = [
            stranger.get(f"/v1/grants/{name}{verb}")
            if body is None
            else stranger.post(f"/v1/grants/{name}{verb}", body, {"If-Match": '"1"'})
            for name in (grant["id"], "us-ca-sheriff-no-such")
        ]
        assert answers[0].status_code == 404, verb
        assert answers[0].data == answers[1].data


def test_a_machine_has_no_part_in_it(office: Office, reader: Desk) -> None:
    grant = office.grant()

    assert {reader.get("/v1/grants").status_code, reader.get(f"/v1/grants/{grant['id']}").status_code} == {403}
    assert reader.post("/v1/grants", wanted(id="us-ca-sheriff-more")).status_code == 403


def test_what_was_done_is_on_record_with_who_did_it(office: Office) -> None:
    grant = office.grant()
    approve(office.ana, grant["id"])
    halt(office.ana, grant["id"], "revoke")

    found = office.node.rows(
        "SELECT action, person, is_allowed FROM audit WHERE starts_with(action, 'grant.') ORDER BY no"
    )
    assert found == [
        ("grant.propose", "us-ca-sheriff.saul", True),
        ("grant.approve", "us-ca-sdpd.ana", True),
        ("grant.approve", "us-ca-sdpd.ana", True),
        ("grant.revoke", "us-ca-sdpd.ana", True),
    ]


def test_the_list_comes_page_by_page_and_filtered(office: Office) -> None:
    for number in range(3):
        office.propose(id=f"us-ca-sheriff-{number}")
    office.propose(office.ana)

    first = office.ana.get("/v1/grants", limit=3).get_json()
    rest = office.ana.get("/v1/grants", after=first["next"]).get_json()
    ids = [one["id"] for one in first["grants"] + rest["grants"]]

    assert (ids, rest["next"]) == (sorted(ids), None)
    assert len(ids) == 4
    assert len(office.saul.get("/v1/grants", reader=SHERIFF.id, state="proposed").get_json()["grants"]) == 4
    assert office.ana.get("/v1/grants", reader=SHELTER.id).get_json()["grants"] == []
    assert office.nora.get("/v1/grants").get_json()["grants"] == []
    assert office.ana.get("/v1/grants", state="lost").status_code == 422


def test_a_nonprofit_sees_its_grants_and_what_kinds_it_cannot_get(office: Office) -> None:
    office.grant(id="us-ca-sheriff-x")
    proposed = office.propose(office.nora, id="us-ca-shelter-x", reader={"agency": SHELTER.id}, clearance="partner")
    for desk in (office.ana, office.beto):
        done(approve(desk, proposed["id"]))

    me = office.node.desk(SHELTER).get("/v1/me").get_json()

    assert [grant["id"] for grant in me["grants"]] == ["us-ca-shelter-x"]
    assert me["closed"] == ["case.trafficking"]
