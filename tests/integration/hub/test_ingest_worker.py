"""Kafka to PostgreSQL: what a record becomes, and that nothing in it stops the topic."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaProducer

from schemas import wire
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.events import ack, label_changed, note, recalled
from tests.support.kafka_clients import producer
from tests.support.node import Node, missing_child, stamp
from tests.support.services import Broker
from tests.support.waiting import until
from tests.support.working import Working

PREFIX = "ingest."
TOPIC = wire.in_topic(POLICE.id, PREFIX)


@pytest.fixture(scope="module")
def works(postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node whose workers all run."""
    node = Node(postgres_of_module)
    working = Working(node, kafka, PREFIX)
    working.start()
    try:
        yield working
    finally:
        working.stop()
        node.close()


@pytest.fixture(scope="module")
def police(works: Working) -> Iterator[KafkaProducer]:
    """The producer of POLICE, once its topic is there."""
    works.admitted(POLICE)
    with producer(works.login(POLICE.id)) as opened:
        yield opened


def deal_with(works: Working, police: KafkaProducer, *records: Any) -> int:
    """POLICE sends records and they are dealt with; the offset of the last."""
    values = [wire.encode(record) if isinstance(record, dict) else record for record in records]
    offset = works.send_with(police, POLICE, *values)
    works.ingested(POLICE, offset)
    return offset


def hub_id(node: Node, event: dict[str, Any]) -> str | None:
    found = node.rows("SELECT hub_id::text FROM event WHERE source = %s AND id = %s", event["source"], event["id"])
    return found[0][0] if found else None


def rejection(node: Node, offset: int, topic: str = TOPIC) -> tuple[Any, ...]:
    """(agency, code, path of the first flaw, id of the event) of the record at this offset."""
    (row,) = node.rows(
        'SELECT agency, code, flaws, event_id FROM rejection WHERE topic = %s AND partition = 0 AND "offset" = %s',
        topic,
        offset,
    )
    return row[0], row[1], json.loads(row[2])[0]["path"], row[3]


def test_a_record_becomes_an_event_and_its_offset_is_kept_with_it(works: Working, police: KafkaProducer) -> None:
    event = missing_child()

    offset = deal_with(works, police, event)

    assert works.node.desk(POLICE).event(str(hub_id(works.node, event)))
    assert works.node.rows("SELECT next_offset FROM kafka_offset WHERE topic = %s", TOPIC) == [(offset + 1,)]


def test_it_reaches_its_readers_as_one_published_over_http_does(works: Working, police: KafkaProducer) -> None:
    event = missing_child()

    deal_with(works, police, event)

    found = works.node.desk(SHELTER).event(str(hub_id(works.node, event)))
    assert found is not None
    assert (found["projection"], found["grant"]) == ("partner", "police-to-shelter")


def test_a_batch_keeps_its_order(works: Working, police: KafkaProducer) -> None:
    events = [missing_child(subject="in order") for _ in range(30)]

    deal_with(works, police, *events)

    stored = works.node.rows("SELECT id FROM event WHERE subject = 'in order' ORDER BY hub_id")
    assert [row[0] for row in stored] == [event["id"] for event in events]


POISON: dict[str, tuple[Any, str, str]] = {
    "half a document": (b'{"id":', "json", ""),
    "nothing": (b"", "empty-record", ""),
    "a tombstone": (None, "empty-record", ""),
    "spaces": (b"  \n ", "json-empty", ""),
    "a wrong schema": (missing_child(status="real"), "unknown-code", "/status"),
    "an unknown type": (missing_child(type="alert.missing_child.lost"), "unknown-type", "/type"),
    "not an object": (b"[]", "not-an-object", ""),
    "one member twice": (b'{"id":"a","id":"b"}', "json-duplicate-member", ""),
    "U+0000": (b'{"id":"a\\u0000b"}', "json-bad-character", ""),
    "raw zero bytes": (b"\x00" * 100, "json", ""),
    "not UTF-8": (b'{"a":"\xff"}', "json-encoding", ""),
    "a tower": (b"[" * 5000 + b"]" * 5000, "json-too-deep", ""),
    "an unfinished tower": (b"[" * 200_000, "json-too-many", ""),
    "a heap": (b"[" + b"0," * 100_000 + b"0]", "json-too-many", ""),
    "over the limit": (b'"' + b"x" * 263_000 + b'"', "json-too-big", ""),
    "compressed by hand": (gzip.compress(b"{}" * 1000), "json-encoding", ""),
    "another agency's": (missing_child(source=SHELTER.id), "denied", ""),
    "a place beyond its authority": (missing_child(jurisdictions=["US-TX"]), "denied", ""),
}


