"""The log to Kafka: every event to its kind's topic, keyed by subject, and every rejection to its sender's.

The log is the outbox. The relay leads by a lease, notes how far it has come after the broker's acknowledgement, and
on taking over looks at the last record of each partition, so that what was sent and not yet noted is not sent again.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.partitioner import murmur2

from hub.errors import Unavailable
from hub.rendering import render
from hub.store import Connection, connect, log, rejections
from hub.workers import feedback, topics
from hub.workers.access import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hub.stored import Stored

logger = logging.getLogger(__name__)

BATCH = 500
LEASE_MS = 10_000
ACK_TIMEOUT_S = 8.0  # below the lease, so that a leader that waits longer is deposed and knows it
IDLE_S = 0.02
HEADER = "position"

# security.md 2: idempotence off, acks from all, one request in flight; a record is sent again until acknowledged.
PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,
    "retries": 2**31 - 1,
    "linger_ms": 5,
    "batch_size": 262_144,
    "delivery_timeout_ms": 8_000,
    "request_timeout_ms": 4_000,
    "allow_auto_create_topics": False,
    "max_request_size": 1 << 20,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What the worker is given; `kafka` are the connection settings of a kafka-python client."""

    database_url: str
    kafka: dict[str, Any]
    node: str
    prefix: str

    def topic(self, event_type: str, status: str) -> str:
        """`alert.v1`, `case.v1`, `ack.v1`; what is not real has topics of its own, e.g. `alert.exercise.v1`."""
        kind = event_type.partition(".")[0]
        return f"{self.prefix}{topics.name(kind, status)}"


def run(relay: Relay, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop; a lost database or broker is waited for."""
    me = uuid.uuid4()
    while not stopping():
        try:
            with connect(relay.database_url, name="puente-relay") as conn:
                led = log.take_lease(conn, "relay", me, lease_ms=LEASE_MS)
                if led is None:
                    time.sleep(LEASE_MS / 8000)
                    continue
                try:
                    _lead(relay, conn, _Leader(me, led[0]), led[1], stopping)
                finally:
                    log.drop_lease(conn, "relay", me)
        except log.Deposed:
            logger.warning("deposed")
        except (Unavailable, KafkaError, topics.NotProjected) as error:
            logger.warning("relay waits: %s", type(error).__name__)
            time.sleep(1.0)


@dataclass(frozen=True, slots=True)
class _Leader:
    holder: uuid.UUID
    fence: int


def _lead(relay: Relay, conn: Connection, leader: _Leader, position: int, stopping: Callable[[], bool]) -> None:
    with closing(Access(relay.kafka, relay.prefix, relay.node)) as access:
        access.keep(conn)
        sent = _last_positions(relay)
        with closing(KafkaProducer(**relay.kafka, **PRODUCER)) as producer:
            told = rejections.told(conn)
            while not stopping():
                rows = log.since(conn, position, limit=BATCH)
                _send(relay, producer, rows, sent)
                position = rows[-1][0].position or position if rows else position
                log.move_lease(conn, "relay", leader.holder, leader.fence, position=position, lease_ms=LEASE_MS)
                told = feedback.tell(conn, producer, told, relay.prefix)
                access.keep(conn)
                if not rows:
                    time.sleep(IDLE_S)


def _send(
    relay: Relay, producer: KafkaProducer, rows: Sequence[tuple[Stored, str]], sent: dict[tuple[str, int], int]
) -> None:
    """Send a batch and wait for every acknowledgement: acknowledged, or it did not happen."""
    pending = []
    for row, status in rows:
        topic = relay.topic(row.type, status)
        key, position = row.subject.encode(), row.position or 0
        partition = _partition(producer, topic, key)
        if position <= sent.get((topic, partition), 0):
            continue
        headers = [(HEADER, str(position).encode()), ("id", str(row.hub_id).encode())]
        value = render(row, "full").encode()
        pending.append(producer.send(topic, value, key=key, headers=headers, partition=partition))
    deadline = time.monotonic() + ACK_TIMEOUT_S
    for future in pending:
        future.get(timeout=max(0.001, deadline - time.monotonic()))


def _partition(producer: KafkaProducer, topic: str, key: bytes) -> int:
    """The broker's own rule for keyed records (murmur2), stated so that a takeover can look in the right place."""
    partitions = sorted(producer.partitions_for(topic))
    return int(partitions[(murmur2(key) & 0x7FFFFFFF) % len(partitions)])


def _last_positions(relay: Relay) -> dict[tuple[str, int], int]:
    """The position of the last record in each partition of the relay's topics."""
    consumer = KafkaConsumer(**relay.kafka, enable_auto_commit=False, auto_offset_reset="none", group_id=None)
    try:
        names = [f"{relay.prefix}{name}" for name in topics.SHARED]
        wanted = [TopicPartition(topic, p) for topic in names for p in consumer.partitions_for_topic(topic) or ()]
        ends = consumer.end_offsets(wanted)
        starts = consumer.beginning_offsets(wanted)
        filled = [partition for partition in wanted if ends[partition] > starts[partition]]
        consumer.assign(filled)
        for partition in filled:
            consumer.seek(partition, ends[partition] - 1)
        return _read_last(consumer, filled)
    finally:
        consumer.close()


def _read_last(consumer: KafkaConsumer, filled: Sequence[TopicPartition]) -> dict[tuple[str, int], int]:
    last: dict[tuple[str, int], int] = {}
    deadline = time.monotonic() + ACK_TIMEOUT_S
    while len(last) < len(filled) and time.monotonic() < deadline:
        for partition, records in consumer.poll(timeout_ms=200).items():
            headers = dict(records[-1].headers)
            last[partition.topic, partition.partition] = int(headers.get(HEADER, b"0"))
    return last
