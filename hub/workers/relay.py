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
from functools import partial
from typing import TYPE_CHECKING, Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from hub.errors import Unavailable
from hub.rendering import CROSSED, render
from hub.store import Connection, connect, log, rejections
from hub.workers import feedback, last_records, topics
from hub.workers.outlet import Outgoing, Outlet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hub.stored import Stored

logger = logging.getLogger(__name__)

BATCH = 500
LEASE_MS = 10_000  # longer than the outlet waits for an acknowledgement: who waits longer is deposed, and knows it
PAUSE_S = 0.02
HEADER = "position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What the worker is given; `kafka` are the connection settings of a kafka-python client."""

    database_url: str
    kafka: dict[str, Any]
    node: str
    prefix: str

    def topic(self, event_type: str, status: str) -> str:
        """`alert.v1`, `case.v1` and so on; what is not real has topics of its own, e.g. `alert.exercise.v1`."""
        kind = event_type.partition(".")[0]
        return f"{self.prefix}{topics.name(kind, status)}"


class TopicsMissing(Exception):
    """The reconciler has yet to make the topics that the relay writes."""


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
                    _lead(relay, conn, *led, stopping)
                finally:
                    log.drop_lease(conn, "relay", me)
        except log.Deposed:
            logger.warning("deposed")
        except (Unavailable, KafkaError, TopicsMissing) as error:
            logger.warning("relay waits: %s", type(error).__name__)
            time.sleep(1.0)


def _lead(relay: Relay, conn: Connection, leader: log.Leader, position: int, stopping: Callable[[], bool]) -> None:
    sent = _last_positions(relay)
    move = partial(log.move_lease, conn, leader, lease_ms=LEASE_MS)
    with Outlet(relay.kafka) as outlet:
        told = rejections.told(conn)
        renew_at_s = 0.0
        while not stopping():
            rows = log.since(conn, position, limit=BATCH)
            outlet.send(_records(relay, outlet, rows, sent), partial(move, position=position))
            position = rows[-1][0].position or position if rows else position
            if rows or time.monotonic() > renew_at_s:
                move(position=position)
                renew_at_s = time.monotonic() + LEASE_MS / 4000
            told = feedback.tell(conn, outlet, told, relay.prefix)
            if len(rows) < BATCH:
                # A moment's events go out together: one by one, each costs the broker several times as much.
                time.sleep(PAUSE_S)


def _records(
    relay: Relay, outlet: Outlet, rows: Sequence[tuple[Stored, str]], sent: dict[tuple[str, int], int]
) -> Iterator[Outgoing]:
    """
    The events of `rows` that are not in their partition yet; what was taken back meanwhile never gets there.

    Copies from another node stay out: what their originator takes back could not be taken back from a topic.
    """
    for row, status in rows:
        if row.projection_version == CROSSED:
            continue
        topic = relay.topic(row.type, status)
        key, position = row.subject.encode(), row.position or 0
        partition = outlet.partition(topic, key)
        if position > sent.get((topic, partition), 0) and row.recalled_at is None:
            headers = ((HEADER, str(position).encode()), ("id", str(row.hub_id).encode()))
            value = render(row, "full").encode()
            yield Outgoing(topic=topic, partition=partition, key=key, value=value, headers=headers)


def _last_positions(relay: Relay) -> dict[tuple[str, int], int]:
    """
    The position of the last record in each partition of the relay's topics.

    Raises:
        TopicsMissing: they are not all there; without this, what one of them holds would go unseen and be sent again.
    """
    with closing(last_records.reader(relay.kafka)) as consumer:
        parts = {topic: consumer.partitions_for_topic(topic) for topic in topics.shared_topics(relay.prefix)}
        if not all(parts.values()):
            raise TopicsMissing
        wanted = [TopicPartition(topic, part) for topic, held in parts.items() for part in held or ()]
        found = last_records.headers(consumer, wanted)
    return {(place.topic, place.partition): int(held.get(HEADER, b"0")) for place, held in found.items()}