@pytest.mark.parametrize(("record", "code", "path"), POISON.values(), ids=POISON.keys())
def test_poison_is_refused_with_its_reason_and_what_follows_is_read(
    works: Working, police: KafkaProducer, record: Any, code: str, path: str
) -> None:
    following = missing_child()

    offset = deal_with(works, police, record, following) - 1

    assert rejection(works.node, offset)[:3] == (POLICE.id, code, path)
    assert hub_id(works.node, following)


def test_a_compressed_bomb_is_refused_and_what_follows_is_read(works: Working) -> None:
    bomb = works.send(POLICE, bytes(20 << 20), compression_type="gzip", max_request_size=30 << 20)
    following = missing_child()

    works.deal_with(POLICE, following)

    assert rejection(works.node, bomb)[:3] == (POLICE.id, "too-large", "")
    assert hub_id(works.node, following)


def test_a_compressed_batch_is_read(works: Working) -> None:
    events = [missing_child() for _ in range(5)]

    works.deal_with(POLICE, *events, compression_type="gzip", linger_ms=100)

    assert all(hub_id(works.node, event) for event in events)


def test_the_same_record_again_has_no_second_effect(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    deal_with(works, police, event, event)

    deal_with(works, police, event)

    assert works.node.rows("SELECT count(*) FROM event WHERE id = %s", event["id"]) == [(1,)]
    assert works.node.rows("SELECT count(*) FROM rejection WHERE event_id = %s", event["id"]) == [(0,)]


def test_what_came_over_http_may_come_over_kafka_too(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    published = works.node.desk(POLICE).publish(event)

    deal_with(works, police, event)

    assert hub_id(works.node, event) == published
    assert works.node.desk(POLICE).post("/v1/events", event).status_code == 200


def test_the_same_id_with_another_body_is_a_conflict_its_sender_sees(works: Working, police: KafkaProducer) -> None:
    event, other = missing_child(), missing_child()
    deal_with(works, police, event)

    offset = deal_with(works, police, other | {"id": event["id"]})

    assert rejection(works.node, offset) == (POLICE.id, "conflict", "/id", event["id"])
    (seen,) = [one for one in _rejections(works) if one["event_id"] == event["id"]]
    assert (seen["channel"], seen["topic"], seen["partition"], seen["offset"]) == ("kafka", TOPIC, 0, offset)


def test_a_conflict_within_one_batch_is_seen_too(works: Working, police: KafkaProducer) -> None:
    event = missing_child()

    offset = deal_with(works, police, event, missing_child(id=event["id"]), event)

    assert rejection(works.node, offset - 1)[1] == "conflict"
    assert works.node.rows("SELECT count(*) FROM rejection WHERE event_id = %s", event["id"]) == [(1,)]


def _rejections(works: Working) -> list[dict[str, Any]]:
    return list(works.node.desk(POLICE).get("/v1/rejections", limit=500).get_json()["rejections"])


def test_a_sender_is_told_over_kafka_which_record_it_was(works: Working, police: KafkaProducer) -> None:
    offset = deal_with(works, police, b"told over Kafka")

    (told,) = [one for one in works.told(POLICE, least=1) if json.loads(one.value)["offset"] == offset]

    said = json.loads(told.value)
    assert (said["topic"], said["partition"], said["code"], said["agency"]) == (TOPIC, 0, "json", POLICE.id)
    assert said["sha256"] == hashlib.sha256(b"told over Kafka").hexdigest()
    assert said["flaws"][0]["text"].keys() == {"en", "es"}
    assert told.key == str(said["no"]).encode()


def test_another_agency_cannot_take_an_id(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    topic = wire.in_topic(STRANGER.id, PREFIX)

    offset = works.deal_with(STRANGER, event)

    assert rejection(works.node, offset, topic)[:2] == (STRANGER.id, "denied")
    assert hub_id(works.node, event) is None
    deal_with(works, police, event)
    assert hub_id(works.node, event)


def answer_to(event_id: str, source: Any, subject: str) -> dict[str, Any]:
    label = {"tlp": "amber+strict", "audience": [POLICE.id]}
    places = list(source.jurisdictions)
    usual = {"id": f"ack-{event_id}", "source": source.id, "subject": subject, "jurisdictions": places}
    return ack("read", data={"event": event_id}, label=label, time=stamp(1), **usual)


def test_an_answer_over_kafka_reaches_the_source(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    deal_with(works, police, event)
    answered = answer_to(str(hub_id(works.node, event)), SHELTER, event["subject"])

    works.deal_with(SHELTER, answered)

    assert works.node.desk(POLICE).event(str(hub_id(works.node, answered)))


def test_an_answer_to_what_cannot_be_seen_is_refused_like_one_to_nothing(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    deal_with(works, police, event)
    hidden = answer_to(str(hub_id(works.node, event)), STRANGER, event["subject"])
    nothing = answer_to("019ec1f0-7c3a-7e55-8c1b-0242ac120002", STRANGER, event["subject"])

    last = works.deal_with(STRANGER, hidden, nothing)

    topic = wire.in_topic(STRANGER.id, PREFIX)
    seen = [rejection(works.node, offset, topic)[:3] for offset in (last - 1, last)]
    assert seen[0] == seen[1] == (STRANGER.id, "denied", "/data/event")


def test_a_note_over_kafka_reaches_the_source(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    deal_with(works, police, event)
    usual = {"id": f"note-{event['id']}", "source": SHELTER.id, "subject": event["subject"], "jurisdictions": ["US-CA"]}
    label = {"tlp": "amber+strict", "audience": [POLICE.id]}
    asked = note("question", data={"event": hub_id(works.node, event)}, label=label, time=stamp(1), **usual)

    works.deal_with(SHELTER, asked)

    assert works.node.desk(POLICE).event(str(hub_id(works.node, asked)))


def test_a_recall_over_kafka_takes_effect_among_other_records_and_twice_is_once(
    works: Working, police: KafkaProducer
) -> None:
    event, other = missing_child(), missing_child()
    deal_with(works, police, event)
    issued = str(hub_id(works.node, event))
    assert works.node.desk(SHELTER).event(issued)
    usual = {"subject": event["subject"], "time": stamp(1)}
    recall, again = (recalled(id=f"{name}-{issued}", data={"event": issued}, **usual) for name in ("a", "b"))

    deal_with(works, police, other, recall, recall, again, missing_child("updated", subject=other["subject"]))

    shelter = works.node.desk(SHELTER)
    assert shelter.event(issued) is None
    assert shelter.event(str(hub_id(works.node, other)))
    assert [hub_id(works.node, one) is None for one in (recall, again)] == [False, True]
    news = str(hub_id(works.node, recall))
    until(lambda: (shelter.event(news) or {}).get("projection") == "notice", what="the news")


def test_labels_over_kafka_are_tightened_in_their_order_and_loosening_is_told_to_the_sender(
    works: Working, police: KafkaProducer
) -> None:
    event = missing_child()
    deal_with(works, police, event)
    issued = str(hub_id(works.node, event))
    amber, green = ({"tlp": tlp, "rel_to": ["US"]} for tlp in ("amber", "green"))
    changes = [
        label_changed(label, id=f"{tlp}-{issued}", subject=event["subject"], time=stamp(1), data={"event": issued})
        for tlp, label in (("amber", amber), ("green", green))
    ]

    last = deal_with(works, police, *changes)

    found = works.node.desk(POLICE).event(issued)
    assert found is not None
    assert found["event"]["label"] == amber
    assert rejection(works.node, last)[:3] == (POLICE.id, "denied", "/data/event")
    assert works.node.rows('SELECT count(*) FROM rejection WHERE "offset" = %s AND topic = %s', last - 1, TOPIC) == [
        (0,)
    ]


def test_a_recall_of_anothers_event_is_refused_like_one_of_nothing(works: Working, police: KafkaProducer) -> None:
    event = missing_child()
    deal_with(works, police, event)
    issued = str(hub_id(works.node, event))
    usual = {"source": STRANGER.id, "jurisdictions": ["US-TX"], "time": stamp(1), "subject": event["subject"]}
    hidden, nothing = (
        recalled(id=f"recall-{one}", data={"event": one}, **usual)
        for one in (issued, "019ec1f0-7c3a-7e55-8c1b-0242ac120002")
    )

    last = works.deal_with(STRANGER, hidden, nothing)

    topic = wire.in_topic(STRANGER.id, PREFIX)
    seen = [rejection(works.node, offset, topic)[:3] for offset in (last - 1, last)]
    assert seen[0] == seen[1] == (STRANGER.id, "denied", "/data/event")
    assert works.node.desk(POLICE).event(issued)


def test_refusals_of_the_policy_are_on_record(works: Working, police: KafkaProducer) -> None:
    deal_with(works, police, missing_child(jurisdictions=["US-TX:48141"]))

    last = works.node.rows("SELECT agency, client, reason FROM audit WHERE NOT is_allowed ORDER BY no DESC LIMIT 1")
    assert last == [(POLICE.id, f"kafka:{POLICE.id}", "outside the agency's authorised area: US-TX:48141")]
