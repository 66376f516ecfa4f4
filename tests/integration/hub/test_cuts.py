"""One command cuts off an agency, a person or a key; what was open a moment ago is refused at the very next request."""

from __future__ import annotations

from typing import Any

import pytest

from hub.directory import Role
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node

WHY = {"reason": "a laptop was stolen"}


def test_an_agencys_open_tokens_are_void_at_the_next_request(node: Node, olga: Desk, ana: Desk) -> None:
    machine = node.desk(POLICE)

    done = olga.post("/v1/cuts", {"agency": POLICE.id} | WHY)

    assert (done.status_code, done.get_json()) == (200, {"cut": "agency", "id": POLICE.id})
    assert (machine.get("/v1/feed").status_code, ana.get("/v1/persons").status_code) == (401, 401)
    assert (node.ask_token(POLICE.id).status_code, node.ask_token("us-ca-sdpd.ana").status_code) == (401, 401)


def test_a_persons_open_token_is_void_at_the_next_request(node: Node, olga: Desk, ana: Desk) -> None:
    assert olga.post("/v1/cuts", {"person": "us-ca-sdpd.ana"} | WHY).status_code == 200

    assert (ana.get("/v1/persons").status_code, node.ask_token("us-ca-sdpd.ana").status_code) == (401, 401)
    assert node.desk(POLICE).get("/v1/feed").status_code == 200


def test_a_machines_open_token_is_void_at_the_next_request(node: Node, ana: Desk) -> None:
    machine = node.desk(POLICE)

    assert ana.post("/v1/cuts", {"key": POLICE.id} | WHY).status_code == 200

    assert (machine.get("/v1/feed").status_code, node.ask_token(POLICE.id).status_code) == (401, 401)


def test_a_persons_key_can_be_cut_off_alone(node: Node, olga: Desk, ana: Desk, bea: Desk) -> None:
    assert olga.post("/v1/cuts", {"key": "us-ca-sdpd.ana"} | WHY).status_code == 200

    assert (ana.get("/v1/persons").status_code, node.ask_token("us-ca-sdpd.ana").status_code) == (401, 401)
    assert bea.get("/v1/persons/us-ca-sdpd.ana").get_json()["state"] == "active"


def test_what_is_cut_off_stays_so_when_asked_for_again(node: Node, olga: Desk) -> None:
    node.person(POLICE, "ana", Role.ADMIN)
    bodies = [{"agency": POLICE.id}, {"person": "us-ca-sdpd.ana"}, {"key": POLICE.id}]

    answers = [olga.post("/v1/cuts", body | WHY).status_code for body in bodies * 2]

    assert answers == [200] * 6


def test_cutting_off_does_not_bring_back_who_had_left_for_good(node: Node, olga: Desk) -> None:
    olga.put(f"/v1/agencies/{SHELTER.id}/standing", {"standing": "retired", "reason": "merged"}, 1)

    olga.post("/v1/cuts", {"agency": SHELTER.id} | WHY)

    assert node.rows("SELECT standing FROM agency WHERE id = %s", SHELTER.id) == [("retired",)]


def test_an_agencys_admin_cuts_off_no_agency_and_nobody_elses(node: Node, ana: Desk) -> None:
    node.person(SHELTER, "sofia", Role.ADMIN)

    bodies = [{"agency": POLICE.id}, {"agency": SHELTER.id}, {"person": "us-ca-shelter.sofia"}, {"key": SHELTER.id}]
    answers = [ana.post("/v1/cuts", body | WHY).status_code for body in bodies]

    assert answers == [403, 403, 404, 404]
    assert node.desk(SHELTER).get("/v1/feed").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"person": "us-ca-shelter.nobody"},
        {"person": "us-ca-sdpd.nobody"},
        {"key": "us-ca-nobody"},
        {"agency": "us-ca-nobody"},
    ],
)
def test_who_is_not_there_cannot_be_cut_off(olga: Desk, body: dict[str, str]) -> None:
    assert olga.post("/v1/cuts", body | WHY).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {} | WHY,
        {"agency": POLICE.id, "key": POLICE.id} | WHY,
        {"agency": POLICE.id},
        {"agency": POLICE.id, "reason": ""},
        {"agency": ["us-ca-sdpd"]} | WHY,
    ],
)
def test_a_cut_names_one_thing_and_a_reason(node: Node, olga: Desk, body: dict[str, Any]) -> None:
    assert olga.post("/v1/cuts", body).status_code == 422
    assert node.desk(POLICE).get("/v1/feed").status_code == 200


def test_a_machine_and_an_officer_cut_off_nobody(node: Node, police: Desk) -> None:
    officer = node.office(POLICE, "luis", Role.OFFICER)

    answers = [desk.post("/v1/cuts", {"agency": POLICE.id} | WHY).status_code for desk in (police, officer)]
    answers += [desk.post("/v1/cuts", {"agency": "us-ca-nobody"} | WHY).status_code for desk in (police, officer)]

    assert answers == [403] * 4


def test_who_cut_off_what_and_why_is_on_record(node: Node, olga: Desk, ana: Desk) -> None:
    olga.post("/v1/cuts", {"person": "us-ca-sdpd.ana"} | WHY)

    found = node.rows("SELECT person, object, detail FROM audit WHERE action = 'person.disable'")
    assert [row[:2] for row in found] == [("us-operator.olga", "us-ca-sdpd.ana")]
    assert '"reason":"a laptop was stolen"' in found[0][2]
    assert ana.get("/v1/persons").status_code == 401
