"""The directory over HTTP: operators register, change and suspend; everybody else reads, machines do neither."""

from __future__ import annotations

from typing import Any

import pytest

from hub.directory import Role
from tests.support.cast import POLICE, SHELTER
from tests.support.node import OPERATOR, Desk, Node

NEW = {
    "id": "us-ca-refuge",
    "name": "Refuge (sample)",
    "kind": "ngo",
    "jurisdictions": ["US-CA:06073"],
    "identifiers": ["ein:12-3456789"],
    "languages": ["en", "es"],
    "duty_phone": "+16195550100",
}


@pytest.fixture
def operator(node: Node) -> Desk:
    """Runs the node."""
    node.enrol(OPERATOR)
    return node.office(OPERATOR, "olga", Role.OPERATOR)


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE."""
    return node.office(POLICE, "ana", Role.ADMIN)


def entries(node: Node, action: str) -> list[tuple[Any, ...]]:
    """What the audit says of an action: who, on what, allowed or not."""
    return node.rows("SELECT person, object, is_allowed FROM audit WHERE action = %s ORDER BY no", action)


def test_an_operator_registers_an_agency_that_everybody_then_finds(node: Node, operator: Desk, admin: Desk) -> None:
    answer = operator.post("/v1/agencies", NEW)

    found = admin.get(answer.headers["Location"])
    assert (answer.status_code, found.status_code, found.headers["ETag"]) == (201, 200, '"1"')
    assert NEW.items() <= found.get_json().items()
    assert found.get_json()["publishes"] == []
    assert entries(node, "agency.register") == [("us-operator.olga", "us-ca-refuge", True)]


def test_the_same_id_twice_is_a_conflict(operator: Desk) -> None:
    operator.post("/v1/agencies", NEW)

    assert operator.post("/v1/agencies", NEW | {"name": "Another"}).status_code == 409


@pytest.mark.parametrize(
    ("flaw", "path"),
    [
        ({"id": "mx-bcn-refuge"}, "/id"),
        ({"id": "Refuge"}, "/id"),
        ({"kind": "shelter"}, "/kind"),
        ({"jurisdictions": ["US-CA:99999"]}, "/jurisdictions/0"),
        ({"identifiers": ["ori:CA12"]}, "/identifiers/0"),
        ({"identifiers": ["passport:1"]}, "/identifiers/0"),
        ({"languages": ["fr"]}, "/languages/0"),
        ({"duty_phone": "619 555 0100"}, "/duty_phone"),
        ({"color": "red"}, "/color"),
    ],
)
def test_a_flaw_is_named_by_its_place(operator: Desk, flaw: dict[str, Any], path: str) -> None:
    answer = operator.post("/v1/agencies", NEW | flaw)

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])


def test_an_agencys_admin_registers_nobody_and_that_is_on_record(node: Node, admin: Desk) -> None:
    assert admin.post("/v1/agencies", NEW).status_code == 403

    assert entries(node, "agency.register") == [("us-ca-sdpd.ana", "us-ca-refuge", False)]


def test_a_machine_has_no_part_in_it(police: Desk) -> None:
    assert {police.get("/v1/agencies").status_code, police.post("/v1/agencies", NEW).status_code} == {403}


def test_a_change_names_the_version_it_changes(operator: Desk) -> None:
    operator.post("/v1/agencies", NEW)

    first = operator.patch("/v1/agencies/us-ca-refuge", {"name": "Casa"}, 1)
    late = operator.patch("/v1/agencies/us-ca-refuge", {"name": "House"}, 1)
    blind = operator.node.app.test_client().patch(
        "/v1/agencies/us-ca-refuge", headers=operator.headers | {"Content-Type": "application/json"}, data="{}"
    )

    assert (first.status_code, first.headers["ETag"], first.get_json()["name"]) == (200, '"2"', "Casa")
    assert (late.status_code, blind.status_code) == (412, 428)


def test_a_suspended_agencys_token_is_void_at_once(operator: Desk, shelter: Desk) -> None:
    assert shelter.get("/v1/feed").status_code == 200
    version = operator.get(f"/v1/agencies/{SHELTER.id}").get_json()["version"]

    done = operator.put(
        f"/v1/agencies/{SHELTER.id}/standing", {"standing": "suspended", "reason": "keys were lost"}, version
    )

    assert (done.status_code, shelter.get("/v1/feed").status_code) == (200, 401)


def test_a_disabled_persons_token_is_void_at_once(node: Node, admin: Desk) -> None:
    assert admin.get("/v1/agencies").status_code == 200

    node.rows("UPDATE person SET state = 'disabled' WHERE id = 'us-ca-sdpd.ana'")

    assert admin.get("/v1/agencies").status_code == 401


def test_a_persons_token_is_never_for_kafka(node: Node) -> None:
    person = node.person(POLICE, "luis", Role.OFFICER)

    assert node.ask_token(person.id, resource="us/kafka").get_json()["error"] == "invalid_target"


def test_who_runs_the_node_reads_no_event(operator: Desk) -> None:
    assert {operator.get("/v1/feed").status_code, operator.get("/v1/alerts/active").status_code} == {403}


def test_the_directory_comes_page_by_page(operator: Desk) -> None:
    first = operator.get("/v1/agencies", limit=3).get_json()
    rest = operator.get("/v1/agencies", after=first["next"]).get_json()

    ids = [one["id"] for one in first["agencies"] + rest["agencies"]]
    assert (len(first["agencies"]), rest["next"], ids) == (3, None, sorted(ids))


def test_an_agencys_admin_says_how_its_desk_is_reached_and_not_what_it_is(operator: Desk, admin: Desk) -> None:
    path = f"/v1/agencies/{POLICE.id}"
    seen = admin.get(path).get_json()["version"]

    wider = admin.patch(path, {"jurisdictions": ["US-CA"]}, seen).status_code
    mixed = admin.patch(path, {"duty_phone": "+16195550100", "name": "Police of all"}, seen).status_code
    others = admin.patch(f"/v1/agencies/{SHELTER.id}", {"duty_phone": "+16195550100"}, 1).status_code
    own = admin.patch(path, {"duty_phone": "+16195550100", "languages": ["en", "es"]}, seen)

    assert (wider, mixed, others, own.status_code) == (403, 403, 403, 200)
    assert operator.get(path).get_json()["jurisdictions"] == list(POLICE.jurisdictions)


def test_who_may_not_is_told_so_whether_or_not_there_is_such_an_agency(police: Desk) -> None:
    told = {"standing": "suspended", "reason": "none at all"}

    answers = [police.put(f"/v1/agencies/{which}/standing", told, 1) for which in (SHELTER.id, "us-ca-nobody")]

    assert {(answer.status_code, answer.data) for answer in answers} == {(403, answers[0].data)}


def test_what_is_refused_as_taken_is_on_record_as_refused(node: Node, operator: Desk) -> None:
    operator.post("/v1/agencies", NEW)
    operator.post("/v1/agencies", NEW)

    assert [entry[2] for entry in entries(node, "agency.register")] == [True, False]
