"""The publisher against the real broker: who may write what, what an outage costs, what memory it takes."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors import publisher as publishers
from connectors.config import KafkaSettings
from connectors.publisher import MAX_IN_FLIGHT, SETTINGS, Outcome, Publisher, Stuck
from connectors.source import Record
from connectors.stopping import Stop
from schemas import wire
from tests.integration.connectors.stage import LAPD, SDPD, GivenToken, prepare, read_topic
from tests.support.services import Broker

PREFIX = "publisher."
OWN = wire.in_topic(SDPD, PREFIX)
DELIVERY_TIMEOUT_S = 3.0


@pytest.fixture(scope="module", autouse=True)
def _topics(kafka: Broker) -> None:
    prepare(kafka, PREFIX)


@contextmanager
def publisher(
    broker: Broker, token: str | None = None, topic: str = OWN, stop: Stop | None = None
) -> Iterator[Publisher]:
    """The publisher of us-ca-sdpd."""
    settings = KafkaSettings(
        bootstrap=(broker.bootstrap("us"),), security="sasl_plaintext", delivery_timeout_s=DELIVERY_TIMEOUT_S
    )
    opened = Publisher(settings, topic, GivenToken(token or broker.issuers["us"].token(SDPD)), stop=stop)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def paused(broker: Broker) -> Iterator[None]:
    """A broker that hangs: connections stand, nothing answers."""
    os.kill(broker.running.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.running.child.pid, signal.SIGCONT)


def record(name: str, subject: str = "") -> Record:
    """A small record."""
    return Record(id=name, subject=subject or name, body=b'{"id":"%s"}' % name.encode())


def ids(broker: Broker) -> list[str]:
    """The ids in the agency's topic."""
    return [event["id"] for event in read_topic(broker, OWN)]


def test_what_is_acknowledged_is_in_the_topic_in_its_order(kafka: Broker) -> None:
    records = [record(f"order-{number}", subject=f"s{number % 7}") for number in range(200)]
    with publisher(kafka) as opened:
        outcome = opened.publish(records)

    assert outcome == Outcome(acknowledged=[one.id for one in records])
    assert [id_ for id_ in ids(kafka) if id_.startswith("order-")] == [one.id for one in records]


def test_an_agency_reaches_its_own_topic_only(kafka: Broker) -> None:
    with publisher(kafka, topic=wire.in_topic(LAPD, PREFIX)) as opened:
        outcome = opened.publish([record("intruder")])

    assert outcome.acknowledged == []
    assert outcome.failure is not None
    assert outcome.failure.code == "not-authorised"


@pytest.mark.parametrize(
    "claims", [{"aud": "us/api"}, {"exp": int(time.time()) - 60}, {"iss": "https://mx.issuer.example"}]
)
def test_a_token_that_is_not_for_this_broker_publishes_nothing(
    kafka: Broker, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETTINGS, "bootstrap_timeout_ms", 3000)
    with publisher(kafka, kafka.issuers["us"].token(SDPD, **claims)) as opened:
        outcome = opened.publish([record("no-token")])

    assert outcome.acknowledged == []
    assert outcome.failure is not None
    assert outcome.failure.code in ("not-authorised", "broker-away")


@pytest.mark.parametrize("size", [600_000, 3_000_000])  # above what the topic takes, above what the client sends
def test_a_record_that_no_broker_takes_is_set_aside_and_the_next_goes(kafka: Broker, size: int) -> None:
    huge = Record(id="huge", subject="huge", body=b"x" * size)
    with publisher(kafka) as opened:
        outcome = opened.publish([huge, record("after-huge")])

    assert outcome.aside == {"huge": "not-taken"}
    assert outcome.acknowledged == ["after-huge"]


def test_a_broker_that_hangs_costs_bounded_memory_and_no_record(kafka: Broker) -> None:
    taken = 0

    def endless() -> Iterator[Record]:
        nonlocal taken
        while True:
            taken += 1
            yield record(f"endless-{taken}")

    with publisher(kafka) as opened:
        opened.publish([record("before-the-pause")])
        with paused(kafka):
            outcome = opened.publish(endless())
        again = opened.publish([record(f"endless-{number + 1}") for number in range(taken)])

    assert outcome.failure is not None
    assert taken <= MAX_IN_FLIGHT + 1
    assert again.failure is None
    assert {f"endless-{number + 1}" for number in range(taken)} <= set(ids(kafka))


def test_a_later_event_of_a_subject_never_overtakes_one_that_failed(kafka: Broker) -> None:
    with publisher(kafka) as opened:
        opened.publish([record("warm-up")])
        with paused(kafka):
            outcome = opened.publish([record("first", "one-case"), record("second", "one-case")])

    assert outcome.acknowledged == []
    assert "second" not in ids(kafka)


def test_a_client_that_is_dead_is_given_up(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishers, "STUCK_AFTER_S", 1 - DELIVERY_TIMEOUT_S)
    with publisher(kafka) as opened:
        opened.publish([record("alive")])
        with paused(kafka), pytest.raises(Stuck):
            opened.publish([record("dead")])


def test_asked_to_stop_it_waits_no_longer_than_its_grace(kafka: Broker) -> None:
    stop = Stop(grace_s=0.5)
    with publisher(kafka, stop=stop) as opened:
        opened.publish([record("before-stop")])
        with paused(kafka):
            stop.set()
            began = time.monotonic()
            outcome = opened.publish([record("at-stop")])
            opened.close()
            took_s = time.monotonic() - began

    assert took_s < 5
    assert outcome.failure is not None
    assert outcome.failure.code == "stopping"


def test_no_value_and_no_token_reaches_the_log(kafka: Broker, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("kafka.producer").setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    token = kafka.issuers["us"].token(SDPD)
    with publisher(kafka, token) as opened:
        opened.publish([record("Canary-value")])

    assert "Canary-value" not in caplog.text
    assert token not in caplog.text


def test_the_settings_are_those_that_were_measured_safe() -> None:
    assert (SETTINGS["acks"], SETTINGS["enable_idempotence"], SETTINGS["retries"]) == ("all", False, float("inf"))
    assert SETTINGS["max_in_flight_requests_per_connection"] == 1
    assert (SETTINGS["linger_ms"], SETTINGS["batch_size"]) == (5, 262_144)
    assert SETTINGS["allow_auto_create_topics"] is False
