"""Who may take an event back, how often and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cast import POLICE, SHELTER
from tests.support.events import note, recalled
from tests.support.node import Desk, Node, stamp
from tests.support.recalling import child, publish, recall, take_back

MISSING = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"


def test_recalling_twice_is_the_same_answer(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.feed()
    first = take_back(police, issued)

    again = take_back(police, issued, reason="error")
    as_event = police.post("/v1/events", recall_event(issued))

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert (as_event.status_code, as_event.get_json()) == (200, first.get_json())
    assert len(shelter.feed()) == 1


def recall_event(hub_id: str, **differs: Any) -> dict[str, Any]:
    """The recall as an event, as a connector would publish it."""
    return recalled(data={"event": hub_id}, **{"subject": "ximena", "time": stamp(5)} | differs)


def test_it_can_be_published_as_an_event_and_published_again(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())

    first, again = (police.post("/v1/events", recall_event(issued)) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert shelter.event(issued) is None


def test_under_an_idempotency_key_it_is_the_same(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())

    answers = [police.post("/v1/events", recall_event(issued), {"Idempotency-Key": "one"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].data == answers[1].data
    assert shelter.event(issued) is None


@pytest.mark.parametrize("differs", [{"subject": "other"}, {"status": "test"}, {"jurisdictions": ["US-CA"]}])
def test_such_an_event_is_of_the_same_subject_status_and_place(police: Desk, differs: dict[str, Any]) -> None:
    (issued,) = publish(police, child())

    assert police.post("/v1/events", recall_event(issued, **differs)).status_code == 403
    assert police.node.rows("SELECT count(*) FROM event WHERE recalled_at IS NOT NULL") == [(0,)]


def test_only_its_source_recalls_it(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())

    answered = take_back(shelter, issued)

    assert (answered.status_code, shelter.event(issued) is None) == (403, False)
    entries = police.node.rows("SELECT agency, is_allowed, object FROM audit WHERE action = 'control'")
    assert entries == [(SHELTER.id, False, issued)]


def test_what_cannot_be_seen_cannot_be_recalled_and_looks_like_nothing(police: Desk, stranger: Desk) -> None:
    (issued,) = publish(police, child())

    hidden, missing = (take_back(stranger, one) for one in (issued, MISSING))

    assert (hidden.status_code, hidden.data) == (missing.status_code, missing.data) == (404, missing.data)
    usual = {"source": stranger.agency.id, "jurisdictions": ["US-TX"]}
    published = [stranger.post("/v1/events", recall_event(one, **usual)) for one in (issued, MISSING)]
    assert [one.status_code for one in published] == [404, 404]
    assert published[0].data == published[1].data


def test_a_token_that_may_not_publish_recalls_nothing(node: Node, police: Desk) -> None:
    (issued,) = publish(police, child())

    answered = take_back(node.desk(POLICE, scope="events:read acks:write"), issued)

    assert (answered.status_code, answered.get_json()["detail"]) == (403, "the token lacks events:publish")


def test_an_agency_that_may_publish_nothing_any_more_recalls_what_it_has_published(node: Node, police: Desk) -> None:
    (issued,) = publish(police, child())
    node.rows("UPDATE publish_right SET state = 'revoked'")

    assert take_back(police, issued).status_code == 201


def test_a_recall_is_not_recalled(police: Desk) -> None:
    change = recall(police, publish(police, child())[0])

    assert take_back(police, change).status_code == 403


def test_a_recalled_event_is_not_acknowledged(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    recall(police, issued)

    assert shelter.post(f"/v1/events/{issued}/acks", {"state": "read"}).status_code == 404


def test_that_a_recall_was_seen_is_acknowledged(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.feed()
    change = recall(police, issued)

    assert shelter.post(f"/v1/events/{change}/acks", {"state": "acknowledged"}).status_code == 201


def test_a_note_is_recalled_as_well(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    told = note("question", data={"event": issued}, source=SHELTER.id, subject="ximena", jurisdictions=["US-CA"])
    written = shelter.publish(told | {"label": {"tlp": "amber+strict", "audience": [POLICE.id]}, "time": stamp(1)})
    assert police.event(written)

    change = recall(shelter, written)

    assert police.event(written) is None
    assert (police.event(change) or {}).get("projection") == "notice"


@pytest.mark.parametrize(("body", "path"), [({"reason": "whim"}, "/reason"), ({"colour": "red"}, "/colour")])
def test_a_flaw_is_named_where_the_sender_wrote_it(police: Desk, body: dict[str, Any], path: str) -> None:
    answered = take_back(police, publish(police, child())[0], **body)

    assert answered.status_code == 422
    assert [error["path"] for error in answered.get_json()["errors"]] == [path]
