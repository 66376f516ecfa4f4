"""Kafka to PostgreSQL: poll, accept a batch with its offset, go on. What the bytes mean is decided elsewhere."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError

from hub.batches import Batch, Record, accept_batch
from hub.errors import Unavailable
from hub.store import Connection, agencies, connect, offsets
from hub.workers import unpacking
from hub.workers.opening import opened
from schemas import wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hub.picture import Picture
    from schemas.texts import Text

logger = logging.getLogger(__name__)

RETRY_S = 1.0
CLOSE_MS = 1500
IDLE_S = 0.2
POLL_MS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What the worker is given; `kafka` are the connection settings of a kafka-python client."""

    database_url: str
    kafka: dict[str, Any]
    node: str
    prefix: str
    batch: int
    picture: Picture
    now: Callable[[], datetime]
    poll_ms: int = POLL_MS


def run(ingest: Ingest, stopping: Callable[[], bool]) -> None:
    """Ingest until told to stop; a lost database or broker is waited for, and only what committed counts."""
    unpacking.bound()
    while not stopping():
        try:
            with connect(ingest.database_url, name="puente-ingest") as conn:
                ingest.picture.refresh(conn)
                _run(ingest, conn, stopping)
        except (Unavailable, KafkaError) as error:
            logger.warning("ingest waits: %s", type(error).__name__)
            time.sleep(RETRY_S)


def _run(ingest: Ingest, conn: Connection, stopping: Callable[[], bool]) -> None:
    consumer = opened(
        KafkaConsumer,
        **ingest.kafka,
        group_id=f"{ingest.node}-node.ingest",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # what was lost to retention is told to its sender (hub/batches.py)
        isolation_level="read_committed",
        allow_auto_create_topics=False,
        max_poll_records=ingest.batch,
        max_partition_fetch_bytes=4 << 20,
        metadata_max_age_ms=5000,
        # A worker that was killed holds up its partitions for so long: the shortest that brokers allow.
        session_timeout_ms=6000,
        heartbeat_interval_ms=1500,
        max_poll_interval_ms=60_000,  # the watchdog's patience
    )
    try:
        listener = _FromStoredOffsets(consumer, conn)
        topics: frozenset[str] = frozenset()
        while not stopping():
            topics = _follow_directory(ingest, conn, consumer, listener, topics)
            if not topics:
                time.sleep(IDLE_S)
                continue
            _remember_joining(consumer)
            for partition, records in consumer.poll(timeout_ms=ingest.poll_ms).items():
                _accept(ingest, conn, consumer, partition, records)
    finally:
        # Its goodbye waits behind a rebalance, and that one for members who are gone.
        consumer.close(timeout_ms=CLOSE_MS)


def _follow_directory(
    ingest: Ingest, conn: Connection, consumer: KafkaConsumer, listener: _FromStoredOffsets, topics: frozenset[str]
) -> frozenset[str]:
    """
    Subscribe to the topics of all agencies, suspended ones too: what they had sent before is still to be refused.

    By name, from the directory: a pattern subscription of kafka-python does not see topics made after it (3.0.12).
    """
    view = ingest.picture.view
    if topics and agencies.version_of(conn) == view.rules.directory.version:
        return topics
    view = ingest.picture.refresh(conn)
    here = (one.id for one in view.rules.directory.agencies.values() if one.peer is None)
    wanted = frozenset(wire.in_topic(agency, ingest.prefix) for agency in here)
    if wanted != topics and wanted:
        consumer.subscribe(topics=sorted(wanted), listener=listener)
        logger.info("reads the topics of %d agencies", len(wanted))
    return wanted


def _remember_joining(consumer: KafkaConsumer) -> None:
    """
    See to it that the group is joined in the end, however many polls that takes.

    kafka-python 3.0.12 forgets a join that outlives the poll that began it, if new topics or a new subscription were
    the reason: it stays without partitions and without heartbeats for good, and says nothing. Joining takes two
    answers of the broker, and on a busy machine they take longer than a poll.
    """
    coordinator = consumer._coordinator
    if coordinator.rejoining:
        coordinator.request_rejoin()


def _accept(
    ingest: Ingest, conn: Connection, consumer: KafkaConsumer, partition: TopicPartition, records: list[Any]
) -> None:
    agency = wire.agency_of(partition.topic, ingest.prefix)
    if agency is None:  # matched the pattern and is nobody's: the broker's ACLs let only the node create topics
        logger.error("a topic of no agency: %s", partition.topic)
        return
    batch = Batch(
        topic=partition.topic,
        partition=partition.partition,
        agency=agency,
        records=[Record(record.offset, record.value, _unread(record.value)) for record in records],
        start=offsets.next_offset(conn, partition.topic, partition.partition),
        end=records[-1].offset + 1,
    )
    if batch.start > records[0].offset:  # another worker had read on before this one took over
        consumer.seek(partition, batch.start)
        return
    try:
        outcome = accept_batch(conn, ingest.picture, batch, ingest.now())
    except offsets.Overtaken:
        consumer.seek(partition, offsets.next_offset(conn, partition.topic, partition.partition))
        return
    logger.debug("%s/%s to %s: %s", partition.topic, partition.partition, batch.end, outcome)


def _unread(value: object) -> Text | None:
    return value.reason if isinstance(value, unpacking.Unread) else None


class _FromStoredOffsets(ConsumerRebalanceListener):
    """
    Every assignment starts where PostgreSQL says; Kafka's own committed offsets are not used.

    kafka-python calls this from its network thread, where asking the broker would block for ever; so a partition
    that was never read is left to `auto_offset_reset`, and a gap shows when its first record arrives.
    """

    def __init__(self, consumer: KafkaConsumer, conn: Connection) -> None:
        self._consumer = consumer
        self._conn = conn

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to hand over: a batch is either committed with its offset or not at all."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seek to the stored offsets."""
        for partition in assigned:
            stored = offsets.next_offset(self._conn, partition.topic, partition.partition)
            if stored > 0:
                self._consumer.seek(partition, stored)
