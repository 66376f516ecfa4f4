"""Senders divide their work as a Kafka consumer group: all parts have somebody, and nobody waits for a broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka.admin import KafkaAdminClient

from hub.subscribing import PARTS
from hub.workers.access import Care, Wanted, look
from hub.workers.membership import Membership
from hub.workers.topics import work_topic
from tests.support.services import Broker
from tests.support.waiting import until

PREFIX = "membership."


@pytest.fixture
def topics(kafka: Broker) -> None:
    """The reconciler has been there."""
    wanted = Wanted(prefix=PREFIX, node_principal="us-node", agencies=())
    with KafkaAdminClient(**kafka.login_as("us-node")) as admin:
        until(lambda: look(admin, wanted, Care()))


@contextmanager
def member(kafka: Broker) -> Iterator[Membership]:
    """One that takes part."""
    one = Membership(kafka.login_as("us-node"), work_topic(PREFIX), "us-node.delivery", PARTS)
    told = threading.Event()
    thread = one.join(told.is_set)
    try:
        yield one
    finally:
        told.set()
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.usefixtures("topics")
def test_one_has_all_and_two_have_half_each(kafka: Broker) -> None:
    with member(kafka) as first:
        until(lambda: sorted(first.parts()) == list(range(PARTS)))
        with member(kafka) as second:
            until(lambda: len(first.parts()) == len(second.parts()) == PARTS // 2)
            assert sorted([*first.parts(), *second.parts()]) == list(range(PARTS))
        until(lambda: sorted(first.parts()) == list(range(PARTS)))


def test_without_a_broker_all_of_the_work_is_looked_at(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.workers.membership.PATIENCE_S", 0.0)
    away = kafka.login_as("us-node") | {"bootstrap_servers": "127.0.0.1:1", "bootstrap_timeout_ms": 200}

    one = Membership(away, work_topic(PREFIX), "us-node.delivery", PARTS)

    assert sorted(one.parts()) == list(range(PARTS))
