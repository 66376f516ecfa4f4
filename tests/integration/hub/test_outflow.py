"""Topics that agencies read: to each what the feed would give it, once, and nothing that it may not read any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from hub import outflow
from hub.directory import Standing
from hub.grants import Selector
from hub.picture import Picture
from hub.store import agencies, log
from hub.store import outflow as stored
from hub.store import subscriptions as stored_subscriptions
from hub.workers.topics import out_topic
from tests.support import cast
from tests.support.cast import POLICE, SHELTER
from tests.support.kafka_clients import write
from tests.support.node import Desk, Node, missing_child
from tests.support.outflowing import KAFKA, SOON_S, Outs, Reader, headers, item
from tests.support.services import Broker
from tests.support.subscribing import subscribe
from tests.support.waiting import until
from tests.support.working import Working

CANARY = "Kanari7Q"
NAME = "Ximena"


@pytest.fixture(scope="module")
def works(postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node with everything that a topic to read takes."""
    node = Node(postgres_of_module)
    working = Working(node, kafka, "outflow.")
    working.start("sequencer", "reconciler", "outflow")
    try:
        yield working
    finally:
        working.stop()
        node.close()


@pytest.fixture(scope="module")
def outs(works: Working) -> Outs:
    return Outs(works)


@pytest.fixture
def police(works: Working) -> Desk:
    return works.node.desk(POLICE)


def disclosed(reader: Reader) -> list[str]:
    """The events that entries say went into a topic, in order."""
    rows = reader.outs.works.node.rows(
        "SELECT unnest(events)::text FROM audit WHERE agency = %s AND object = 'kafka' ORDER BY no",
        reader.agency.id,
    )
    return [event for (event,) in rows]


def suspend(reader: Reader, standing: Standing = Standing.SUSPENDED) -> None:
    with reader.outs.works.node.database() as conn:
        agencies.set_standing(conn, reader.agency.id, standing)


def test_a_record_is_the_item_of_the_feed(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-reads")
    event = missing_child(data={"suspects": [{"name": {"given": CANARY, "paternal_surname": "Doe"}}]})
    hub_id = police.publish(event)

    (record,) = reader.told(1)

    assert item(record) == reader.desk.event(hub_id) == reader.desk.feed()[0]
    assert (item(record)["projection"], CANARY in record.value.decode()) == ("partner", False)
    assert record.key.decode() == event["subject"]
    assert (headers(record)["id"], headers(record)["type"], headers(record)["seq"]) == (hub_id, event["type"], "1")


def test_its_cursor_goes_on_in_the_feed(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-switches")
    first, second = police.publish(missing_child()), police.publish(missing_child())

    record, _ = reader.has(first, second)

    assert [one["id"] for one in reader.desk.feed(after=headers(record)["cursor"])] == [second]


def test_nobody_reads_the_topic_of_another(outs: Outs, police: Desk) -> None:
    reader, other = outs.join("us-ca-mine"), outs.join("us-ca-yours")
    police.publish(missing_child())
    reader.told(1)

    assert [reader.is_refused(by) for by in (reader.agency, other.agency, POLICE)] == [False, True, True]


def test_each_record_is_one_disclosure(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-counts")
    published = [police.publish(missing_child()) for _ in range(5)]

    reader.has(*published)

    assert disclosed(reader) == published


def test_what_waits_in_a_topic_has_not_been_read(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-unread")
    hub_id = police.publish(missing_child())
    reader.has(hub_id)

    rows = police.get(f"/v1/events/{hub_id}/receipts", limit=500).get_json()["receipts"]

    assert [row["read"] for row in rows if row["agency"] == reader.agency.id] == [None]


def test_only_what_is_wanted_comes(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-picks", wants={"changes": ["cancelled"]})
    police.publish(missing_child(subject="picked"))
    end = police.publish(missing_child("cancelled", minutes=1, subject="picked"))

    (record,) = reader.has(end)

    assert item(record)["event"]["type"] == "alert.missing_child.cancelled"


def test_what_was_there_before_the_subscription_stays_away(outs: Outs, police: Desk) -> None:
    police.publish(missing_child())
    outs.settled()
    reader = outs.join("us-ca-late")

    after = police.publish(missing_child())

    reader.has(after)


def test_what_was_put_on_record_and_not_written_is_written_once(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-crashed")
    first = police.publish(missing_child())
    reader.has(first)
    works.stop("outflow")
    second = police.publish(missing_child())
    outs.settled()
    with works.node.database() as conn:  # as if it had been killed after its commit
        picture = Picture.unread(cast.LIMITS)
        picture.refresh(conn)
        (topic,) = [one for one in stored.topics(conn) if one.agency == reader.agency.id]
        (wish,) = stored_subscriptions.some(conn, [reader.subscription]).values()
        asking = outflow.asking_for(picture, wish, works.node.clock())
        assert asking is not None
        with conn.transaction():
            outflow.go_on(conn, asking, wish.filter, topic, works.outflow().prints)

    works.start("outflow")
    third = police.publish(missing_child())

    records = reader.has(first, second, third)
    assert [headers(one)["seq"] for one in records] == ["1", "2", "3"]
    assert disclosed(reader) == [first, second, third]


def test_what_was_written_and_not_noted_is_not_written_again(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-unnoted")
    first, second = police.publish(missing_child()), police.publish(missing_child())
    reader.has(first, second)
    works.stop("outflow")
    works.node.rows("UPDATE out_topic SET sent = 0 WHERE agency = %s", reader.agency.id)

    works.start("outflow")
    third = police.publish(missing_child())

    reader.has(first, second, third)


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


def state(reader: Reader, wanted: str) -> None:
    answer = reader.desk.post(f"/v1/subscriptions/{reader.subscription}/state", {"state": wanted})
    assert answer.status_code == 200, answer.text


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


def test_an_agency_has_one_topic(outs: Outs) -> None:
    reader = outs.join("us-ca-twice")

    answer = reader.desk.post("/v1/subscriptions", {"name": "second", "channel": "kafka"})

    assert answer.status_code == 409


def test_topics_are_for_those_who_want_one_and_last_a_day(outs: Outs, works: Working) -> None:
    reader = outs.join("us-ca-lasts")

    with KafkaAdminClient(**works.login()) as admin:
        names = set(admin.list_topics())
        told = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, reader.topic)])["topic"][reader.topic]

    assert (reader.topic in names, out_topic(SHELTER.id, works.prefix) in names) == (True, False)
    assert told["retention.ms"]["value"] == "86400000"


def test_what_others_write_there_does_not_stay(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-forged")
    published = police.publish(missing_child())
    reader.has(published)

    write(outs.login(), reader.topic, b"forged")

    until(lambda: len(reader.held()) == 1 and "again" in headers(reader.held()[0]), within_s=SOON_S, what="it is gone")
    reader.has(published)


def test_a_topic_that_ends_in_something_unknown_is_written_anew(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-unknown")
    published = police.publish(missing_child())
    reader.has(published)
    works.stop("outflow")
    write(outs.login(), reader.topic, b"forged")

    works.start("outflow")

    reader.has(published)


def test_one_that_does_not_lead_writes_nothing(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-follows")
    works.stop("outflow")
    me = uuid4()
    with works.node.database() as conn:
        assert log.take_lease(conn, "outflow", me, lease_ms=60_000)
        works.start("outflow")
        police.publish(missing_child())
        outs.settled()

        assert reader.held() == []

        log.drop_lease(conn, "outflow", me)
    until(lambda: len(reader.held()) == 1, within_s=SOON_S)
