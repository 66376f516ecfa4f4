"""What becomes of a person: roles, keys and the end; what gives power takes two people, what ends it takes one."""

from __future__ import annotations

import pytest
from joserfc.jwk import ECKey

from tests.support.cast import POLICE
from tests.support.enrolling import LUIS, confirm, enrolled, entries, new, version
from tests.support.node import Desk, Node, public_pem


def test_a_further_role_waits_for_a_second_person(ana: Desk, bea: Desk) -> None:
    luis = enrolled(ana, bea)

    asked = ana.put(f"/v1/persons/{LUIS}/roles", {"roles": ["officer", "auditor"]}, version(ana))
    early = luis.get("/v1/attestations").status_code
    own, confirmed = confirm(ana), confirm(bea)

    assert (asked.get_json()["roles"], asked.get_json()["wanted_roles"]) == (["officer"], ["auditor", "officer"])
    assert (early, own.status_code, confirmed.status_code) == (403, 403, 200)
    assert confirmed.get_json()["roles"] == ["auditor", "officer"]


def test_nobody_confirms_a_further_role_of_their_own(ana: Desk, bea: Desk) -> None:
    bea.put("/v1/persons/us-ca-sdpd.ana/roles", {"roles": ["agency_admin", "officer"]}, version(bea, "us-ca-sdpd.ana"))

    assert confirm(ana, "us-ca-sdpd.ana").status_code == 403


def test_fewer_roles_count_at_once(ana: Desk, bea: Desk) -> None:
    enrolled(ana, bea, LUIS, "officer", "auditor")
    luis = Desk(ana.node, POLICE, ana.node.ask_token(LUIS).get_json()["access_token"])
    assert luis.get("/v1/attestations").status_code == 200

    ana.put(f"/v1/persons/{LUIS}/roles", {"roles": ["officer"]}, version(ana))

    assert luis.get("/v1/attestations").status_code == 403


def test_who_changes_what_waits_cannot_confirm_it(ana: Desk, bea: Desk, olga: Desk) -> None:
    ana.post("/v1/persons", new())
    bea.put(f"/v1/persons/{LUIS}/roles", {"roles": ["agency_admin"]}, version(bea))

    assert (confirm(bea).status_code, confirm(olga).status_code) == (403, 200)


def test_what_has_changed_since_it_was_seen_is_not_confirmed(ana: Desk, bea: Desk) -> None:
    ana.post("/v1/persons", new())
    seen = version(bea)
    ana.put(f"/v1/persons/{LUIS}/roles", {"roles": ["agency_admin"]}, seen)

    assert confirm(bea, version=seen).status_code == 412
    assert bea.get(f"/v1/persons/{LUIS}").get_json()["state"] == "proposed"


def test_a_disabled_persons_open_token_is_void_at_the_next_request(node: Node, ana: Desk, bea: Desk) -> None:
    luis = enrolled(ana, bea)
    assert luis.get("/v1/feed").status_code == 200

    done = bea.post(f"/v1/persons/{LUIS}/end", {"reason": "left the service"})

    assert (done.status_code, done.get_json()["state"]) == (200, "disabled")
    assert (luis.get("/v1/feed").status_code, node.ask_token(LUIS).status_code) == (401, 401)


def test_an_officer_may_end_their_own_enrolment(ana: Desk, bea: Desk) -> None:
    luis = enrolled(ana, bea)

    assert luis.post(f"/v1/persons/{LUIS}/end", {"reason": "the key was lost"}).status_code == 200
    assert luis.get("/v1/feed").status_code == 401


def test_ones_own_new_key_counts_at_once_and_voids_ones_tokens_alone(node: Node, ana: Desk, bea: Desk) -> None:
    luis = enrolled(ana, bea)
    other = ECKey.generate_key("P-256")
    police = node.desk(POLICE)

    done = luis.put(f"/v1/persons/{LUIS}/key", {"key": other.as_pem(private=False).decode()}, version(ana))

    assert (done.status_code, done.get_json()["state"]) == (200, "active")
    assert (luis.get("/v1/feed").status_code, node.ask_token(LUIS).status_code) == (401, 401)
    assert node.ask_token(LUIS, client_assertion=node.assertion(LUIS, key=other)).status_code == 200
    assert {ana.get("/v1/persons").status_code, police.get("/v1/feed").status_code} == {200}


def test_a_token_that_was_narrowed_for_a_tool_gives_its_person_no_other_key(node: Node, ana: Desk, bea: Desk) -> None:
    enrolled(ana, bea)
    tool = Desk(node, POLICE, node.ask_token(LUIS, scope="events:read").get_json()["access_token"])

    answer = tool.put(f"/v1/persons/{LUIS}/key", {"key": public_pem("thief")}, version(ana))

    assert (answer.status_code, tool.post(f"/v1/persons/{LUIS}/end", {"reason": "mischief"}).status_code) == (403, 403)
    assert node.ask_token(LUIS).status_code == 200


def test_a_key_that_somebody_else_brings_waits_for_a_second_person(node: Node, ana: Desk, bea: Desk) -> None:
    luis = enrolled(ana, bea)
    other = ECKey.generate_key("P-256")
    asked = ana.put(f"/v1/persons/{LUIS}/key", {"key": other.as_pem(private=False).decode()}, version(ana))

    before = node.ask_token(LUIS, client_assertion=node.assertion(LUIS, key=other)).status_code
    own, second = confirm(ana).status_code, confirm(bea).status_code

    assert (asked.get_json()["state"], luis.get("/v1/feed").status_code, before) == ("proposed", 401, 401)
    assert (own, second) == (403, 200)
    assert node.ask_token(LUIS, client_assertion=node.assertion(LUIS, key=other)).status_code == 200


def test_a_new_key_and_a_second_person_bring_back_who_was_disabled(node: Node, ana: Desk, bea: Desk) -> None:
    enrolled(ana, bea)
    ana.post(f"/v1/persons/{LUIS}/end", {"reason": "on leave"})
    other = ECKey.generate_key("P-256")

    roles = ana.put(f"/v1/persons/{LUIS}/roles", {"roles": ["officer"]}, version(ana))
    ana.put(f"/v1/persons/{LUIS}/key", {"key": other.as_pem(private=False).decode()}, version(ana))

    assert roles.status_code == 409
    assert confirm(bea).status_code == 200
    assert node.ask_token(LUIS, client_assertion=node.assertion(LUIS, key=other)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/persons/x%00y/end", "/v1/persons/%F0%9F%91%B6/end", "/v1/persons/a.b/end"])
def test_what_is_no_id_is_not_there_and_goes_into_no_record(node: Node, olga: Desk, path: str) -> None:
    assert olga.post(path, {"reason": "none at all"}).status_code == 404
    assert entries(node, "person.disable") == []


def test_a_reason_that_no_record_can_hold_is_refused(ana: Desk) -> None:
    answer = ana.post("/v1/persons/us-ca-sdpd.ana/end", b'{"reason": "a\\u0000bc"}')

    assert answer.status_code == 422
