"""People over HTTP: enrolled by one, confirmed by another, and seen by those whom they concern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from hub.directory import Kind, Role
from tests.support import cast
from tests.support.cast import POLICE, SHELTER
from tests.support.enrolling import LUIS, confirm, enrolled, entries, new, version
from tests.support.node import OPERATOR, Desk, Node, client_key, public_pem


def test_a_person_counts_once_a_second_one_has_confirmed_it(node: Node, ana: Desk, bea: Desk) -> None:
    answer = ana.post("/v1/persons", new())
    before = node.ask_token(LUIS)

    done = confirm(bea)

    assert (answer.status_code, answer.get_json()["state"], before.status_code) == (201, "proposed", 401)
    assert (done.status_code, done.get_json()["state"]) == (200, "active")
    assert (done.get_json()["enrolled_by"], done.get_json()["confirmed_by"]) == ("us-ca-sdpd.ana", "us-ca-sdpd.bea")
    assert node.ask_token(LUIS).status_code == 200
    assert entries(node, "person.enrol") == [("us-ca-sdpd.ana", LUIS, True)]
    assert entries(node, "person.confirm") == [("us-ca-sdpd.bea", LUIS, True)]


def test_what_the_audit_keeps_of_a_person_is_no_name(node: Node, ana: Desk, bea: Desk) -> None:
    enrolled(ana, bea)

    assert node.rows("SELECT 1 FROM audit WHERE detail LIKE '%%Luis%%'") == []


def test_who_enrolled_does_not_confirm_and_that_is_on_record(node: Node, ana: Desk) -> None:
    ana.post("/v1/persons", new())

    assert confirm(ana).status_code == 403
    assert node.ask_token(LUIS).status_code == 401
    assert entries(node, "person.confirm") == [("us-ca-sdpd.ana", LUIS, False)]


def test_another_key_of_the_same_person_is_no_second_person(node: Node, ana: Desk) -> None:
    ana.post("/v1/persons", new())
    other = ECKey.generate_key("P-256")
    renewed = ana.put(
        "/v1/persons/us-ca-sdpd.ana/key", {"key": other.as_pem(private=False).decode()}, version(ana, "us-ca-sdpd.ana")
    )
    assert renewed.status_code == 200
    token = node.ask_token("us-ca-sdpd.ana", client_assertion=node.assertion("us-ca-sdpd.ana", key=other))

    assert confirm(Desk(node, POLICE, token.get_json()["access_token"])).status_code == 403


def test_confirming_twice_is_a_conflict(ana: Desk, bea: Desk, olga: Desk) -> None:
    enrolled(ana, bea)

    assert (confirm(bea).status_code, confirm(olga).status_code) == (409, 409)


def test_an_operator_may_confirm_what_the_agencys_own_admin_proposed(ana: Desk, olga: Desk) -> None:
    ana.post("/v1/persons", new())

    assert confirm(olga).status_code == 200


def test_two_operators_put_in_an_agencys_first_admin(olga: Desk, omar: Desk) -> None:
    assert enrolled(olga, omar, LUIS, "agency_admin").get("/v1/persons").status_code == 200


def test_where_an_agency_has_an_admin_two_operators_put_in_nobody(ana: Desk, olga: Desk, omar: Desk) -> None:
    olga.post("/v1/persons", new())

    assert confirm(omar).status_code == 403
    assert confirm(ana).status_code == 200


@pytest.mark.parametrize(
    ("roles", "of"),
    [
        (["operator"], "us-ca-sdpd.luis"),
        (["officer", "operator"], "us-ca-sdpd.luis"),
        (["officer"], "us-operator.luis"),
        (["agency_admin", "operator"], "us-operator.luis"),
    ],
)
def test_who_runs_the_node_has_no_part_in_what_passes_through_it(olga: Desk, roles: list[str], of: str) -> None:
    answer = olga.post("/v1/persons", new(of, *roles))

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, ["/roles"])


@pytest.mark.parametrize(
    ("flaw", "path"),
    [
        ({"id": "us-ca-nobody.luis"}, "/id"),
        ({"id": "luis"}, "/id"),
        ({"id": "us-ca-sdpd.luis\n"}, "/id"),
        ({"roles": []}, "/roles"),
        ({"roles": ["chief"]}, "/roles/0"),
        ({"key": "-----BEGIN PUBLIC KEY-----\nnonsense, and of some length\n-----END PUBLIC KEY-----"}, "/key"),
        ({"key": client_key("a-private-one").as_pem(private=True).decode()}, "/key"),
        ({"key": ECKey.generate_key("P-384").as_pem(private=False).decode()}, "/key"),
        ({"key": public_pem(SHELTER.id)}, "/key"),
        ({"key": public_pem("us-operator.olga")}, "/key"),
        ({"phone": "+1619"}, "/phone"),
    ],
)
def test_a_flaw_is_named_by_its_place_and_nothing_is_kept(
    node: Node, olga: Desk, flaw: dict[str, Any], path: str
) -> None:
    answer = olga.post("/v1/persons", new() | flaw)

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])
    assert node.rows("SELECT 1 FROM person WHERE name = 'Luis'") == []
    assert node.rows("SELECT 1 FROM credential WHERE client_id = %s", LUIS) == []
    assert entries(node, "person.enrol") == []


def test_the_same_id_twice_is_a_conflict_and_changes_nothing(node: Node, ana: Desk, bea: Desk) -> None:
    enrolled(ana, bea)

    assert ana.post("/v1/persons", new(LUIS, "agency_admin", key=public_pem("other"))).status_code == 409
    assert node.ask_token(LUIS).status_code == 200
    assert ana.get(f"/v1/persons/{LUIS}").get_json()["roles"] == ["officer"]


def test_an_agencys_admin_enrols_for_its_own_agency_alone(ana: Desk) -> None:
    assert ana.post("/v1/persons", new("us-ca-shelter.luis")).status_code == 403


def test_people_of_another_agency_look_like_nobody(node: Node, ana: Desk) -> None:
    node.person(SHELTER, "sofia", Role.ADMIN)
    told = {"If-Match": '"1"'}
    ask: dict[str, Callable[[str], TestResponse]] = {
        "GET": lambda who: ana.get(f"/v1/persons/{who}"),
        "confirm": lambda who: ana.post(f"/v1/persons/{who}/confirmation", {}, told),
        "roles": lambda who: ana.put(f"/v1/persons/{who}/roles", {"roles": ["officer"]}, 1),
        "key": lambda who: ana.put(f"/v1/persons/{who}/key", {"key": public_pem("fresh")}, 1),
        "end": lambda who: ana.post(f"/v1/persons/{who}/end", {"reason": "none at all"}),
        "cut": lambda who: ana.post("/v1/cuts", {"person": who, "reason": "none at all"}),
    }

    for name, request in ask.items():
        there, nowhere = request("us-ca-shelter.sofia"), request("us-ca-shelter.nobody")
        assert (there.status_code, there.data, [*there.headers]) == (404, nowhere.data, [*nowhere.headers]), name


def test_an_admin_lists_its_own_people_and_an_operator_everybodys(node: Node, ana: Desk, olga: Desk) -> None:
    node.person(SHELTER, "sofia", Role.ADMIN)

    def ids(desk: Desk, **query: Any) -> list[str]:
        return [one["id"] for one in desk.get("/v1/persons", **query).get_json()["persons"]]

    assert ids(ana) == ["us-ca-sdpd.ana"]
    assert ids(ana, agency=SHELTER.id) == []
    assert ids(olga) == ["us-ca-sdpd.ana", "us-ca-shelter.sofia", "us-operator.olga"]
    assert ids(olga, agency=SHELTER.id) == ["us-ca-shelter.sofia"]


@pytest.mark.usefixtures("bea")
def test_people_come_page_by_page(ana: Desk) -> None:
    first = ana.get("/v1/persons", limit=1).get_json()
    second = ana.get("/v1/persons", limit=5, after=first["next"]).get_json()

    assert [one["id"] for one in first["persons"] + second["persons"]] == ["us-ca-sdpd.ana", "us-ca-sdpd.bea"]
    assert second["next"] is None


@pytest.mark.parametrize("role", [Role.OFFICER, Role.AUDITOR])
def test_who_only_works_or_looks_on_enrols_nobody(node: Node, role: Role) -> None:
    assert node.office(POLICE, "pat", role).post("/v1/persons", new()).status_code == 403


def test_a_confirmation_says_what_it_confirms(ana: Desk, bea: Desk) -> None:
    ana.post("/v1/persons", new())

    assert bea.post(f"/v1/persons/{LUIS}/confirmation", {}).status_code == 428


def test_a_suspended_agencys_people_administer_nothing(node: Node, ana: Desk, olga: Desk) -> None:
    seen = olga.get(f"/v1/agencies/{POLICE.id}").get_json()["version"]
    olga.put(f"/v1/agencies/{POLICE.id}/standing", {"standing": "suspended", "reason": "an enquiry"}, seen)

    assert ana.post("/v1/persons", new()).status_code == 401
    assert node.ask_token("us-ca-sdpd.ana").status_code == 401
    assert node.rows("SELECT 1 FROM person WHERE id = %s", LUIS) == []


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_five_minutes_off_gets_no_token_and_is_told_nothing(node: Node, minutes: int) -> None:
    person = node.person(POLICE, "ana", Role.ADMIN)
    now = int(node.clock().timestamp()) + minutes * 60
    answer = node.ask_token(person.id, client_assertion=node.assertion(person.id, iat=now, exp=now + 60))

    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_a_person_learns_who_they_are_here(ana: Desk) -> None:
    assert ana.get("/v1/me").get_json()["person"] == {
        "id": "us-ca-sdpd.ana",
        "name": "Ana",
        "roles": ["agency_admin"],
    }


@pytest.mark.usefixtures("olga", "ana")
def test_an_auditor_of_the_operator_sees_its_own_people_alone(node: Node) -> None:
    auditor = node.office(OPERATOR, "aldo", Role.AUDITOR)

    found = [one["id"] for one in auditor.get("/v1/persons").get_json()["persons"]]

    assert found == ["us-operator.aldo", "us-operator.olga"]


def test_a_second_node_operator_is_enrolled_like_anybody_else(node: Node, olga: Desk, omar: Desk) -> None:
    olga.post("/v1/persons", new("us-operator.otto", "operator"))

    assert confirm(omar, "us-operator.otto").status_code == 200
    assert node.ask_token("us-operator.otto").status_code == 200


def test_nobody_joins_a_retired_agency(node: Node, olga: Desk) -> None:
    node.enrol(gone := cast.agency("us-ca-gone", Kind.NGO, "US-CA"))
    seen = olga.get(f"/v1/agencies/{gone.id}").get_json()["version"]
    olga.put(f"/v1/agencies/{gone.id}/standing", {"standing": "retired", "reason": "merged"}, seen)

    assert olga.post("/v1/persons", new("us-ca-gone.luis")).status_code == 422
