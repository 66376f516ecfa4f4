"""`GET /v1/me` and `GET /v1/rejections`: what an agency learns about itself."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from hub.grants import Selector
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.node import BEGAN, TO_SHELTER, TO_SHERIFF, YEAR, Desk, Node, grant, missing_child


def rejections(desk: Desk, **query: Any) -> list[dict[str, Any]]:
    answer = desk.get("/v1/rejections", **query)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["rejections"])


def test_an_agency_learns_who_it_is_here(police: Desk) -> None:
    found = police.get("/v1/me").get_json()

    assert found["node"] == "us"
    assert found["agency"]["id"] == POLICE.id
    assert found["agency"]["kind"] == "law_enforcement"
    assert found["agency"]["publishes"] == ["alert.*", "case.trafficking.*"]


def test_an_agency_learns_what_its_token_allows_and_until_when(node: Node) -> None:
    desk = node.desk(SHELTER, scope="events:read", jurisdictions="US-CA", purpose="locate-child")

    token = desk.get("/v1/me").get_json()["token"]

    left_s = (datetime.fromisoformat(token.pop("expires")) - node.clock()).total_seconds()
    assert 290 < left_s <= 300
    assert token == {
        "client_id": SHELTER.id,
        "scopes": ["events:read"],
        "jurisdictions": ["US-CA"],
        "purpose": "locate-child",
    }


def test_an_agency_learns_of_its_own_grants_and_not_of_others(node: Node, shelter: Desk, stranger: Desk) -> None:
    later = grant(id="later", valid_from=BEGAN + YEAR, valid_until=BEGAN + 2 * YEAR)
    ended = grant(id="ended", valid_until=BEGAN - timedelta(days=1))
    for_kind = grant(id="for-ngos", reader=Selector(kind=SHELTER.kind))
    node.regrant(TO_SHELTER, TO_SHERIFF, later, ended, for_kind)

    found = shelter.get("/v1/me").get_json()["grants"]

    assert [(one["id"], one["in_force"]) for one in found] == [
        ("for-ngos", True),
        ("later", False),
        (TO_SHELTER.id, True),
    ]
    assert found[0]["source"] == {"agency": POLICE.id}
    assert (found[0]["clearance"], found[0]["types"]) == ("partner", ["alert.*"])
    assert stranger.get("/v1/me").get_json()["grants"] == []


def test_a_sender_finds_why_its_event_was_refused(police: Desk) -> None:
    body = b'{"specversion":"1.0","id":"a"'

    police.post("/v1/events", body)

    (found,) = rejections(police)
    assert (found["channel"], found["code"], found["agency"]) == ("http", "json", POLICE.id)
    assert found["sha256"] == hashlib.sha256(body).hexdigest()
    assert found["flaws"] == [{"path": "", "code": "json", "text": "This is not JSON: line 1, column 30."}]


def test_every_flaw_is_kept_with_its_path(police: Desk) -> None:
    police.post("/v1/events", missing_child(status="real", data={"urgency": "Now"}))

    (found,) = rejections(police)

    assert {flaw["path"] for flaw in found["flaws"]} == {"/status", "/data/urgency"}


def test_rejections_speak_the_readers_language(police: Desk) -> None:
    police.post("/v1/events", b"")
    police.headers["Accept-Language"] = "es-MX,es;q=0.9,en;q=0.1"

    assert rejections(police)[0]["flaws"][0]["text"] == "El documento está vacío."


def test_nobody_else_sees_them(police: Desk, shelter: Desk, stranger: Desk) -> None:
    police.post("/v1/events", b"")

    assert rejections(shelter) == rejections(stranger) == []


def test_rejections_are_read_page_by_page(police: Desk) -> None:
    for _ in range(3):
        police.post("/v1/events", b"")
    first = police.get("/v1/rejections", limit=2).get_json()

    second = police.get("/v1/rejections", limit=2, after=first["next"]).get_json()

    numbers = [one["no"] for one in first["rejections"] + second["rejections"]]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3
    assert police.get("/v1/rejections", after=second["next"]).get_json() == {"rejections": [], "next": second["next"]}


def test_a_token_without_the_scope_reads_none(node: Node) -> None:
    answer = node.desk(STRANGER, scope="events:read").get("/v1/rejections")

    assert (answer.status_code, answer.get_json()["detail"]) == (403, "the token lacks rejections:read")
