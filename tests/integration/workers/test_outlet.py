"""Records of the relay reach each partition in order and once, and a failure leaves no gap behind it."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from hub.workers.opening import opened
from hub.workers.outlet import CHUNK_BYTES, Outgoing, Outlet
from tests.support.kafka_clients import read
from tests.support.services import Broker

NODE = "us-node"


class Deposed(Exception):
    """Another leads."""


def topic(broker: Broker, name: str) -> str:
    """A new topic of one partition."""
    admin = KafkaAdminClient(**broker.login_as(NODE))
    admin.create_topics({name: {"num_partitions": 1}})
    admin.wait_for_topics([name])
    admin.close()
    return name


def numbered(name: str, count: int, *, size: int = 10) -> list[Outgoing]:
    """Records of at least `size` bytes whose key is their number."""
    return [Outgoing(topic=name, partition=0, key=str(n).encode(), value=b"x" * size) for n in range(count)]


def keys(broker: Broker, name: str) -> list[int]:
    """What the topic holds."""
    return [int(record.key) for record in read(broker.login_as(NODE), name)]


def test_more_than_one_batch_holds_keeps_its_order(kafka: Broker) -> None:
    name = topic(kafka, "outlet.order.v1")

    with Outlet(kafka.login_as(NODE)) as outlet:
        outlet.send(numbered(name, 10, size=CHUNK_BYTES // 4))

    assert keys(kafka, name) == list(range(10))


def test_who_may_not_send_any_more_sends_nothing_more(kafka: Broker) -> None:
    name = topic(kafka, "outlet.deposed.v1")
    asked: list[None] = []

    def leading() -> None:
        asked.append(None)
        if len(asked) > 1:
            raise Deposed

    with pytest.raises(Deposed), Outlet(kafka.login_as(NODE)) as outlet:
        outlet.send(numbered(name, 10, size=CHUNK_BYTES // 2 - 300), leading)

    assert keys(kafka, name) == [0, 1]


def test_a_batch_that_fails_is_not_followed_by_another(kafka: Broker) -> None:
    name = topic(kafka, "outlet.gap.v1")
    records = numbered(name, 3, size=CHUNK_BYTES)
    records[1] = Outgoing(topic=name, partition=0, key=b"1", value=b"x" * (1 << 21))  # larger than any request may be

    with pytest.raises(KafkaError), Outlet(kafka.login_as(NODE)) as outlet:
        outlet.send(records)

    assert keys(kafka, name) == [0]


@pytest.mark.parametrize("kind", [KafkaConsumer, KafkaAdminClient])
def test_a_client_that_reaches_no_broker_leaves_no_thread_behind(kind: Any) -> None:
    before = threading.active_count()

    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(KafkaError):
        opened(kind, bootstrap_servers=f"127.0.0.1:{mute.getsockname()[1]}", bootstrap_timeout_ms=300)

    assert threading.active_count() == before
