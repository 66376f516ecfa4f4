"""`POST /oauth/token`: who is given which token, and how the others are turned away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from hub.directory import Standing
from hub.store import agencies, connect
from tests.support.cast import POLICE, SHELTER
from tests.support.node import ISSUER, Desk, Node, client_key

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
READ_ONLY = "events:read"


def opened(node: Node, token: str) -> jwt.Token:
    """A token, verified with the node's published keys by another library than the hub's."""
    keys = KeySet.import_key_set(node.client.get("/.well-known/jwks.json").get_json())
    return jwt.decode(token, keys, algorithms=["ES256"])


def test_a_client_gets_a_token_for_its_key(node: Node) -> None:
    answer = node.ask_token(POLICE.id)

    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert set(body["scope"].split()) == {"events:read", "events:publish", "acks:write", "rejections:read"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_says_who_where_and_until_when(node: Node) -> None:
    token = opened(node, node.ask_token(POLICE.id, purpose="locate-child").get_json()["access_token"])

    assert token.header["typ"] == "at+jwt"
    fixed = {name: token.claims.pop(name) for name in ("jti", "iat", "exp", "scope")}
    assert fixed["exp"] - fixed["iat"] == 300
    assert token.claims == {
        "iss": ISSUER,
        "aud": "us/api",
        "sub": POLICE.id,
        "client_id": POLICE.id,
        "agency": POLICE.id,
        "jurisdictions": ["US", "MX"],
        "purpose": "locate-child",
        "epoch": 1,
    }


def test_the_assertion_is_taken_as_a_grant_too(node: Node) -> None:
    form = {"grant_type": JWT_BEARER, "assertion": node.assertion(POLICE.id)}

    assert node.client.post("/oauth/token", data=form).status_code == 200


def test_a_token_for_kafka_is_no_token_for_the_api(node: Node) -> None:
    answer = node.ask_token(POLICE.id, resource="us/kafka").get_json()

    assert answer["expires_in"] == 900
    assert opened(node, answer["access_token"]).claims["aud"] == "us/kafka"
    assert Desk(node, POLICE, answer["access_token"]).get("/v1/me").status_code == 401


def test_a_client_may_ask_for_less(node: Node) -> None:
    answer = node.ask_token(POLICE.id, scope=READ_ONLY, jurisdictions="US-CA:06073 US-AZ").get_json()

    assert answer["scope"] == READ_ONLY
    assert opened(node, answer["access_token"]).claims["jurisdictions"] == ["US-CA:06073", "US-AZ"]


WIDER = [{"scope": "events:read grants:write"}, {"jurisdictions": "US-CA US-AZ"}, {"jurisdictions": "US"}]


@pytest.mark.parametrize("form", WIDER, ids=["scope", "another state", "the whole country"])
def test_a_client_may_not_ask_for_more(node: Node, form: dict[str, str]) -> None:
    node.enrol(SHELTER, jurisdictions=("US-CA",))

    answer = node.ask_token(SHELTER.id, **form)

    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")


FORMS = {
    "an unknown audience": ({"resource": "mx/api"}, "invalid_target"),
    "another grant": ({"grant_type": "password"}, "unsupported_grant_type"),
    "another kind of assertion": ({"client_assertion_type": "saml2-bearer"}, "unsupported_grant_type"),
    "a form too long": ({"scope": "x" * 20_001}, "invalid_request"),
    "a purpose that is none": ({"purpose": "Ximena Ñáñez"}, "invalid_request"),
    "a purpose too long": ({"purpose": "x" * 201}, "invalid_request"),
    "a character no database takes": ({"purpose": "a\0b"}, "invalid_request"),
    "a place that is none": ({"jurisdictions": "US-ZZ"}, "invalid_scope"),
}


@pytest.mark.parametrize(("form", "error"), FORMS.values(), ids=FORMS.keys())
def test_a_form_that_makes_no_sense_is_told_which_way(node: Node, form: dict[str, str], error: str) -> None:
    answer = node.ask_token(POLICE.id, **form)

    assert (answer.status_code, answer.get_json()["error"]) == (400, error)


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"grant_type=a&grant_type=b", "content_type": "application/x-www-form-urlencoded"},
        {"json": {"grant_type": "client_credentials"}},
        {"data": b""},
    ],
    ids=["a member twice", "not a form", "nothing"],
)
def test_what_is_no_form_is_refused(node: Node, sent: dict[str, Any]) -> None:
    answer = node.client.post("/oauth/token", **sent)

    assert answer.status_code == 400
    assert answer.get_json()["error"] in ("invalid_request", "unsupported_grant_type")


def bad_clients(node: Node) -> dict[str, str]:
    """Assertions that prove nothing, by what is wrong with them."""
    node.enrol(SHELTER, expires_at=node.clock() - timedelta(seconds=1))
    now = int(node.clock().timestamp())
    return {
        "another's key": node.assertion(POLICE.id, key=client_key("somebody else")),
        "a new key": node.assertion(POLICE.id, key=ECKey.generate_key("P-256")),
        "for another issuer": node.assertion(POLICE.id, aud="https://mx.issuer.example"),
        "in another's name": node.assertion(POLICE.id, iss=SHELTER.id),
        "without an id": node.assertion(POLICE.id, jti=None),
        "without an end": node.assertion(POLICE.id, exp=None),
        "for too long": node.assertion(POLICE.id, exp=now + 120),
        "over": node.assertion(POLICE.id, iat=now - 120, exp=now - 61),
        "of nobody": node.assertion("us-ca-nobody"),
        "of an expired credential": node.assertion(SHELTER.id),
        "not a token": "a.b.c",
        "empty": "",
        "endless": "x" * 10_000,
    }


def test_who_proves_nothing_is_told_nothing_else(node: Node) -> None:
    answers = {
        name: node.ask_token(POLICE.id, client_assertion=assertion) for name, assertion in bad_clients(node).items()
    }

    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 401} == {}
    assert {answer.data for answer in answers.values()} == {
        b'{"error":"invalid_client","error_description":"the client is not accepted"}'
    }


def test_an_assertion_is_good_once(node: Node) -> None:
    assertion = node.assertion(POLICE.id)

    first, again = (node.ask_token(POLICE.id, client_assertion=assertion).status_code for _ in range(2))

    assert (first, again) == (200, 401)


def test_an_assertion_spent_as_client_is_spent_as_grant_too(node: Node) -> None:
    assertion = node.assertion(POLICE.id)
    node.ask_token(POLICE.id, client_assertion=assertion)

    again = node.client.post("/oauth/token", data={"grant_type": JWT_BEARER, "assertion": assertion})

    assert again.status_code == 401


def test_two_clients_may_choose_the_same_id(node: Node) -> None:
    jti = uuid4().hex

    answers = [node.ask_token(one, client_assertion=node.assertion(one, jti=jti)) for one in (POLICE.id, SHELTER.id)]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.RETIRED])
def test_an_agency_that_may_not_act_gets_no_token(node: Node, standing: Standing) -> None:
    with connect(node.url, name="test") as conn:
        agencies.set_standing(conn, POLICE.id, standing)

    assert node.ask_token(POLICE.id).status_code == 401


def test_giving_and_refusing_are_on_record(node: Node) -> None:
    node.ask_token(POLICE.id)
    node.ask_token(POLICE.id, client_assertion=node.assertion(POLICE.id, key=client_key("somebody else")))
    node.ask_token(POLICE.id, scope="grants:write")

    assert node.rows("SELECT client, is_allowed, reason, object FROM audit WHERE action = 'token' ORDER BY no") == [
        (POLICE.id, True, "client authenticated", "us/api"),
        (POLICE.id, False, "the client is not accepted", None),
        (POLICE.id, False, "more than this client may have", "us/api"),
    ]


def test_the_refusal_speaks_spanish(node: Node) -> None:
    answer = node.client.post("/oauth/token", data={"grant_type": "x"}, headers={"Accept-Language": "es"})

    assert (
        answer.get_json()["error_description"]
        == "use client_credentials con private_key_jwt o un secreto, o jwt-bearer"
    )


def test_clients_can_find_the_endpoint(node: Node) -> None:
    server = node.client.get("/.well-known/oauth-authorization-server").get_json()
    resource = node.client.get("/.well-known/oauth-protected-resource").get_json()

    assert server["issuer"] in resource["authorization_servers"]
    assert server["token_endpoint"] == "http://gateway.example/oauth/token"
    assert server["token_endpoint_auth_methods_supported"] == [
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
    ]
    assert resource["resource"] == "us/api"


def test_a_client_that_cannot_name_what_it_wants_is_given_an_address_that_does(node: Node) -> None:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": node.assertion(POLICE.id)}

    answer = node.client.post("/oauth/token?resource=us/kafka", data=form)

    assert answer.get_json()["expires_in"] == 900  # of a token for Kafka
    assert node.client.get("/v1/me", headers=bearer(answer)).status_code == 401


def bearer(answer: TestResponse) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def test_the_published_key_is_public(node: Node) -> None:
    (key,) = node.client.get("/.well-known/jwks.json").get_json()["keys"]

    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
