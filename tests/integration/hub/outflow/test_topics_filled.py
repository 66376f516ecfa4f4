"""Topics that agencies read: to each what the feed would give it, from when it wants it on, and to nobody else."""

from __future__ import annotations

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from hub.workers.topics import out_topic
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, missing_child
from tests.support.outflowing import Outs, disclosed, headers, item
from tests.support.working import Working

CANARY = "Kanari7Q"


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
