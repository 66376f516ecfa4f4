"""Who takes over a topic: nothing is lost or written twice, what others wrote goes, and who does not lead is silent."""

from __future__ import annotations

from uuid import uuid4

from hub import outflow
from hub.picture import Picture
from hub.store import log
from hub.store import outflow as stored
from hub.store import subscriptions as stored_subscriptions
from tests.support import cast
from tests.support.kafka_clients import write
from tests.support.node import Desk, missing_child
from tests.support.outflowing import Outs, disclosed, headers
from tests.support.waiting import until
from tests.support.working import Working


def test_what_was_put_on_record_and_not_written_is_written_once(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-crashed")
    first = police.publish(missing_child())
    reader.has(first)
    works.stop("outflow")
    second = police.publish(missing_child())
    outs.settled()
    with works.node.database() as conn:  # as if it had been killed after its commit
        picture = Picture.unread(cast.LIMITS)
        picture.refresh(conn)
        (topic,) = [one for one in stored.topics(conn) if one.agency == reader.agency.id]
        (wish,) = stored_subscriptions.some(conn, [reader.subscription]).values()
        asking = outflow.asking_for(picture, wish, works.node.clock())
        assert asking is not None
        with conn.transaction():
            outflow.go_on(conn, asking, wish.filter, topic, works.outflow().prints)

    works.start("outflow")
    third = police.publish(missing_child())

    records = reader.has(first, second, third)
    assert [headers(one)["seq"] for one in records] == ["1", "2", "3"]
    assert disclosed(reader) == [first, second, third]


def test_what_was_written_and_not_noted_is_not_written_again(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-unnoted")
    first, second = police.publish(missing_child()), police.publish(missing_child())
    reader.has(first, second)
    works.stop("outflow")
    works.node.rows("UPDATE out_topic SET sent = 0 WHERE agency = %s", reader.agency.id)

    works.start("outflow")
    third = police.publish(missing_child())

    reader.has(first, second, third)


def test_what_others_write_there_does_not_stay(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-forged")
    published = police.publish(missing_child())
    reader.has(published)

    write(outs.login(), reader.topic, b"forged")

    until(lambda: len(reader.held()) == 1 and "again" in headers(reader.held()[0]), what="it is gone")
    reader.has(published)


def test_a_topic_that_ends_in_something_unknown_is_written_anew(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-unknown")
    published = police.publish(missing_child())
    reader.has(published)
    works.stop("outflow")
    write(outs.login(), reader.topic, b"forged")

    works.start("outflow")

    reader.has(published)


def test_one_that_does_not_lead_writes_nothing(outs: Outs, works: Working, police: Desk) -> None:
    reader = outs.join("us-ca-follows")
    works.stop("outflow")
    me = uuid4()
    with works.node.database() as conn:
        assert log.take_lease(conn, "outflow", me, lease_ms=60_000)
        works.start("outflow")
        police.publish(missing_child())
        outs.settled()

        assert reader.held() == []

        log.drop_lease(conn, "outflow", me)
    until(lambda: len(reader.held()) == 1)
