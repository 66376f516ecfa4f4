"""The workers of a node, each in a thread of the test's process, on a real broker and a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from hub.directory import Agency
from hub.outflow import Fingerprint
from hub.picture import Picture
from hub.settings import WorkerSettings
from hub.workers import ingest, outflow, reconciler, relay, sequencer
from hub.workers.out_turns import Outflow
from hub.workers.rules import ANY_RULE
from hub.workers.topics import rejected_topic
from schemas import wire
from tests.support import cast
from tests.support.events import Wire
from tests.support.kafka_clients import partitions_of, producer
from tests.support.node import Node
from tests.support.services import Broker
from tests.support.waiting import PATIENCE_S, until

ALL = ("sequencer", "reconciler", "relay", "ingest")
SETTINGS = WorkerSettings(lease_ms=500)
# As `hub.main.kafka_settings` has them: how soon a broker that is back is noticed.
PATIENCE = {"bootstrap_timeout_ms": 3000, "reconnect_backoff_max_ms": 1000, "request_timeout_ms": 10_000}


class Working:
    """Workers of `node`, whose topics begin with `prefix`; one set at a time, since they share a consumer group."""

    def __init__(self, node: Node, broker: Broker, prefix: str, *, poll_ms: int = ingest.POLL_MS) -> None:
        self.node = node
        self.broker = broker
        self.prefix = prefix
        self._poll_ms = poll_ms
        self._running: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def login(self, agency: str = "us-node") -> dict[str, Any]:
        """How an agency, or the node itself, connects."""
        return self.broker.login_as(agency) | PATIENCE

    def start(self, *names: str) -> None:
        """Start workers; all of them, unless named."""
        for name in names or ALL:
            told = threading.Event()
            thread = threading.Thread(target=self._work(name), args=(told.is_set,), name=name, daemon=True)
            thread.start()
            self._running[name] = thread, told

    def stop(self, *names: str) -> None:
        """Stop workers in order; all of them, unless named."""
        stopped = [self._running.pop(name) for name in names or tuple(self._running)]
        for _, told in stopped:
            told.set()
        for thread, _ in stopped:
            thread.join(30)
            assert not thread.is_alive(), f"{thread.name} does not stop"

    def admitted(self, agency: Agency, *, within_s: float = PATIENCE_S) -> None:
        """Wait until the broker lets an agency write to its topic."""
        topic = wire.in_topic(agency.id, self.prefix)
        with KafkaAdminClient(**self.login()) as admin:

            def may_write() -> bool:
                present, _ = admin.describe_acls(ANY_RULE)
                return any(rule.resource_pattern.resource_name == topic for rule in present)

            until(may_write, within_s=within_s, what=f"the right to write {topic}")

    def _work(self, name: str) -> Callable[[Callable[[], bool]], None]:
        url = self.node.url
        if name == "sequencer":
            return lambda stopping: sequencer.run(url, SETTINGS, stopping)
        if name == "reconciler":
            follows = reconciler.Reconciler(database_url=url, kafka=self.login(), node="us", prefix=self.prefix)
            return lambda stopping: reconciler.run(follows, stopping)
        if name == "relay":
            told = relay.Relay(database_url=url, kafka=self.login(), node="us", prefix=self.prefix)
            return lambda stopping: relay.run(told, stopping)
        if name == "outflow":
            return lambda stopping: outflow.run(self.outflow(), stopping)
        given = ingest.Ingest(
            database_url=url,
            kafka=self.login(),
            node="us",
            prefix=self.prefix,
            batch=500,
            picture=Picture.unread(cast.LIMITS),
            now=self.node.clock,
            poll_ms=self._poll_ms,
        )
        return lambda stopping: ingest.run(given, stopping)

    def outflow(self) -> Outflow:
        """What an outflow of this node is given."""
        return Outflow(
            database_url=self.node.url,
            kafka=self.login(),
            prefix=self.prefix,
            picture=Picture.unread(cast.LIMITS),
            prints=Fingerprint(bytes(32)),
            cursors=self.node.hub.cursors,
            now=self.node.clock,
        )

    def send(self, agency: Agency, *records: Wire | bytes | None, **settings: Any) -> int:
        """Write records to an agency's topic, as it would; the offset of the last one."""
        values = [wire.encode(record) if isinstance(record, dict) else record for record in records]
        with producer(self.login(agency.id), **settings) as opened:
            return self.send_with(opened, agency, *values)

    def send_with(self, opened: KafkaProducer, agency: Agency, *values: bytes | None) -> int:
        """The same through a producer that is there."""
        topic = wire.in_topic(agency.id, self.prefix)
        futures = [opened.send(topic, value, key=b"subject") for value in values]
        return max(int(future.get(timeout=60).offset) for future in futures)

    def ingested(self, agency: Agency, offset: int, *, within_s: float = PATIENCE_S) -> None:
        """Wait until everything of an agency up to `offset` is dealt with."""
        topic = wire.in_topic(agency.id, self.prefix)
        query = "SELECT 1 FROM kafka_offset WHERE topic = %s AND next_offset > %s"
        until(lambda: self.node.rows(query, topic, offset), within_s=within_s, what=f"offset {offset} of {topic}")

    def deal_with(self, agency: Agency, *records: Wire | bytes | None, **settings: Any) -> int:
        """Send, and wait until it is dealt with."""
        offset = self.send(agency, *records, **settings)
        self.ingested(agency, offset)
        return offset

    def held(self, name: str, *, least: int = 1, reader: str = "us-node", within_s: float = PATIENCE_S) -> list[Any]:
        """All records of a topic, once there are `least`; `name` without prefix."""
        topic = f"{self.prefix}{name}"
        consumer = KafkaConsumer(**self.login(reader), enable_auto_commit=False, auto_offset_reset="earliest")
        found: list[Any] = []
        try:
            consumer.assign(partitions_of(consumer, topic))

            def has_come() -> bool:
                found.extend(record for batch in consumer.poll(timeout_ms=100).values() for record in batch)
                return len(found) >= least

            until(has_come, within_s=within_s, what=f"{least} records of {topic}")
            found.extend(record for batch in consumer.poll(timeout_ms=100).values() for record in batch)
        finally:
            consumer.close()
        return found

    def told(self, agency: Agency, *, least: int = 1) -> list[Any]:
        """The records of an agency's topic of rejections, read as that agency."""
        return self.held(rejected_topic(agency.id), least=least, reader=agency.id)
