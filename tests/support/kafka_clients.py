"""What tests do with a topic: write one record and wait for it, read what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError

from connectors.publisher import SETTINGS
from hub.workers.access import Care, Wanted, look
from tests.support.waiting import until

BOOTSTRAP_MS = 15_000
REFUSED_MS = 400  # kafka-python tries a refused token again until this is over


@contextmanager
def producer(login: dict[str, Any], **settings: Any) -> Iterator[KafkaProducer]:
    """A producer set up as the connectors' is: a record that is sent again keeps its place before the next."""
    opened = KafkaProducer(**(SETTINGS | {"bootstrap_timeout_ms": BOOTSTRAP_MS} | login | settings))
    try:
        yield opened
    finally:
        opened.close(timeout=5)


def write(login: dict[str, Any], topic: str, value: bytes = b"{}", **settings: Any) -> None:
    """Send one record and wait for its acknowledgement."""
    with producer(login, **settings) as opened:
        opened.send(topic, value).get(timeout=30)


def read(login: dict[str, Any], topic: str, *, group: str | None = None, wait_ms: int = 5000) -> list[Any]:
    """The records of a topic's first partition, or none after `wait_ms` milliseconds."""
    consumer = KafkaConsumer(
        **login,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [record for batch in consumer.poll(timeout_ms=wait_ms).values() for record in batch]
    finally:
        consumer.close()


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """What a topic consists of, once there is one; a broker that has just come back knows of nothing for a moment."""

    def known() -> list[int]:
        with suppress(RetriableError):
            return sorted(consumer.partitions_for_topic(topic) or ())
        return []

    return [TopicPartition(topic, number) for number in until(known, what=topic)]


def project(admin: KafkaAdminClient, *agencies: str, prefix: str, node_principal: str = "us-node") -> None:
    """Make topics and rules of these agencies, as the reconciler does; returns when the broker acts accordingly."""
    wanted = Wanted(prefix=prefix, node_principal=node_principal, agencies=agencies)
    until(lambda: look(admin, wanted, Care()), what="the broker follows")
