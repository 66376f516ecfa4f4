"""What the gateway takes as a request, and the shape of every answer."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from hub.web.auth import OPEN
from tests.support.cast import POLICE
from tests.support.node import Desk, Node, missing_child

PATHS = ["/v1/feed", "/v1/alerts/active", "/v1/acks/due", "/v1/rejections", "/v1/me"]
ONE_MEMBER_TOO_MANY = b'{"id":"a","id":"b"}'


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


BAD_JSON = {
    "nothing": (b"", "json-empty"),
    "half of it": (b'{"id":', "json"),
    "something behind it": (b"{} {}", "json"),
    "one member twice": (ONE_MEMBER_TOO_MANY, "json-duplicate-member"),
    "not a number": (b'{"a":NaN}', "json-not-a-number"),
    "infinity": (b'{"a":-Infinity}', "json-not-a-number"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "json-bom"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "json-bom"),
    "Latin-1": ('{"a":"ñ"}'.encode("latin-1"), "json-encoding"),
    "U+0000": (b'{"a":"\\u0000"}', "json-bad-character"),
    "half a surrogate pair": (b'{"a":"\\ud800"}', "json-bad-character"),
    "a number without end": (b'{"a":' + b"9" * 400 + b"}", "json-number-too-big"),
    "a tower": (deep(1000), "json-too-deep"),
    "a heap": (b"[" + b"0," * 100_000 + b"0]", "json-too-many"),
    "a list": (b"[]", "not-an-object"),
    "a text": (b'"{}"', "not-an-object"),
}


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/019ec1f0-7c3a-7e55-8c1b-0242ac120002/acks"])
@pytest.mark.parametrize(("body", "code"), BAD_JSON.values(), ids=BAD_JSON.keys())
def test_json_has_one_meaning_or_none(police: Desk, path: str, body: bytes, code: str) -> None:
    answer = police.post(path, body)

    assert (answer.status_code, [error["code"] for error in answer.get_json()["errors"]]) == (422, [code])


def test_a_body_over_the_limit_is_too_large(police: Desk) -> None:
    answer = police.post("/v1/events", b" " * 262_145)

    assert (answer.status_code, answer.get_json()["type"]) == (413, "urn:puente:problem:too-large")
    assert answer.get_json()["detail"] == "the body is over the limit of 262144 bytes"


def test_a_body_that_does_not_say_its_length_is_cut_off_too(police: Desk) -> None:
    endless = {"input_stream": io.BytesIO(b" " * 3_000_000), "environ_overrides": {"wsgi.input_terminated": True}}

    answer = police.node.app.test_client().post(
        "/v1/events", content_type="application/json", headers=police.headers, **endless
    )

    assert answer.status_code == 413


def test_the_largest_body_is_taken(police: Desk) -> None:
    event = json.dumps(missing_child()).encode()

    assert police.post("/v1/events", event + b" " * (262_144 - len(event))).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_only_plain_json_is_read(police: Desk, headers: dict[str, str]) -> None:
    answer = police.post("/v1/events", gzip.compress(b" " * 10_000_000), headers)

    assert (answer.status_code, answer.get_json()["type"]) == (415, "urn:puente:problem:http-415")


@pytest.mark.parametrize("path", PATHS)
def test_a_query_parameter_that_is_not_known_is_refused(police: Desk, path: str) -> None:
    answer = police.get(path, lmit=1)

    assert answer.status_code == 422
    assert [error["path"] for error in answer.get_json()["errors"]] == ["/lmit"]


@pytest.mark.parametrize("path", ["/v1/feed", "/v1/alerts/active", "/v1/rejections"])
def test_a_query_parameter_that_comes_twice_is_refused(police: Desk, path: str) -> None:
    assert police.get(path, limit=[1, 2]).status_code == 422


def test_a_query_that_was_refused_is_refused_again_in_the_same_words(police: Desk) -> None:
    first, second = (police.get("/v1/feed", limit=0) for _ in range(2))

    assert (first.status_code, first.get_json()["errors"]) == (422, second.get_json()["errors"])


def test_a_query_that_one_route_has_taken_is_still_none_of_another(police: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    police.node.sequence()
    taken = police.get("/v1/feed", limit=1)

    assert (taken.status_code, police.get(f"/v1/events/{hub_id}", limit=1).status_code) == (200, 422)


def test_a_query_that_was_read_before_is_of_who_asks_now(police: Desk, shelter: Desk) -> None:
    police.publish(missing_child(subject="s", label={"tlp": "red"}))
    police.node.sequence()

    own, others = (desk.get("/v1/feed", limit=7).get_json()["events"] for desk in (police, shelter))

    assert (len(own), len(others)) == (1, 0)


def test_a_route_that_takes_no_query_refuses_one(police: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    police.node.sequence()

    for path in (f"/v1/events/{hub_id}", "/v1/cases/s"):
        assert police.get(path, at="2026-01-01").status_code == 422


def answers(node: Node, desk: Desk) -> dict[str, TestResponse]:
    """One answer of each sort."""
    anyone = node.app.test_client()
    return {
        "200": desk.get("/v1/me"),
        "201": desk.post("/v1/events", missing_child()),
        "401": anyone.get("/v1/me"),
        "403": node.desk(POLICE, scope="acks:write").get("/v1/feed"),
        "404": desk.get("/v1/nothing"),
        "405": desk.post("/v1/feed", {}),
        "413": desk.post("/v1/events", b" " * 300_000),
        "415": desk.post("/v1/events", b"{}", {"Content-Type": "text/plain"}),
        "422": desk.post("/v1/events", b"{"),
        "token": node.ask_token(POLICE.id),
        "openapi": anyone.get("/openapi.json"),
        "docs": anyone.get("/docs/"),
    }


def test_no_answer_may_be_kept_framed_or_guessed_at(node: Node, police: Desk) -> None:
    for name, answer in answers(node, police).items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], name
        assert answer.headers["Referrer-Policy"] == "no-referrer", name
        assert "Set-Cookie" not in answer.headers, name
        if name != "docs":  # static files that are the same for everybody
            assert answer.headers["Cache-Control"] == "no-store", name


def test_every_refusal_is_a_problem_document(node: Node, police: Desk) -> None:
    for name, answer in answers(node, police).items():
        if not name.startswith("4"):
            continue
        problem = answer.get_json()
        assert answer.content_type == "application/problem+json", name
        assert (problem["status"], answer.status_code) == (int(name), int(name))
        assert problem["type"].startswith("urn:puente:problem:"), name
        assert problem["title"], name


def test_every_refusal_speaks_spanish_to_who_prefers_it(node: Node, police: Desk) -> None:
    police.headers["Accept-Language"] = "es-MX, es;q=0.9, en;q=0.5"
    in_english = answers(node, node.desk(POLICE))

    in_spanish = answers(node, police)
    for name in ("404", "405", "413", "415", "422"):
        assert in_spanish[name].headers["Content-Language"] == "es", name
        assert in_spanish[name].get_json()["title"] != in_english[name].get_json()["title"], name


@pytest.mark.parametrize("language", ["fr", "de-CH, fr;q=0.5", "*", "x" * 1000, "es;q=0"])
def test_who_prefers_neither_is_spoken_to_in_english(police: Desk, language: str) -> None:
    answer = police.get("/v1/nothing", {"Accept-Language": language})

    assert answer.get_json()["title"] == "Nothing here for you"


def test_flaws_are_named_in_spanish_too(police: Desk) -> None:
    answer = police.post("/v1/events", missing_child(status="real"), {"Accept-Language": "es"})

    assert answer.get_json()["errors"][0]["detail"].startswith("No es uno de los códigos conocidos")


def test_a_method_that_is_not_offered_is_told_which_are(police: Desk) -> None:
    answer = police.post("/v1/feed", {})

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


CREDENTIALS = {
    "none": ({}, 'Bearer realm="puente"'),
    "another scheme": ({"Authorization": "Basic dTpw"}, 'Bearer realm="puente"'),
    "an empty one": ({"Authorization": "Bearer "}, 'Bearer realm="puente"'),
    "no token": ({"Authorization": "Bearer abc"}, 'Bearer realm="puente", error="invalid_token"'),
    "too long": ({"Authorization": "Bearer " + "a" * 9000}, 'Bearer realm="puente", error="invalid_token"'),
}


@pytest.mark.parametrize("path", ["/v1/me", "/v1/nothing", "/", "/admin", "/v1/events/x"])
@pytest.mark.parametrize(("headers", "challenge"), CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_without_a_token_nothing_is_told_not_even_what_is_there(
    node: Node, path: str, headers: dict[str, str], challenge: str
) -> None:
    answer = node.client.get(path, headers=headers)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge)


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
def test_no_method_passes_without_a_token(node: Node, method: str) -> None:
    assert node.client.open("/v1/feed", method=method).status_code == 401


def test_the_scheme_may_be_written_in_any_case(police: Desk) -> None:
    assert police.get("/v1/me", {"Authorization": f"bEARER {police.token}"}).status_code == 200


def test_a_token_in_the_address_is_no_token(police: Desk) -> None:
    assert police.node.client.get("/v1/me", query_string={"access_token": police.token}).status_code == 401


def test_only_these_endpoints_answer_without_a_token(node: Node) -> None:
    answering = set()
    for rule in node.app.url_map.iter_rules():
        arguments: dict[str, Any] = {name: "019ec1f0-7c3a-7e55-8c1b-0242ac120002" for name in rule.arguments}
        with node.app.test_request_context():
            path = node.app.url_map.bind("localhost").build(rule.endpoint, arguments)
        for method in rule.methods or ():
            if node.client.open(path, method=method).status_code != 401:
                answering.add(rule.endpoint)

    assert answering == OPEN
