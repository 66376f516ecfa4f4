"""A compressed batch that grows beyond measure ends neither the broker nor the reader, and what follows it is read."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from hub.workers import unpacking
from schemas import wire
from tests.support.kafka_clients import project, write
from tests.support.services import Broker

SDPD = "us-ca-sdpd"
TOPIC = wire.in_topic(SDPD, "bombs.")


@pytest.fixture
def login(kafka: Broker) -> dict[str, Any]:
    with KafkaAdminClient(**kafka.login_as("us-node")) as admin:
        if TOPIC in admin.list_topics():
            admin.delete_topics([TOPIC])
        project(admin, SDPD, prefix="bombs.")
    unpacking.bound()
    return kafka.login_as(SDPD)


def values(kafka: Broker, *, count: int) -> list[bytes]:
    """The next `count` values, read the way the ingest worker does."""
    consumer = KafkaConsumer(**kafka.login_as("us-node"), auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        consumer.assign([TopicPartition(TOPIC, 0)])
        found: list[bytes] = []
        for _ in range(20):
            found += [record.value for batch in consumer.poll(timeout_ms=500).values() for record in batch]
            if len(found) >= count:
                break
        return found
    finally:
        consumer.close()


@pytest.mark.parametrize("size", [5 << 20, 100 << 20])
def test_a_bomb_becomes_one_record_that_says_so(kafka: Broker, login: dict[str, Any], size: int) -> None:
    write(login, TOPIC, bytes(size), compression_type="gzip", max_request_size=size + 1000)
    write(login, TOPIC, b"next")

    bomb, following = values(kafka, count=2)

    assert isinstance(bomb, unpacking.Unread)
    assert bomb.reason.code == "too-large"
    assert following == b"next"


def test_what_is_compressed_within_the_limit_is_read(kafka: Broker, login: dict[str, Any]) -> None:
    write(login, TOPIC, b"{}" * 1000, compression_type="gzip")

    assert values(kafka, count=1) == [b"{}" * 1000]
