"""What an agency wants to be told of, and where: its own affair, and nothing that opens anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from werkzeug.test import TestResponse

from hub.directory import Role
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child
from tests.support.subscribing import URL, Dispatch, shown, subscribe

HOOK = {"name": "ours", "channel": "webhook", "address": URL}


def test_a_webhook_waits_until_its_receiver_has_answered(node: Node, shelter: Desk) -> None:
    answer = shelter.post("/v1/subscriptions", HOOK)

    made = answer.get_json()
    assert (answer.status_code, made["state"], made["reason"]) == (201, "pending", "unproven")
    assert [one.claim.kind for one in Dispatch(node).take()] == ["verification"]


def test_its_secret_is_shown_once(shelter: Desk) -> None:
    made = shelter.post("/v1/subscriptions", HOOK).get_json()

    again = shelter.get(f"/v1/subscriptions/{made['id']}").get_json()
    assert made["secret"].startswith("whsec_")
    assert "secret" not in again
    assert again["public_key"] == made["public_key"]


def test_no_secret_is_in_the_database(node: Node, shelter: Desk) -> None:
    made = shelter.post("/v1/subscriptions", HOOK).get_json()

    row = str(node.rows("SELECT s FROM subscription s"))
    assert made["secret"].removeprefix("whsec_") not in row


@pytest.mark.parametrize(
    ("differs", "path"),
    [
        ({"address": "http://10.0.0.1/hook"}, "/address"),
        ({"address": "https://10.0.0.1/hook"}, "/address"),
        ({"address": "ftp://example.com/"}, "/address"),
        ({"address": ""}, "/address"),
        ({"channel": "email", "address": "not mail"}, "/address"),
        ({"channel": "kafka"}, "/address"),
        ({"channel": "pigeon"}, "/channel"),
        ({"name": ""}, "/name"),
        ({"language": "fr"}, "/language"),
        ({"desk": "Über"}, "/desk"),
        ({"filter": {"types": []}}, "/filter/types"),
        ({"filter": {"changes": []}}, "/filter/changes"),
        ({"filter": {"jurisdictions": ["US-CA"] * 257}}, "/filter/jurisdictions"),
        ({"quiet": {"from": "22:00", "until": "06:00", "zone": "Mars/Olympus"}}, "/quiet/zone"),
        ({"quiet": {"from": "22:00", "until": "22:00", "zone": "America/Tijuana"}}, "/quiet/until"),
        ({"quiet": {"from": "25:00", "until": "06:00", "zone": "America/Tijuana"}}, "/quiet/from"),
        ({"digest_at": "08:00"}, "/digest_at"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_cannot_be_used_is_named(shelter: Desk, differs: dict[str, Any], path: str) -> None:
    answer = shelter.post("/v1/subscriptions", HOOK | differs)

    assert answer.status_code == 422, answer.text
    assert {one["path"] if "path" in one else one["pointer"] for one in answer.get_json()["errors"]} == {path}


def test_another_agency_cannot_tell_it_from_none(shelter: Desk, sheriff: Desk) -> None:
    subscription = subscribe(shelter)

    paths = ["", "/deliveries"]
    theirs = [sheriff.get(f"/v1/subscriptions/{subscription}{path}") for path in paths]
    none = [sheriff.get(f"/v1/subscriptions/{uuid4()}{path}") for path in paths]
    acts = [
        ("state", {"state": "paused"}),
        ("verification", {}),
        ("secret", {}),
        ("recovery", {"since": "2026-01-01T00:00:00Z"}),
    ]
    theirs += [sheriff.post(f"/v1/subscriptions/{subscription}/{act}", body) for act, body in acts]
    none += [sheriff.post(f"/v1/subscriptions/{uuid4()}/{act}", body) for act, body in acts]

    assert {(one.status_code, one.get_json()["type"]) for one in theirs} == {
        (one.status_code, one.get_json()["type"]) for one in none
    }
    assert {one.status_code for one in theirs} == {404}
    assert sheriff.get("/v1/subscriptions").get_json()["subscriptions"] == []


def test_who_may_not_read_may_not_subscribe(node: Node) -> None:
    ana = node.office(POLICE, "ana", Role.ADMIN)

    answer = ana.post("/v1/subscriptions", HOOK)

    assert answer.status_code == 403
    assert node.rows("SELECT is_allowed FROM audit WHERE action = 'subscription.add'") == [(False,)]


def test_a_subscription_is_as_narrow_as_the_token_that_made_it(node: Node, police: Desk) -> None:
    subscribe(node.desk(SHELTER, purpose="statistics"))
    subscribe(node.desk(SHELTER))
    police.publish(missing_child())
    node.sequence()
    dispatch = Dispatch(node)

    dispatch.queue()

    assert [one.subscription.purpose for one in dispatch.take()] == [None]


def test_another_address_has_to_be_proven_anew(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    version = shown(shelter, subscription)["version"]

    told = {name: value for name, value in HOOK.items() if name != "channel"} | {"address": f"{URL}2"}
    answer = shelter.put(f"/v1/subscriptions/{subscription}", told, version)

    assert answer.status_code == 200, answer.text
    assert answer.get_json()["state"] == "pending"
    assert [one.claim.kind for one in Dispatch(node).take()] == ["verification"]


def test_what_came_while_it_was_paused_is_told_when_it_goes_on(node: Node, police: Desk, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "paused"})
    police.publish(missing_child())
    node.sequence()
    dispatch.queue()
    meanwhile = dispatch.take()

    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "enabled"})

    assert meanwhile == []
    assert [one.claim.seq for one in dispatch.take()] == [1]


def test_what_came_while_it_was_disabled_can_be_recovered(node: Node, police: Desk, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    first = police.publish(missing_child())
    node.sequence()
    dispatch.queue()
    dispatch.settle(*dispatch.take())
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "disabled"})
    second = police.publish(missing_child())
    node.sequence()
    dispatch.queue()
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "enabled"})

    answer = shelter.post(
        f"/v1/subscriptions/{subscription}/recovery",
        {"since": (node.clock() - timedelta(hours=1)).isoformat()},
    )

    assert answer.get_json() == {"queued": 1, "more": False}
    assert [(str(one.claim.event), one.claim.seq) for one in dispatch.take()] == [(second, 2)]
    assert first != second


@pytest.mark.parametrize("end", ["located", "cancelled"])
def test_of_an_alert_that_is_over_its_end_alone_is_recovered(node: Node, police: Desk, shelter: Desk, end: str) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "disabled"})
    police.publish(missing_child(subject="s"))
    last = police.publish(missing_child(end, subject="s", minutes=1))
    node.sequence()
    dispatch.queue()
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "enabled"})

    answer = shelter.post(f"/v1/subscriptions/{subscription}/recovery", {"since": "2020-01-01T00:00:00Z"})

    assert answer.get_json() == {"queued": 1, "more": False}
    assert [(str(one.claim.event), one.claim.seq) for one in dispatch.take()] == [(last, 1)]


def test_a_number_that_never_came_is_told_apart_by_what_became_of_it(node: Node, police: Desk, shelter: Desk) -> None:
    """Given an alert that has ended before it was told, and one that was given up, when asked, then it says so."""
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    for verb, subject in (("issued", "s"), ("located", "s"), ("issued", "t")):
        police.publish(missing_child(verb, subject=subject, minutes=verb == "located"))
        node.sequence()
        dispatch.queue()
    came, lost = dispatch.take()
    dispatch.settle(came)
    dispatch.settle(lost, state="failed", code="http-500")

    told = shelter.get(f"/v1/subscriptions/{subscription}/deliveries").get_json()["deliveries"]

    assert [(one["seq"], one["state"]) for one in reversed(told)] == [
        (1, "overtaken"),
        (2, "delivered"),
        (3, "failed"),
    ]
    assert shown(shelter, subscription)["seq"] == 3


def test_a_preview_shows_what_would_have_been_told_and_nothing_else(node: Node, police: Desk, shelter: Desk) -> None:
    here = police.publish(missing_child())
    police.publish(missing_child("updated", status="test"))
    police.publish(missing_child(label={"tlp": "red", "audience": ["us-ca-sheriff"]}))
    node.sequence()

    answer = shelter.post("/v1/subscriptions/preview", {"filter": {"types": ["alert.*"]}})

    assert [one["id"] for one in answer.get_json()["events"]] == [here]
    assert node.rows("SELECT object, projections FROM audit WHERE object ~ 'preview'") == [
        ("pointer.preview", ["pointer"])
    ]


def test_an_agency_has_so_many_and_no_more(shelter: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.subscriptions.MOST", 1)
    subscribe(shelter)

    answer = shelter.post("/v1/subscriptions", HOOK)

    assert answer.status_code == 409


def test_what_is_removed_is_told_nothing_any_more(node: Node, police: Desk, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    police.publish(missing_child())
    node.sequence()
    dispatch.queue()

    answer = shelter.node.app.test_client().delete(f"/v1/subscriptions/{subscription}", headers=shelter.headers)

    assert answer.status_code == 204
    assert dispatch.take() == []


def test_an_address_is_in_no_entry_of_the_audit(node: Node, shelter: Desk) -> None:
    subscribe(shelter, channel="email", address="duty.officer@shelter.example")

    assert "duty.officer" not in str(node.rows("SELECT a FROM audit a"))


def test_a_verification_that_was_held_goes_on_with_the_rest(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    shelter.post(f"/v1/subscriptions/{subscription}/verification", {})
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "paused"})

    answer = shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "enabled"})

    assert answer.status_code == 200
    assert [one.claim.kind for one in Dispatch(node).take()] == ["verification"]


def move(desk: Desk, subscription: UUID, to: str) -> TestResponse:
    """Its agency gives another address."""
    told = {name: value for name, value in HOOK.items() if name != "channel"} | {"address": to}
    return desk.put(f"/v1/subscriptions/{subscription}", told, shown(desk, subscription)["version"])


def test_what_is_disabled_stays_so_at_another_address_until_it_is_enabled(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "disabled"})

    moved = move(shelter, subscription, f"{URL}2").get_json()
    meanwhile = Dispatch(node).take()
    enabled = shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "enabled"}).get_json()

    assert (moved["state"], moved["reason"]) == ("disabled", "unproven")
    assert meanwhile == []
    assert enabled["state"] == "pending"
    assert [one.claim.kind for one in Dispatch(node).take()] == ["verification"]


def test_what_waits_for_a_paused_one_is_not_lost_to_another_address(shelter: Desk) -> None:
    subscription = subscribe(shelter)
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "paused"})

    answer = move(shelter, subscription, f"{URL}2")

    assert answer.status_code == 409
    assert "would be lost" in answer.get_json()["detail"]


def test_a_disabled_one_is_sent_no_verification(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "disabled"})

    answer = shelter.post(f"/v1/subscriptions/{subscription}/verification", {})

    assert answer.status_code == 409
    assert Dispatch(node).take() == []


@pytest.mark.parametrize(("act", "told"), [("verification", {}), ("recovery", {"since": "2026-01-01T00:00:00Z"})])
def test_nothing_is_sent_to_a_topic(node: Node, shelter: Desk, act: str, told: dict[str, str]) -> None:
    topic = subscribe(shelter, proven=False, channel="kafka", address="")

    answer = shelter.post(f"/v1/subscriptions/{topic}/{act}", told)

    assert answer.status_code == 409
    assert node.rows("SELECT count(*) FROM delivery") == [(0,)]
