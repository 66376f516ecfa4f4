"""Clients of machines over HTTP: an agency's own people give them, and anybody who may cuts them off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from hub.directory import Role
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, client_key, public_pem

FEEDER = "us-ca-sdpd.feeder"


def new(**differs: Any) -> dict[str, Any]:
    return {"client_id": FEEDER, "key": public_pem(FEEDER), "scopes": ["events:publish"]} | differs


def other_key() -> tuple[ECKey, str]:
    key = ECKey.generate_key("P-256")
    return key, key.as_pem(private=False).decode()


def test_a_client_gets_tokens_with_no_more_than_it_was_given(node: Node, ana: Desk) -> None:
    answer = ana.post("/v1/credentials", new(jurisdictions=["US"]))

    token = node.ask_token(FEEDER)
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert token.get_json()["scope"] == "events:publish"
    assert node.ask_token(FEEDER, scope="events:read").get_json()["error"] == "invalid_scope"
    assert node.ask_token(FEEDER, jurisdictions="MX-BCN").get_json()["error"] == "invalid_scope"


def test_a_client_ends_within_a_year_unless_said_otherwise(node: Node, ana: Desk) -> None:
    ana.post("/v1/credentials", new())

    node.clock.ahead = timedelta(days=366)

    assert node.ask_token(FEEDER).status_code == 401


def test_an_operator_gives_no_agency_a_key_it_could_read_with(node: Node, olga: Desk) -> None:
    assert olga.post("/v1/credentials", new()).status_code == 403
    assert olga.put(f"/v1/credentials/{POLICE.id}", {"key": other_key()[1]}, 1).status_code == 403
    assert node.desk(POLICE).get("/v1/me").status_code == 200


def test_an_operator_sees_and_ends_every_agencys_clients(node: Node, olga: Desk) -> None:
    police = node.desk(POLICE)
    listed = olga.get("/v1/credentials", agency=POLICE.id).get_json()["credentials"]

    done = olga.post(f"/v1/credentials/{POLICE.id}/end", {"reason": "seen elsewhere"})

    assert [one["client_id"] for one in listed] == [POLICE.id]
    assert (done.status_code, done.get_json()["is_enabled"]) == (200, False)
    assert (police.get("/v1/feed").status_code, node.ask_token(POLICE.id).status_code) == (401, 401)
    assert olga.post(f"/v1/credentials/{POLICE.id}/end", {"reason": "again"}).status_code == 409


def test_another_key_voids_the_tokens_of_the_one_before(node: Node, ana: Desk) -> None:
    police = node.desk(POLICE)
    key, pem = other_key()
    seen = ana.get(f"/v1/credentials/{POLICE.id}").get_json()["version"]

    first = ana.put(f"/v1/credentials/{POLICE.id}", {"key": pem}, seen)
    renewed = node.office(POLICE, "bea", Role.ADMIN)
    late = renewed.put(f"/v1/credentials/{POLICE.id}", {"key": other_key()[1]}, seen)

    assert (first.status_code, first.headers["ETag"], late.status_code) == (200, f'"{seen + 1}"', 412)
    assert (police.get("/v1/feed").status_code, node.ask_token(POLICE.id).status_code) == (401, 401)
    assert node.ask_token(POLICE.id, client_assertion=node.assertion(POLICE.id, key=key)).status_code == 200


@pytest.mark.parametrize(
    ("flaw", "path"),
    [
        ({"scopes": ["persons:write"]}, "/scopes/0"),
        ({"scopes": []}, "/scopes"),
        ({"jurisdictions": ["XX"]}, "/jurisdictions/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2126-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "/expires_at"),
        ({"client_id": "us-ca-sdpd/feeder"}, "/client_id"),
        ({"key": public_pem(SHELTER.id)}, "/key"),
        ({"key": client_key("a-private-one").as_pem(private=True).decode()}, "/key"),
    ],
)
def test_a_flaw_is_named_by_its_place_and_nothing_is_kept(
    node: Node, ana: Desk, flaw: dict[str, Any], path: str
) -> None:
    answer = ana.post("/v1/credentials", new() | flaw)

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])
    assert node.rows("SELECT 1 FROM credential WHERE client_id = %s", FEEDER) == []


def test_a_persons_id_is_no_machines(node: Node, ana: Desk) -> None:
    assert ana.post("/v1/credentials", new(client_id="us-ca-sdpd.ana")).status_code == 409
    assert ana.get("/v1/credentials/us-ca-sdpd.ana").status_code == 404
    assert node.ask_token("us-ca-sdpd.ana").status_code == 200


def test_clients_of_another_agency_look_like_none(ana: Desk) -> None:
    key = {"key": other_key()[1]}
    ask: dict[str, Callable[[str], TestResponse]] = {
        "GET": lambda who: ana.get(f"/v1/credentials/{who}"),
        "PUT": lambda who: ana.put(f"/v1/credentials/{who}", key, 1),
        "end": lambda who: ana.post(f"/v1/credentials/{who}/end", {"reason": "none at all"}),
    }

    for name, request in ask.items():
        there, nowhere = request(SHELTER.id), request("us-ca-nobody")
        assert (there.status_code, there.data, [*there.headers]) == (404, nowhere.data, [*nowhere.headers]), name
    assert ana.get("/v1/credentials", agency=SHELTER.id).get_json()["credentials"] == []


def test_keys_about_to_expire_are_shown(node: Node, ana: Desk) -> None:
    ends = node.clock() + timedelta(days=20)
    ana.post("/v1/credentials", new(expires_at=ends.isoformat()))

    def warned() -> tuple[Any, ...]:
        desk = Desk(node, POLICE, node.ask_token("us-ca-sdpd.ana").get_json()["access_token"])
        listed = {
            one["client_id"]: one["warning_days"] for one in desk.get("/v1/credentials").get_json()["credentials"]
        }
        told = [(one["what"], one["id"], one["days"]) for one in desk.get("/v1/me").get_json()["expiring"]]
        return listed[FEEDER], told

    found = [warned()]
    for ahead in (timedelta(days=13, minutes=1), timedelta(days=19, minutes=1), timedelta(days=20)):
        node.clock.ahead = ahead
        found.append(warned())

    assert found == [
        (30, [("key", FEEDER, 30)]),
        (7, [("key", FEEDER, 7)]),
        (1, [("key", FEEDER, 1)]),
        (None, []),
    ]
