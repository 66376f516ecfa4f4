"""The log to Kafka: each event once, in order, keyed by its subject; and what agencies may do at the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from hub.directory import Role, Standing
from hub.store import agencies, connect
from tests.support.cast import POLICE, SHELTER, agency
from tests.support.kafka_clients import producer
from tests.support.node import CAST, OPERATOR, Desk, Node, child_case, missing_child
from tests.support.services import Broker
from tests.support.waiting import until
from tests.support.working import Working


@pytest.fixture(scope="module")
def works(postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node with sequencer, reconciler and relay."""
    node = Node(postgres_of_module)
    working = Working(node, kafka, "relay.")
    working.start("sequencer", "reconciler", "relay")
    try:
        yield working
    finally:
        working.stop()
        node.close()


@pytest.fixture
def police(works: Working) -> Desk:
    return works.node.desk(POLICE)


def of_subject(works: Working, topic: str, subject: str, *, least: int) -> list[Any]:
    """The records of a subject in a topic, once there are so many."""
    found: list[Any] = []

    def have_come() -> bool:
        found[:] = [record for record in works.held(topic) if record.key == subject.encode()]
        return len(found) >= least

    until(have_come)
    return found


def positions(records: list[Any]) -> list[int]:
    return [int(dict(record.headers)["position"]) for record in records]


def test_an_event_goes_whole_to_the_topic_of_its_kind(works: Working, police: Desk) -> None:
    event = missing_child(subject="whole")
    hub_id = police.publish(event)

    (record,) = of_subject(works, "alert.v1", "whole", least=1)

    assert json.loads(record.value) == event
    assert dict(record.headers)["id"].decode() == hub_id


def test_each_kind_has_its_topic(works: Working, police: Desk) -> None:
    hub_id = police.publish(missing_child(subject="kinds"))
    works.node.desk(SHELTER).post(f"/v1/events/{hub_id}/acks", {"state": "read"})
    police.publish(child_case(subject="kinds"))

    for topic, event_type in (("case.v1", "case.trafficking.opened"), ("ack.v1", "ack.read")):
        (record,) = of_subject(works, topic, "kinds", least=1)
        assert json.loads(record.value)["type"] == event_type


@pytest.mark.parametrize("status", ["exercise", "test"])
def test_what_is_not_real_has_topics_of_its_own(works: Working, police: Desk, status: str) -> None:
    police.publish(missing_child(subject=status, status=status))
    police.publish(missing_child(subject=f"beside-{status}"))

    assert of_subject(works, f"alert.{status}.v1", status, least=1)
    assert all(record.key != status.encode() for record in works.held("alert.v1"))


def test_the_events_of_a_subject_stay_in_order(works: Working, police: Desk) -> None:
    events = [missing_child(subject=f"order-{number % 3}") for number in range(30)]
    for event in events:
        police.publish(event)

    records = of_subject(works, "alert.v1", "order-1", least=10)

    published = [event["id"] for event in events if event["subject"] == "order-1"]
    assert [json.loads(record.value)["id"] for record in records] == published
    assert len({record.partition for record in records}) == 1


def test_a_relay_that_starts_again_sends_nothing_twice(works: Working, police: Desk) -> None:
    for _ in range(5):
        police.publish(missing_child(subject="again"))
    before = of_subject(works, "alert.v1", "again", least=5)
    works.stop("relay")
    # As if it had been killed between the broker's acknowledgement and its own note.
    works.node.rows("UPDATE lease SET position = 0 WHERE name = 'relay'")
    works.start("relay")
    police.publish(missing_child(subject="again"))

    records = of_subject(works, "alert.v1", "again", least=6)

    assert positions(records)[:5] == positions(before)
    assert len(set(positions(records))) == len(records) == 6


def test_a_rejection_reaches_its_sender(works: Working, police: Desk) -> None:
    police.post("/v1/events", b"{")

    (told,) = works.told(POLICE)

    assert json.loads(told.value)["channel"] == "http"


def test_a_rejection_is_told_again_under_its_number(works: Working, police: Desk) -> None:
    police.post("/v1/events", b"{")
    before = [record.key for record in works.told(POLICE)]
    works.stop("relay")
    works.node.rows("UPDATE lease SET position = 0 WHERE name = 'feedback'")

    works.start("relay")

    assert [record.key for record in works.told(POLICE, least=2 * len(before))] == before * 2


def writes(works: Working, agency_id: str) -> bool:
    """Whether an agency may write to its topic now."""
    with producer(works.login(agency_id), max_block_ms=5000) as opened:
        try:
            opened.send(f"{works.prefix}in.{agency_id}.v1", b"{}").get(timeout=5)
        except (TopicAuthorizationFailedError, KafkaTimeoutError):  # the topic may be known to it a moment later
            return False
    return True


def test_an_agency_that_was_just_added_can_write(works: Working) -> None:
    works.node.enrol(OPERATOR)
    operator = works.node.office(OPERATOR, "olga", Role.OPERATOR)
    newcomer = {"id": "us-ca-newcomer", "name": "Newcomer", "kind": "ngo", "jurisdictions": ["US-CA"]}

    assert operator.post("/v1/agencies", newcomer).status_code == 201

    until(lambda: writes(works, "us-ca-newcomer"), within_s=30)


def test_a_suspended_agency_writes_no_more(works: Working) -> None:
    works.node.enrol(suspect := agency("us-ca-suspect", POLICE.kind, "US-CA"))
    works.admitted(suspect)
    with producer(works.login(suspect.id)) as opened:

        def is_refused() -> bool:
            try:
                opened.send(f"{works.prefix}in.{suspect.id}.v1", b"{}").get(timeout=20)
            except TopicAuthorizationFailedError:
                return True
            return False

        assert not is_refused()
        with connect(works.node.url, name="test") as conn:
            agencies.set_standing(conn, suspect.id, Standing.SUSPENDED)

        until(is_refused, what="the refusal")


def test_others_are_not_touched_by_it(works: Working) -> None:
    for one in CAST:
        if one.country == "US":  # a broker with much to do answers a new client late: that is no refusal
            until(partial(writes, works, one.id), within_s=30, what=f"what {one.id} writes")


def test_a_relay_that_is_there_before_its_topics_waits_for_them(postgres: str, kafka: Broker) -> None:
    node = Node(postgres)
    working = Working(node, kafka, "early.")
    try:
        node.desk(POLICE).publish(missing_child(subject="early"))
        working.start("sequencer", "relay")
        with connect(postgres, name="test") as conn:
            until(lambda: conn.execute("SELECT 1 FROM lease WHERE name = 'relay' AND fence > 0").fetchone())

        working.start("reconciler")

        assert len(of_subject(working, "alert.v1", "early", least=1)) == 1
    finally:
        working.stop()
        node.close()
