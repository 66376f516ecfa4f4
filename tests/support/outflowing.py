"""Agencies that prefer Kafka, each with a topic to read and a grant of POLICE's own for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import TopicAuthorizationFailedError

from hub.directory import Agency, Kind
from hub.grants import Grant, Selector
from hub.workers.rules import ANY_RULE, to_read_out
from hub.workers.topics import out_topic
from tests.support.cast import agency
from tests.support.kafka_clients import BOOTSTRAP_MS
from tests.support.node import USUAL, Desk, grant
from tests.support.subscribing import subscribe
from tests.support.waiting import until
from tests.support.working import Working

KAFKA: dict[str, Any] = {"channel": "kafka", "address": "", "proven": False}


class Outs:
    """A node with an outflow, and whoever has joined it to read there."""

    def __init__(self, works: Working) -> None:
        self.works = works
        self.grants: dict[str, Grant] = {}

    def join(self, agency_id: str, *, wants: dict[str, Any] | None = None, **granted: Any) -> Reader:
        """A nonprofit that may read POLICE's alerts, unless `granted` says otherwise, with a topic of its own."""
        who = agency(agency_id, Kind.NGO, "US-CA")
        self.works.node.enrol(who)
        self.give(agency_id, **{"reader": Selector(agency=agency_id)} | granted)
        desk = self.works.node.desk(who)
        reader = Reader(self, who, desk, subscribe(desk, **KAFKA | ({"filter": wants} if wants else {})))
        reader.opened()
        return reader

    def give(self, name: str, **granted: Any) -> None:
        """One more grant in force."""
        self.grants[name] = grant(id=f"out-{name}", **granted)
        self.works.node.regrant(*USUAL, *self.grants.values())

    def take(self, name: str) -> None:
        """A grant is revoked."""
        del self.grants[name]
        self.works.node.regrant(*USUAL, *self.grants.values())

    def login(self, agency_id: str = "us-node") -> dict[str, Any]:
        """As an agency or the node itself, with the patience of tests."""
        return self.works.broker.login_as(agency_id) | {"bootstrap_timeout_ms": BOOTSTRAP_MS}

    def settled(self) -> None:
        """Wait until the outflow has come as far as the log is."""
        node = self.works.node
        until(lambda: not node.rows("SELECT 1 FROM pending"), what="the log holds everything")


@dataclass(frozen=True, slots=True)
class Reader:
    """One agency that reads."""

    outs: Outs
    agency: Agency
    desk: Desk
    subscription: UUID

    @property
    def topic(self) -> str:
        """Its topic, by its whole name."""
        return out_topic(self.agency.id, self.outs.works.prefix)

    def opened(self) -> None:
        """Wait until it may read."""
        self._until_ruled(True, what=f"{self.topic} is open")

    def closed(self) -> None:
        """Wait until it may not read any more."""
        self._until_ruled(False, what=f"{self.topic} is closed")

    def _until_ruled(self, wanted: bool, *, what: str) -> None:
        rule = to_read_out(self.agency.id, self.outs.works.prefix)
        with KafkaAdminClient(**self.outs.login()) as admin:
            until(lambda: (rule in set(admin.describe_acls(ANY_RULE)[0])) is wanted, what=what)

    def is_refused(self, by: Agency | None = None) -> bool:
        """Whether the broker lets its agency, or this one, read nothing there."""
        consumer = KafkaConsumer(**self.outs.login((by or self.agency).id))
        try:
            consumer.end_offsets([TopicPartition(self.topic, 0)])  # a poll would wait, and say nothing
        except TopicAuthorizationFailedError:
            return True
        finally:
            consumer.close()
        return False

    @contextmanager
    def looking(self) -> Iterator[Callable[[], list[Any]]]:
        """Gives what is in its topic at each call, as the node sees it."""
        consumer = KafkaConsumer(**self.outs.login(), enable_auto_commit=False, auto_offset_reset="earliest")
        place = TopicPartition(self.topic, 0)
        consumer.assign([place])

        def look() -> list[Any]:
            found: list[Any] = []
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            while consumer.position(place) < end:
                found += [record for batch in consumer.poll(timeout_ms=200).values() for record in batch]
            return found

        try:
            yield look
        finally:
            consumer.close()

    def held(self) -> list[Any]:
        """What is in its topic now."""
        with self.looking() as look:
            return look()

    def has(self, *wanted: str) -> list[Any]:
        """Wait until its topic holds these events and no others; the records."""
        found: list[Any] = []
        with self.looking() as look:

            def is_there() -> bool:
                found[:] = look()
                return [headers(one).get("id") for one in found] == list(wanted)

            until(is_there, what=f"{wanted} in {self.topic}")
        return found

    def told(self, least: int) -> list[Any]:
        """What it reads itself, once there is so much."""
        name = self.topic.removeprefix(self.outs.works.prefix)
        return self.outs.works.held(name, least=least, reader=self.agency.id)


def disclosed(reader: Reader) -> list[str]:
    """The events that entries say went into a topic, in order."""
    rows = reader.outs.works.node.rows(
        "SELECT unnest(events)::text FROM audit WHERE agency = %s AND object = 'kafka' ORDER BY no",
        reader.agency.id,
    )
    return [event for (event,) in rows]


def headers(record: Any) -> dict[str, str]:
    """Of a record, as text."""
    return {name: value.decode() for name, value in record.headers}


def item(record: Any) -> dict[str, Any]:
    """Its value."""
    found: dict[str, Any] = json.loads(record.value)
    return found
