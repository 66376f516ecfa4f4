"""`POST /v1/events`: what is accepted, what is refused, and what its sender is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child


def test_what_is_published_is_there_at_once(police: Desk) -> None:
    event = missing_child()

    answer = police.post("/v1/events", event)

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/events/{answer.get_json()['id']}"
    assert police.get(answer.headers["Location"]).get_json()["event"] == event


def test_the_same_event_again_is_the_same_event(police: Desk) -> None:
    event = missing_child()
    first = police.post("/v1/events", event)

    again = police.post("/v1/events", event)

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert police.node.rows("SELECT count(*) FROM event") == [(1,)]


def test_the_same_event_written_differently_is_the_same_event(police: Desk) -> None:
    event = missing_child()
    police.publish(event)

    again = police.post("/v1/events", dict(reversed(event.items())))

    assert again.status_code == 200


def test_an_identity_is_taken_once(police: Desk) -> None:
    event = missing_child()
    police.publish(event)

    answer = police.post("/v1/events", missing_child(id=event["id"]))

    assert answer.status_code == 409
    assert answer.get_json()["type"] == "urn:puente:problem:conflict"
    assert police.node.rows("SELECT is_allowed FROM audit WHERE action = 'publish' ORDER BY no") == [(True,), (False,)]


def test_two_agencies_may_use_the_same_id(node: Node, police: Desk) -> None:
    neighbour = replace(POLICE, id="us-ca-cvpd")
    node.enrol(neighbour)
    event = missing_child()
    police.publish(event)

    assert node.desk(neighbour).publish(event | {"source": neighbour.id})


FLAWED = {
    "an unknown type": ({"type": "alert.missing_child.lost"}, "/type", "unknown-type"),
    "an unknown member": ({"colour": "red"}, "/colour", "unknown-member"),
    "an unknown status": ({"status": "real"}, "/status", "unknown-code"),
    "a time without offset": ({"time": "2026-05-04T13:30:00"}, "/time", "not-an-instant"),
    "an end before its beginning": ({"data": {"expires": "2020-01-01T00:00:00Z"}}, "/data/expires", "not-later"),
    "an unknown place": ({"jurisdictions": ["US-ZZ"]}, "/jurisdictions/0", "unknown-jurisdiction"),
    "no place": ({"jurisdictions": []}, "/jurisdictions", "wrong-count"),
    "an unknown member deep inside": (
        {"data": {"child": {"nickname": "X"}}},
        "/data/child/nickname",
        "unknown-member",
    ),
    "a wrong unit": ({"data": {"child": {"height_cm": 1.32}}}, "/data/child/height_cm", "wrong-number"),
    "a text in no language": ({"data": {"headline": {}}}, "/data/headline", "no-text"),
    "a null": ({"data": {"headline": None}}, "/data/headline", "null-not-accepted"),
    "an unknown TLP": ({"label": {"tlp": "white"}}, "/label/tlp", "unknown-code"),
    "a mark that loosens": (
        {"label": {"marks": {"/data/suspects": "partner"}}},
        "/label/marks",
        "mark-loosens",
    ),
}


@pytest.mark.parametrize(("differs", "path", "code"), FLAWED.values(), ids=FLAWED.keys())
def test_a_flaw_is_named_with_its_path(police: Desk, differs: dict[str, Any], path: str, code: str) -> None:
    answer = police.post("/v1/events", missing_child(**differs))

    assert answer.status_code == 422
    assert (path, code) in [(error["path"], error["code"]) for error in answer.get_json()["errors"]]


def test_all_flaws_are_named_together(police: Desk) -> None:
    event = missing_child(status="real", data={"urgency": "Now", "severity": "Bad"})
    del event["time"]

    errors = police.post("/v1/events", event).get_json()["errors"]

    assert {error["path"] for error in errors} == {"/status", "/time", "/data/urgency", "/data/severity"}


DENIED = {
    "another agency's event": {"source": SHELTER.id},
    "a place beyond its authority": {"jurisdictions": ["US-CA:06073", "US-CA:06037"]},
    "another country": {"jurisdictions": ["MX-BCN"]},
}


@pytest.mark.parametrize("differs", DENIED.values(), ids=DENIED.keys())
def test_an_agency_publishes_only_its_own(police: Desk, differs: dict[str, Any]) -> None:
    answer = police.post("/v1/events", missing_child(**differs))

    assert answer.status_code == 403
    assert police.node.rows("SELECT count(*) FROM event") == [(0,)]
    assert police.node.rows("SELECT agency, is_allowed FROM audit WHERE action = 'publish'") == [(POLICE.id, False)]


def test_an_agency_publishes_only_its_types(shelter: Desk) -> None:
    answer = shelter.post("/v1/events", missing_child(source=SHELTER.id))

    assert answer.status_code == 403
    assert answer.get_json()["detail"] == "the agency does not publish this type"


def test_a_token_without_the_scope_does_not_publish(node: Node) -> None:
    answer = node.desk(POLICE, scope="events:read").post("/v1/events", missing_child())

    assert (answer.status_code, answer.get_json()["detail"]) == (403, "the token lacks events:publish")


def test_a_token_for_one_county_publishes_nothing_elsewhere(node: Node) -> None:
    answer = node.desk(POLICE, jurisdictions="US-AZ").post("/v1/events", missing_child())

    assert answer.status_code == 403


def test_a_cloudevents_media_type_is_taken_too(police: Desk) -> None:
    answer = police.post("/v1/events", missing_child(), headers={"Content-Type": "application/cloudevents+json"})

    assert answer.status_code == 201
