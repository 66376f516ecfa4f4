"""An ingest worker that starts again: where it goes on, what it finds done, and what it finds gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from hub.directory import Kind, Standing
from hub.store import agencies, connect
from schemas import wire
from tests.support import cast
from tests.support.cast import POLICE
from tests.support.node import SHERIFF, Node, missing_child
from tests.support.services import Broker
from tests.support.working import Working

PREFIX = "restarts."
IMPATIENT_MS = 5  # joining a group takes two answers of the broker
JOINING = 3
TOPIC = wire.in_topic(POLICE.id, PREFIX)


@pytest.fixture(scope="module")
def works(postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node whose topics are kept; ingest runs when a test starts it."""
    node = Node(postgres_of_module)
    working = Working(node, kafka, PREFIX)
    working.start("sequencer", "reconciler", "relay")
    working.admitted(POLICE)
    try:
        yield working
    finally:
        working.stop()
        node.close()


def effects(works: Working) -> list[tuple[Any, ...]]:
    """What ingest has written so far."""
    return works.node.rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM rejection)")


def rejected(works: Working) -> list[tuple[Any, ...]]:
    return works.node.rows('SELECT code, "offset" FROM rejection ORDER BY no')


def test_what_is_read_once_more_has_no_second_effect(works: Working) -> None:
    works.start("ingest")
    last = works.deal_with(POLICE, missing_child(), b"poison", missing_child(), missing_child(source=SHERIFF.id))
    works.stop("ingest")
    before = effects(works)

    works.node.rows("DELETE FROM kafka_offset")
    works.start("ingest")
    works.ingested(POLICE, last)

    assert effects(works) == before
    works.stop("ingest")


def test_what_was_sent_while_it_was_away_is_read_and_what_is_gone_is_told(works: Working) -> None:
    first = works.send(POLICE, missing_child(), missing_child(), kept := missing_child()) - 2
    with KafkaAdminClient(**works.login()) as admin:
        admin.delete_records({TopicPartition(TOPIC, 0): first + 2})
    before = rejected(works)

    works.start("ingest")
    works.ingested(POLICE, first + 2)

    assert rejected(works)[len(before) :] == [("records-lost", first)]
    assert works.node.rows("SELECT 1 FROM event WHERE id = %s", kept["id"])
    works.stop("ingest")


def test_agencies_that_join_are_read_though_the_broker_answers_more_slowly_than_a_poll_waits(works: Working) -> None:
    impatient = Working(works.node, works.broker, PREFIX, poll_ms=IMPATIENT_MS)
    impatient.start("ingest")
    impatient.deal_with(POLICE, missing_child())

    for number in range(JOINING):
        newcomer = cast.agency(f"us-ca-new{number}", Kind.LAW_ENFORCEMENT, "US-CA")
        works.node.enrol(newcomer)
        works.admitted(newcomer)
        impatient.deal_with(newcomer, missing_child(source=newcomer.id))

    impatient.stop()


def test_what_a_suspended_agency_had_sent_is_refused(works: Working) -> None:
    offset = works.send(POLICE, missing_child())
    before = effects(works)[0][0]
    with connect(works.node.url, name="test") as conn:
        agencies.set_standing(conn, POLICE.id, Standing.SUSPENDED)

    works.start("ingest")
    works.ingested(POLICE, offset)

    assert effects(works)[0][0] == before
    assert rejected(works)[-1] == ("agency-not-active", offset)
    works.stop("ingest")
