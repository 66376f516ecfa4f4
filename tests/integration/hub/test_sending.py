"""The sender of webhooks with a real receiver: what arrives, signed by what, how often, and what is called back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from hub.directory import Standing
from hub.store import agencies
from tests.support.cast import SHELTER
from tests.support.node import Desk, Node, missing_child
from tests.support.sending import Got, Receiver, receiver, sending
from tests.support.subscribing import Dispatch, shown, subscribe
from tests.support.waiting import until


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as held:
        yield held


def publish(police: Desk, verb: str = "issued", **differs: object) -> str:
    hub_id = police.publish(missing_child(verb, **differs))  # type: ignore[arg-type]
    police.node.sequence()
    return hub_id


def test_a_receiver_that_answers_the_challenge_is_told_from_then_on(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    subscription = subscribe(shelter, proven=False, address=there.url)
    with sending(node):
        until(lambda: shown(shelter, subscription)["state"] == "enabled")
        hub_id = publish(police)
        Dispatch(node).queue()
        until(lambda: there.events())

    assert there.events()[0]["data"]["id"] == hub_id


def test_one_that_takes_the_challenge_and_does_not_answer_it_is_told_nothing(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    there.echoes = False
    subscription = subscribe(shelter, proven=False, address=there.url)
    with sending(node):
        until(lambda: shown(shelter, subscription)["outcome"])
        publish(police)
        Dispatch(node).queue()

    assert (shown(shelter, subscription)["state"], shown(shelter, subscription)["outcome"]) == ("pending", "no-echo")
    assert there.events() == []


def test_what_arrives_is_a_pointer_and_holds_nothing_of_the_event(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    subscription = subscribe(shelter, address=there.url)
    hub_id = publish(police, data={"child": {"name": {"given": "Ximena"}}, "urgency": "Immediate"})
    Dispatch(node).queue()
    with sending(node):
        until(lambda: there.events())

    (event,) = there.events()
    assert event == {
        "type": "alert.missing_child.issued",
        "timestamp": event["timestamp"],
        "data": {
            "id": hub_id,
            "seq": 1,
            "subscription": str(subscription),
            "status": "actual",
            "urgent": True,
            "severity": "Severe",
            "link": f"https://gateway.example/v1/events/{hub_id}",
        },
    }
    assert b"Ximena" not in there.got[0].raw


def test_the_reference_library_verifies_it_with_the_secret_that_was_shown_once(
    node: Node, shelter: Desk, there: Receiver
) -> None:
    made = shelter.post("/v1/subscriptions", {"name": "ours", "channel": "webhook", "address": there.url}).get_json()
    with sending(node):
        until(lambda: shown(shelter, UUID(made["id"]))["state"] == "enabled")

    (challenge,) = there.got
    assert Webhook(made["secret"]).verify(challenge.raw, challenge.headers)


def test_for_a_day_both_secrets_verify(node: Node, shelter: Desk, there: Receiver) -> None:
    made = shelter.post("/v1/subscriptions", {"name": "ours", "channel": "webhook", "address": there.url}).get_json()
    new = shelter.post(f"/v1/subscriptions/{made['id']}/secret", {}).get_json()
    with sending(node):
        until(lambda: there.got)

    (challenge,) = there.got
    assert new["secret"] != made["secret"]
    assert Webhook(made["secret"]).verify(challenge.raw, challenge.headers)
    assert Webhook(new["secret"]).verify(challenge.raw, challenge.headers)


def slowly(_: Got) -> tuple[int, dict[str, str]]:
    """Takes its time."""
    time.sleep(0.2)
    return 204, {}


def test_what_fails_comes_again_under_the_same_id(node: Node, police: Desk, shelter: Desk, there: Receiver) -> None:
    subscribe(shelter, address=there.url)
    there.answer = lambda _: (503, {}) if len(there.got) < 2 else (204, {})
    publish(police, data={"urgency": "Immediate"})
    Dispatch(node).queue()
    with sending(node):
        until(lambda: len(there.got) == 2)

    assert len({one.headers["webhook-id"] for one in there.got}) == 1
    assert len({one.headers["webhook-timestamp"] for one in there.got}) == 2


def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    subscribe(shelter, address=there.url)
    there.answer = lambda _: (503, {"Retry-After": "3600"})
    publish(police, data={"urgency": "Immediate"})
    Dispatch(node).queue()
    with sending(node):
        until(lambda: node.rows("SELECT 1 FROM delivery WHERE outcome = 'http-503'"))

    ((due_at,),) = node.rows("SELECT due_at FROM delivery")
    assert due_at > node.clock() + timedelta(minutes=59)


def test_a_receiver_that_is_gone_is_told_nothing_more_and_its_agency_hears_so(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    gone = subscribe(shelter, address=f"{there.url}/gone", filter={"types": ["alert.*"]})
    subscribe(shelter, address=there.url, filter={"types": ["case.*"]})
    there.answer = lambda got: (410 if got.path.endswith("gone") else 204, {})
    publish(police)
    Dispatch(node).queue()
    with sending(node):
        until(lambda: [one for one in there.got if one.body["type"] == "webhook.notice"])

    notice = next(one.body for one in there.got if one.body["type"] == "webhook.notice")
    assert (notice["data"]["code"], notice["data"]["of"]) == ("disabled", [str(gone), "gone"])
    assert (shown(shelter, gone)["state"], shown(shelter, gone)["reason"]) == ("disabled", "gone")


def test_what_still_waits_on_its_way_when_the_child_is_found_is_called_back(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    subscribe(shelter, address=there.url)
    held = threading.Event()
    there.answer = lambda _: (204 if held.wait(5) else 503, {})
    first = publish(police, subject="s")
    Dispatch(node).queue()
    with sending(node):
        until(lambda: there.got)
        publish(police, "located", subject="s", minutes=1)
        until(lambda: node.rows("SELECT 1 FROM delivery WHERE event = %s AND state = 'overtaken'", first))
        held.set()

    assert [one["type"] for one in there.events()] == ["alert.missing_child.issued"]


def test_who_is_suspended_while_its_queue_is_full_is_sent_no_more(
    node: Node, police: Desk, shelter: Desk, there: Receiver
) -> None:
    subscribe(shelter, address=there.url)
    there.answer = slowly
    for _ in range(60):
        publish(police)
    Dispatch(node).queue()
    with sending(node):
        until(lambda: there.got)
        with node.database() as conn:
            agencies.set_standing(conn, SHELTER.id, Standing.SUSPENDED)
        until(lambda: not node.rows("SELECT 1 FROM delivery WHERE state = 'due'"))

    assert 0 < len(there.got) < 60
    assert node.rows("SELECT count(*) FROM delivery WHERE state = 'withdrawn'")[0][0] >= 60 - len(there.got)


def test_two_senders_send_each_once(node: Node, police: Desk, shelter: Desk, there: Receiver) -> None:
    for _ in range(10):
        subscribe(shelter, address=there.url)
    for _ in range(50):
        police.publish(missing_child())
    node.sequence()
    Dispatch(node).queue()
    with sending(node), sending(node):
        until(lambda: not node.rows("SELECT 1 FROM delivery WHERE state = 'due'"))

    sent = [one.headers["webhook-id"] for one in there.got]
    assert len(sent) == 500
    assert len(set(sent)) == 500
