"""Secrets of stock Kafka clients: shown once, worth a token for Kafka alone, and only for as long as the key is."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from hub.directory import Kind, Role, Standing
from hub.store import agencies
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, public_pem

CONSUMER = f"{POLICE.id}.consumer"


@pytest.fixture
def secret(ana: Desk) -> str:
    """That of a new client of POLICE's."""
    told = {"client_id": CONSUMER, "key": public_pem(CONSUMER), "scopes": ["events:read", "events:publish"]}
    assert ana.post("/v1/credentials", told).status_code == 201
    return made(ana)


def made(desk: Desk, client_id: str = CONSUMER) -> str:
    answer = desk.post(f"/v1/credentials/{client_id}/secret", {})
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["client_secret"])


def ask(node: Node, secret: str, client_id: str = CONSUMER, **form: str) -> TestResponse:
    """As librdkafka and the Java client do: in the header."""
    told = {"grant_type": "client_credentials"} | form
    return node.client.post("/oauth/token", data=told, headers=basic(client_id, secret))


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def end(desk: Desk, client_id: str = CONSUMER) -> TestResponse:
    return desk.node.app.test_client().delete(f"/v1/credentials/{client_id}/secret", headers=desk.headers)


def test_a_secret_is_worth_a_token_that_reads_from_kafka(node: Node, secret: str) -> None:
    answer = ask(node, secret).get_json()

    claims = jwt.decode(answer["access_token"], node_key(node), algorithms=["ES256"]).claims
    assert (claims["aud"], claims["agency"], claims["scope"]) == ("us/kafka", POLICE.id, "events:read")
    assert (answer["scope"], answer["expires_in"]) == ("events:read", 900)


def node_key(node: Node) -> KeySet:
    """What its tokens are verified with."""
    return KeySet.import_key_set(node.client.get("/.well-known/jwks.json").get_json())


def test_it_may_stand_in_the_form(node: Node, secret: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": CONSUMER, "client_secret": secret}

    assert node.client.post("/oauth/token", data=form).status_code == 200


def test_it_opens_no_api(node: Node, secret: str) -> None:
    token = ask(node, secret).get_json()["access_token"]

    assert ask(node, secret, resource="us/api").get_json()["error"] == "invalid_target"
    assert Desk(node, POLICE, token).get("/v1/me").status_code == 401


def test_it_publishes_nothing(node: Node, secret: str) -> None:
    assert ask(node, secret, scope="events:publish").get_json()["error"] == "invalid_scope"


def test_who_may_not_read_gets_nothing_for_it(node: Node, ana: Desk) -> None:
    writer = f"{POLICE.id}.writer"
    ana.post("/v1/credentials", {"client_id": writer, "key": public_pem(writer), "scopes": ["events:publish"]})

    assert ask(node, made(ana, writer), writer).get_json()["error"] == "invalid_scope"


def test_only_its_digest_is_kept(node: Node, secret: str) -> None:
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert secret not in str(node.rows("SELECT s FROM credential_secret s"))
    assert secret not in str(node.rows("SELECT a FROM audit a"))


def test_another_secret_takes_its_place(node: Node, ana: Desk, secret: str) -> None:
    newer = made(ana)

    assert [ask(node, each).status_code for each in (secret, newer)] == [401, 200]


def disable(_: Node, ana: Desk) -> None:
    ana.post(f"/v1/credentials/{CONSUMER}/end", {"reason": "seen elsewhere"})


def suspend(node: Node, _: Desk) -> None:
    with node.database() as conn:
        agencies.set_standing(conn, POLICE.id, Standing.SUSPENDED)


def replace_key(_: Node, ana: Desk) -> None:
    ana.put(f"/v1/credentials/{CONSUMER}", {"key": public_pem("another-key")}, 1)


def outlive(node: Node, _: Desk) -> None:
    node.clock.ahead = timedelta(days=366)


def forbid(node: Node, _: Desk) -> None:
    grantor = replace(node.hub.grantor, no_secrets_for=frozenset({Kind.LAW_ENFORCEMENT}))
    node.app.extensions["puente"] = replace(node.hub, grantor=grantor)


def take_back(_: Node, ana: Desk) -> None:
    end(ana)


@pytest.mark.parametrize("meanwhile", [disable, suspend, replace_key, outlive, forbid, take_back])
def test_it_counts_no_longer_than_all_it_rests_on(
    node: Node, ana: Desk, secret: str, meanwhile: Callable[[Node, Desk], object]
) -> None:
    assert ask(node, secret).status_code == 200

    meanwhile(node, ana)

    answer = ask(node, secret)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("client_id", "wrong"),
    [
        (CONSUMER, "x"),
        (CONSUMER, "\x00"),
        (SHELTER.id, None),
        (f"{POLICE.id}.ana", None),
        (POLICE.id, None),
        ("nobody", None),
        ("\x00", None),
    ],
)
def test_who_does_not_know_it_hears_nothing_else(node: Node, secret: str, client_id: str, wrong: str | None) -> None:
    answer = ask(node, secret if wrong is None else wrong, client_id)

    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


@pytest.mark.usefixtures("secret")
def test_a_refusal_of_a_known_client_is_on_record(node: Node) -> None:
    ask(node, "x")

    rows = node.rows("SELECT client, is_allowed FROM audit WHERE action = 'token' ORDER BY no DESC LIMIT 1")
    assert rows == [(CONSUMER, False)]


def test_one_proves_itself_in_one_way(node: Node, secret: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": CONSUMER, "client_secret": secret}
    twice = node.client.post("/oauth/token", data=form, headers=basic(CONSUMER, secret))
    mixed = node.client.post("/oauth/token", data=form | {"client_assertion": node.assertion(CONSUMER)})

    assert [each.get_json()["error"] for each in (twice, mixed)] == ["invalid_request"] * 2


def test_it_is_given_by_the_agencys_own_people(node: Node, secret: str) -> None:
    shelter = node.office(SHELTER, "sol", Role.ADMIN)
    machine = node.desk(POLICE)

    asked = [desk.post(f"/v1/credentials/{CONSUMER}/secret", {}).status_code for desk in (shelter, machine)]

    assert asked == [404, 403]
    assert ask(node, secret).status_code == 200


@pytest.mark.usefixtures("secret")
def test_a_kind_that_must_hold_keys_gets_none(node: Node, ana: Desk) -> None:
    forbid(node, ana)

    assert ana.post(f"/v1/credentials/{CONSUMER}/secret", {}).status_code == 403


@pytest.mark.usefixtures("secret")
def test_what_is_not_there_cannot_end(ana: Desk) -> None:
    assert [end(ana).status_code, end(ana).status_code] == [204, 409]


@pytest.mark.usefixtures("secret")
def test_making_and_ending_are_on_record(node: Node, ana: Desk) -> None:
    end(ana)

    rows = node.rows("SELECT person, detail FROM audit WHERE action = 'credential.secret' ORDER BY no")
    assert [person for person, _ in rows] == [f"{POLICE.id}.ana"] * 2
    assert ["made" in detail for _, detail in rows] == [True, False]
