"""Hidden looks exactly like missing, on every route that takes an id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from hub.directory import publishing
from tests.support.cast import STRANGER
from tests.support.node import Desk, Node, child_case, missing_child, stamp

NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"


@dataclass(frozen=True, slots=True)
class Hidden:
    """Something the stranger may know nothing of, by each name that a route may take."""

    hub_id: str = NOBODYS
    subject: str = "no-such-subject"


Ask = Callable[[Desk, Hidden], TestResponse]
ROUTES: dict[tuple[str, str], Ask] = {
    ("GET", "/v1/events/<uuid:hub_id>"): lambda desk, one: desk.get(f"/v1/events/{one.hub_id}"),
    ("POST", "/v1/events/<uuid:hub_id>/acks"): lambda desk, one: desk.post(
        f"/v1/events/{one.hub_id}/acks", {"state": "read"}
    ),
    ("POST", "/v1/events/<uuid:hub_id>/notes"): lambda desk, one: desk.post(
        f"/v1/events/{one.hub_id}/notes", {"kind": "question", "text": {"en": "Which exit?"}}
    ),
    ("POST", "/v1/events/<uuid:hub_id>/recall"): lambda desk, one: desk.post(
        f"/v1/events/{one.hub_id}/recall", {"reason": "error"}
    ),
    ("POST", "/v1/events/<uuid:hub_id>/label"): lambda desk, one: desk.post(
        f"/v1/events/{one.hub_id}/label", {"reason": "safety", "label": {"tlp": "red"}}
    ),
    ("GET", "/v1/events/<uuid:hub_id>/receipts"): lambda desk, one: desk.get(f"/v1/events/{one.hub_id}/receipts"),
    ("GET", "/v1/cases/<path:subject>"): lambda desk, one: desk.get(f"/v1/cases/{one.subject}"),
}


def seen(answer: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a client can tell an answer by."""
    return answer.status_code, answer.data, answer.headers.to_wsgi_list()


@pytest.mark.parametrize("is_in_log", [True, False], ids=["in the log", "not yet"])
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.parametrize("language", ["en", "es"])
def test_hidden_looks_like_missing(
    police: Desk, stranger: Desk, route: tuple[str, str], is_in_log: bool, language: str
) -> None:
    event = missing_child()
    hub_id = police.publish(event)
    there = Hidden(hub_id, event["subject"])
    if is_in_log:
        police.node.sequence()
    stranger.headers["Accept-Language"] = language

    hidden, missing = (ROUTES[route](stranger, one) for one in (there, Hidden()))

    assert seen(hidden) == seen(missing)
    assert hidden.status_code == 404


REASONS = {
    "nothing granted": {},
    "red": {"label": {"tlp": "red"}},
    "another country's": {"label": {"tlp": "green", "audience": ["consular"]}},
    "for another purpose": {"label": {"tlp": "green", "purpose": "statistics"}},
}


@pytest.mark.parametrize("differs", REASONS.values(), ids=REASONS.keys())
def test_whatever_the_reason_it_is_not_told(police: Desk, stranger: Desk, differs: dict[str, Any]) -> None:
    hub_id = police.publish(missing_child(**differs))

    assert seen(stranger.get(f"/v1/events/{hub_id}")) == seen(stranger.get(f"/v1/events/{NOBODYS}"))


def test_a_narrowed_token_makes_an_event_missing_too(node: Node, police: Desk) -> None:
    hub_id = police.publish(missing_child())
    elsewhere = node.desk(police.agency, jurisdictions="US-AZ")

    assert seen(elsewhere.get(f"/v1/events/{hub_id}")) == seen(elsewhere.get(f"/v1/events/{NOBODYS}"))


def test_an_id_that_others_use_is_free_for_oneself(node: Node, police: Desk) -> None:
    node.enrol(replace(STRANGER, publishes=publishing(("alert.*",), STRANGER.jurisdictions)))
    event = missing_child()
    police.publish(event)

    answer = node.desk(STRANGER).post("/v1/events", event | {"source": STRANGER.id, "jurisdictions": ["US-TX"]})

    assert answer.status_code == 201


def test_the_attempt_is_on_record_with_its_reason(police: Desk, stranger: Desk) -> None:
    hub_id = police.publish(missing_child())
    for one in (hub_id, NOBODYS):
        stranger.get(f"/v1/events/{one}")

    entries = police.node.rows("SELECT object, is_allowed, reason FROM audit WHERE action = 'event.read' ORDER BY no")

    assert entries == [(hub_id, False, "no grant covers it"), (NOBODYS, False, "no such event")]


def test_the_record_of_an_attempt_on_a_case_does_not_repeat_its_subject(node: Node, stranger: Desk) -> None:
    stranger.get("/v1/cases/Ximena")

    assert node.rows("SELECT agency, is_allowed, object FROM audit WHERE action = 'case.read'") == [
        (STRANGER.id, False, None)
    ]


def test_ids_tell_no_more_than_when(police: Desk) -> None:
    one, two = (UUID(police.publish(event)) for event in (missing_child(), child_case(time=stamp())))

    assert one.version == two.version == 7
    assert abs(one.int - two.int) > 2**64
