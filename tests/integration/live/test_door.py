"""The stream process's door: who may not come in, and what everybody is told who asks for something else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.live.publishing import publish
from tests.support.cast import POLICE
from tests.support.node import Desk, Node
from tests.support.streaming import Live, Stage

PATHS = ("/v1/stream", "/v1/feed", "/", "/v1/me", "/metrics")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("credentials", ["", "Bearer", "Bearer x", "Basic dXM6dXM="])
def test_without_a_token_every_path_is_the_same(live: Live, node: Node, path: str, credentials: str) -> None:
    answer = httpx.get(f"{live.url}{path}", headers={"Authorization": credentials})
    gateway = node.client.get("/v1/me", headers={"Authorization": credentials})

    assert (answer.status_code, answer.content) == (401, gateway.data)
    assert answer.headers["WWW-Authenticate"] == gateway.headers["WWW-Authenticate"]


def test_a_token_in_the_address_is_none(live: Live, shelter: Desk) -> None:
    assert httpx.get(f"{live.url}/v1/stream?access_token={shelter.token}").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/v1/stream", 405), ("DELETE", "/v1/feed", 405), ("PUT", "/nowhere", 404)],
)
def test_what_is_not_offered_is_refused_as_by_the_gateway(
    live: Live, shelter: Desk, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, f"{live.url}{path}", headers=shelter.headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:puente:problem:http-{status}"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/stream", "/v1/feed"])
def test_who_asks_about_a_path_gets_no_events(live: Live, shelter: Desk, method: str, path: str) -> None:
    answer = httpx.request(method, f"{live.url}{path}", headers=shelter.headers, timeout=5)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/feed", "/nowhere"])
def test_no_answer_is_for_anybody_elses_cache(live: Live, shelter: Desk, path: str) -> None:
    told = httpx.head(f"{live.url}{path}", headers=shelter.headers).headers
    gateway = shelter.get("/v1/feed").headers

    for name in ("Cache-Control", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy"):
        assert told[name] == gateway[name]


def test_a_stream_asks_proxies_not_to_keep_it_back(live: Live, shelter: Desk) -> None:
    told = httpx.head(f"{live.url}/v1/stream", headers=shelter.headers).headers

    assert (told["X-Accel-Buffering"], told["Content-Type"]) == ("no", "text/event-stream")


@pytest.mark.parametrize(
    "query",
    [
        {"status": "real"},
        {"types": "ALERT"},
        {"types": ""},
        {"changes": "gone"},
        {"jurisdictions": "US-XX"},
        {"severity": "Unknown"},
        {"own": "yes"},
        {"since": "now"},
        [("status", "actual"), ("status", "test")],
        {"after": "A" * 32},
    ],
    ids=str,
)
def test_a_query_that_is_none_is_refused_alike_here_and_there(live: Live, shelter: Desk, query: Any) -> None:
    answer = httpx.get(f"{live.url}/v1/stream", params=query, headers=shelter.headers)
    here = httpx.get(f"{live.url}/v1/feed", params=query, headers=shelter.headers)
    there = shelter.get("/v1/feed", **(query if isinstance(query, dict) else {"status": ["actual", "test"]}))

    assert (answer.status_code, here.status_code, there.status_code) == (422, 422, 422)
    assert answer.json() == here.json() == there.get_json()


def test_a_cursor_of_another_agency_is_refused(live: Live, police: Desk, shelter: Desk, sheriff: Desk) -> None:
    publish(police)
    cursor = shelter.get("/v1/feed").get_json()["next"]

    answer = live.get(sheriff, "/v1/stream", {"Last-Event-ID": cursor})

    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == ["not-a-cursor"]


def test_a_cursor_for_what_is_not_real_is_no_other_streams(shelter: Desk, live: Live, on_stage: Stage) -> None:
    ear = on_stage.listen(live, shelter, status="test")

    assert live.get(shelter, "/v1/stream", {"Last-Event-ID": ear.last_id or ""}).status_code == 422


def test_a_token_without_the_scope_hears_nothing_and_that_is_on_record(live: Live, node: Node) -> None:
    answer = live.get(node.desk(POLICE, scope="events:publish"), "/v1/stream")

    assert answer.status_code == 403
    assert node.rows("SELECT agency, action, is_allowed FROM audit WHERE action LIKE 'events:%'") == [
        (POLICE.id, "events:read", False)
    ]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("es; q=0.9, en; q=0.5", "es"), ("es-MX,en;q=0.5", "es"), ("en,es;q=0.9", "en"), ("", "en"), ("es;q=x", "en")],
)
def test_a_refusal_is_told_in_the_callers_language_here_and_there(
    live: Live, node: Node, accepted: str, language: str
) -> None:
    here = httpx.get(f"{live.url}/v1/stream", headers={"Accept-Language": accepted})
    there = node.client.get("/v1/feed", headers={"Accept-Language": accepted})

    assert (here.headers["Content-Language"], there.headers["Content-Language"]) == (language, language)


def test_a_header_in_two_lines_is_one(live: Live) -> None:
    answer = httpx.get(f"{live.url}/v1/stream", headers=[("Accept-Language", "en;q=0.5"), ("Accept-Language", "es")])

    assert answer.headers["Content-Language"] == "es"
