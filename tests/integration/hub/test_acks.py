"""`POST /v1/events/{id}/acks`: who answers what, and who hears of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.store import connect
from tests.support.cast import POLICE, SHELTER
from tests.support.events import ack
from tests.support.node import Desk, Node, missing_child, stamp
from tests.support.waiting import until

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'event'::regclass"


def answer(desk: Desk, hub_id: str, **body: Any) -> Any:
    return desk.post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"} | body)


def acks_seen(desk: Desk) -> list[tuple[str, str, str]]:
    """(type, source, the event it answers) of each acknowledgement in the feed."""
    desk.node.sequence()
    return [
        (item["event"]["type"], item["event"]["source"], item["event"]["data"]["event"])
        for item in desk.feed()
        if item["event"]["type"].startswith("ack.")
    ]


DECLINED = {"state": "declined", "reason": "not-ours", "note": {"en": "Not our county.", "es": "No es el nuestro."}}


@pytest.mark.parametrize("body", [{"state": "received"}, {"state": "read"}, {"state": "acknowledged"}, DECLINED])
def test_the_source_hears_what_became_of_its_event(police: Desk, shelter: Desk, body: dict[str, Any]) -> None:
    hub_id = police.publish(missing_child())

    answered = answer(shelter, hub_id, **body)

    assert answered.status_code == 201
    assert acks_seen(police) == [(f"ack.{body['state']}", SHELTER.id, hub_id)]


def test_nobody_else_hears_of_it(police: Desk, shelter: Desk, sheriff: Desk, stranger: Desk) -> None:
    answered = answer(shelter, police.publish(missing_child())).get_json()["id"]

    assert acks_seen(sheriff) == acks_seen(stranger) == []
    assert sheriff.event(answered) is stranger.event(answered) is None
    assert police.event(answered)
    assert shelter.event(answered)


def test_the_same_answer_twice_is_one(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())
    first = answer(shelter, hub_id)

    again = answer(shelter, hub_id)

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert len(acks_seen(police)) == 1


def test_the_same_answer_twice_at_once_is_one(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())
    answer(shelter, hub_id, state="read")  # the lane of answers is there
    url = police.node.url
    with connect(url, name="test") as conn, ThreadPoolExecutor(2) as threads:
        with conn.transaction():
            conn.execute("LOCK TABLE event IN SHARE MODE")  # they may look, and have to wait before they store
            answers = [threads.submit(answer, shelter, hub_id) for _ in range(2)]
            until(lambda: police.node.rows(WAITING) == [(2,)], what="both answers")

        assert sorted(came.result(10).status_code for came in answers) == [200, 201]
    assert len(acks_seen(police)) == 2


def test_another_reason_for_the_same_answer_is_a_conflict_and_the_first_one_stays(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())
    first = answer(shelter, hub_id, **DECLINED).get_json()["id"]

    again = answer(shelter, hub_id, **DECLINED | {"reason": "cannot-act"})

    assert (again.status_code, again.get_json()["type"]) == (409, "urn:puente:problem:conflict")
    assert "note" in again.get_json()["detail"]
    assert (shelter.event(first) or {})["event"]["data"]["reason"] == "not-ours"
    entries = shelter.node.rows("SELECT agency, is_allowed, object FROM audit WHERE action = 'ack'")
    assert entries == [(SHELTER.id, False, hub_id)]


def test_an_agency_answers_once_more_when_things_go_on(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())

    assert [answer(shelter, hub_id, state=state).status_code for state in ("received", "read")] == [201, 201]
    assert len(acks_seen(police)) == 2


def test_an_agency_does_not_answer_itself(police: Desk) -> None:
    answered = answer(police, police.publish(missing_child()))

    assert (answered.status_code, answered.get_json()["type"]) == (403, "urn:puente:problem:denied")


def test_an_answer_is_not_answered(police: Desk, shelter: Desk) -> None:
    answered = answer(shelter, police.publish(missing_child())).get_json()["id"]

    assert answer(police, answered).status_code == 403


def test_what_cannot_be_seen_cannot_be_answered_and_the_attempt_is_on_record(police: Desk, stranger: Desk) -> None:
    hub_id = police.publish(missing_child())

    assert answer(stranger, hub_id).status_code == 404
    entries = police.node.rows("SELECT agency, is_allowed, object FROM audit WHERE action = 'ack'")
    assert entries == [(stranger.agency.id, False, hub_id)]


def test_a_token_without_the_scope_does_not_answer(node: Node, police: Desk) -> None:
    answered = answer(node.desk(SHELTER, scope="events:read"), police.publish(missing_child()))

    assert (answered.status_code, answered.get_json()["detail"]) == (403, "the token lacks acks:write")


def test_a_token_for_answers_alone_is_enough_to_answer_with(node: Node, police: Desk) -> None:
    answered = answer(node.desk(SHELTER, scope="events:read acks:write"), police.publish(missing_child()))

    assert answered.status_code == 201


FLAWED = {
    "no state": ({"state": None}, "/state"),
    "an unknown state": ({"state": "seen"}, "/state"),
    "a state that is no text": ({"state": ["read"]}, "/state"),
    "declined without a reason": ({"state": "declined"}, "/reason"),
    "an unknown reason": ({"state": "declined", "reason": "busy"}, "/reason"),
    "a note in no language": ({"note": {}}, "/note"),
    "another event than the one in the path": ({"event": "019ec1f0-7c3a-7e55-8c1b-0242ac120002"}, "/event"),
    "an unknown member": ({"colour": "red"}, "/colour"),
}


@pytest.mark.parametrize(("body", "path"), FLAWED.values(), ids=FLAWED.keys())
def test_a_flaw_is_named_where_the_sender_wrote_it(
    police: Desk, shelter: Desk, body: dict[str, Any], path: str
) -> None:
    answered = answer(shelter, police.publish(missing_child()), **body)

    assert answered.status_code == 422
    assert [error["path"] for error in answered.get_json()["errors"]] == [path]
    assert acks_seen(police) == []


def published_answer(hub_id: str, **differs: Any) -> dict[str, Any]:
    """An acknowledgement as an event, as a connector would publish it."""
    usual = {"source": SHELTER.id, "subject": "s", "jurisdictions": ["US-CA"], "time": stamp(1)}
    label = {"tlp": "amber+strict", "audience": [POLICE.id]}
    return ack("read", data={"event": hub_id}, **usual | {"label": label} | differs)


def test_an_answer_can_be_published_as_an_event(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))

    shelter.publish(published_answer(hub_id))

    assert acks_seen(police) == [("ack.read", SHELTER.id, hub_id)]


@pytest.mark.parametrize(
    "differs",
    [{"label": {"tlp": "clear"}}, {"label": {"audience": [POLICE.id, "ngo"]}}, {"subject": "another"}],
    ids=["to everybody", "to others too", "under another subject"],
)
def test_such_an_answer_goes_to_the_source_alone(police: Desk, shelter: Desk, differs: dict[str, Any]) -> None:
    hub_id = police.publish(missing_child(subject="s"))

    assert shelter.post("/v1/events", published_answer(hub_id, **differs)).status_code == 403
    assert acks_seen(police) == []


def test_such_an_answer_to_what_cannot_be_seen_is_like_one_to_nothing(police: Desk, stranger: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    usual = {"source": stranger.agency.id, "jurisdictions": ["US-TX"]}

    hidden, missing = (
        stranger.post("/v1/events", published_answer(one, **usual))
        for one in (hub_id, "019ec1f0-7c3a-7e55-8c1b-0242ac120002")
    )

    assert (hidden.status_code, hidden.data) == (missing.status_code, missing.data) == (404, missing.data)
