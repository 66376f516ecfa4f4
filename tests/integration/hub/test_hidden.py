"""Hidden looks exactly like missing, on every route that takes an id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hub.directory import publishing
from tests.support.cast import STRANGER
from tests.support.node import Desk, Node, child_case, missing_child, stamp

NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"

ROUTES = {
    "/v1/events/<uuid:hub_id>": lambda desk, hub_id, _: desk.get(f"/v1/events/{hub_id}"),
    "/v1/events/<uuid:hub_id>/acks": lambda desk, hub_id, _: desk.post(f"/v1/events/{hub_id}/acks", {"state": "read"}),
    "/v1/cases/<path:subject>": lambda desk, _, subject: desk.get(f"/v1/cases/{subject}"),
}

# Every person knows the directory; what is hidden of the others is in the tests of each.
ELSEWHERE = tuple(
    f"/v1/{name}"
    for name in (
        *("agencies", "agreements", "attestations", "consents", "credentials"),
        *("grants", "persons", "publish-rights", "reviews"),
    )
)


def seen(answer: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a client can tell an answer by."""
    return answer.status_code, answer.data, answer.headers.to_wsgi_list()


@pytest.mark.parametrize("is_in_log", [True, False], ids=["in the log", "not yet"])
@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
@pytest.mark.parametrize("language", ["en", "es"])
def test_hidden_looks_like_missing(police: Desk, stranger: Desk, route: Any, is_in_log: bool, language: str) -> None:
    event = missing_child()
    hub_id = police.publish(event)
    if is_in_log:
        police.node.sequence()
    stranger.headers["Accept-Language"] = language

    hidden, missing = route(stranger, hub_id, event["subject"]), route(stranger, NOBODYS, "no-such-subject")

    assert seen(hidden) == seen(missing)
    assert hidden.status_code == 404


def test_these_are_all_routes_that_take_an_id(node: Node) -> None:
    takers = {rule.rule for rule in node.app.url_map.iter_rules() if rule.arguments and rule.rule.startswith("/v1")}

    assert {rule for rule in takers if not rule.startswith(ELSEWHERE)} == ROUTES.keys()


HIDDEN = {
    "nothing granted": {},
    "red": {"label": {"tlp": "red"}},
    "another country's": {"label": {"tlp": "green", "audience": ["consular"]}},
    "for another purpose": {"label": {"tlp": "green", "purpose": "statistics"}},
}


@pytest.mark.parametrize("differs", HIDDEN.values(), ids=HIDDEN.keys())
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
