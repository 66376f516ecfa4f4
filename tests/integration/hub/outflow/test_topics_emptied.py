"""What an agency may not read any more, or wants no more, is in its topic no longer."""

from __future__ import annotations

import json
from datetime import timedelta

from hub.directory import Standing
from hub.grants import Selector
from hub.store import agencies
from hub.store import subscriptions as stored_subscriptions
from tests.support.node import Desk, missing_child
from tests.support.outflowing import KAFKA, Outs, Reader, disclosed, headers, item
from tests.support.subscribing import subscribe
from tests.support.working import Working

NAME = "Ximena"


def suspend(reader: Reader, standing: Standing = Standing.SUSPENDED) -> None:
    with reader.outs.works.node.database() as conn:
        agencies.set_standing(conn, reader.agency.id, standing)


def state(reader: Reader, wanted: str) -> None:
    answer = reader.desk.post(f"/v1/subscriptions/{reader.subscription}/state", {"state": wanted})
    assert answer.status_code == 200, answer.text


def test_a_revoked_grant_takes_its_records_with_it(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-revoked")
    published = police.publish(missing_child())
    reader.has(published)

    outs.take("us-ca-revoked")

    reader.has()


def test_what_may_still_be_read_comes_again(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-half", types=("alert.missing_child.issued",))
    outs.give("half-updates", reader=Selector(agency=reader.agency.id), types=("alert.missing_child.updated",))
    stays = police.publish(missing_child())
    goes = police.publish(missing_child("updated"))
    reader.has(stays, goes)

    outs.take("half-updates")

    (record,) = reader.has(stays)
    assert (headers(record)["again"], headers(record)["seq"]) == ("1", "3")
    assert disclosed(reader) == [stays, goes, stays]
    reader.opened()
    assert not reader.is_refused()


def test_a_grant_that_ends_by_itself_takes_its_records_with_it(outs: Outs, works: Working, police: Desk) -> None:
    soon = works.node.clock() + timedelta(seconds=8)
    reader = outs.join("us-ca-brief", valid_until=soon)
    reader.has(police.publish(missing_child()))

    reader.has()


def test_who_is_suspended_reads_nothing_more(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-outcast")
    published = police.publish(missing_child())
    reader.has(published)

    suspend(reader)

    reader.closed()
    reader.has()
    assert reader.is_refused()


def test_who_is_reinstated_finds_what_it_had_not_read(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-returns")
    before = police.publish(missing_child())
    reader.has(before)
    suspend(reader)
    reader.has()
    meanwhile = police.publish(missing_child())

    suspend(reader, Standing.ACTIVE)

    assert ["again" in headers(one) for one in reader.has(before, meanwhile)] == [True, False]
    reader.opened()


def test_a_tighter_label_takes_the_name_out_of_the_topic(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-tight")
    event = missing_child()
    hub_id = police.publish(event)
    assert NAME in reader.has(hub_id)[0].value.decode()

    label = event["label"] | {"marks": {"/data/child": "enforcement"}}
    answer = police.post(f"/v1/events/{hub_id}/label", {"reason": "safety", "label": label})

    assert answer.status_code == 201, answer.text
    records = reader.has(hub_id, answer.get_json()["id"])
    assert [NAME in json.dumps(item(one)["event"]["data"].get("child", {})) for one in records] == [False, False]


def test_a_recalled_event_is_gone_and_its_reader_told(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-recalled")
    hub_id = police.publish(missing_child())
    reader.has(hub_id)

    recall = police.post(f"/v1/events/{hub_id}/recall", {"reason": "wrong-person"}).get_json()["id"]

    (record,) = reader.has(recall)
    assert (item(record)["projection"], NAME in record.value.decode()) == ("notice", False)


def test_what_lapses_with_an_alert_is_gone_with_its_end(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-lapse")
    hub_id = police.publish(missing_child(subject="lapsing"))
    assert NAME in reader.has(hub_id)[0].value.decode()

    end = police.publish(missing_child("located", minutes=1, subject="lapsing"))

    records = reader.has(hub_id, end)
    assert [item(one)["projection"] for one in records] == ["partner~", "partner~"]
    assert not any(NAME in one.value.decode() for one in records)


def test_who_wants_it_no_more_has_neither_right_nor_records(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-leaves")
    reader.has(police.publish(missing_child()))

    assert reader.desk.node.app.test_client().delete(
        f"/v1/subscriptions/{reader.subscription}", headers=reader.desk.headers
    ).status_code in (200, 204)

    reader.closed()
    reader.has()


def test_another_subscription_begins_anew(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-anew")
    reader.has(police.publish(missing_child()))
    with outs.works.node.database() as conn:
        stored_subscriptions.remove(conn, reader.subscription)
    subscribe(reader.desk, **KAFKA)
    reader.has()

    reader.has(police.publish(missing_child()))


def test_what_comes_while_it_is_paused_waits(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-pauses")
    first = police.publish(missing_child())
    reader.has(first)
    state(reader, "paused")
    reader.has()
    second = police.publish(missing_child())

    state(reader, "enabled")

    reader.has(first, second)


def test_what_comes_while_it_is_disabled_is_passed_over(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-idles")
    reader.has(police.publish(missing_child()))
    state(reader, "disabled")
    reader.has()
    police.publish(missing_child())
    outs.settled()

    state(reader, "enabled")
    reader.opened()

    reader.has(police.publish(missing_child()))
