"""One sequencer leads at a time, another takes over soon, and one that comes late changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from hub.settings import WorkerSettings
from hub.store import connect, log
from hub.workers import sequencer
from tests.support.node import Desk, Node, missing_child
from tests.support.waiting import until

LEASE_MS = 400


@contextmanager
def sequencing(node: Node, count: int = 1) -> Iterator[list[threading.Event]]:
    """Sequencers in threads; set an event to end its one."""
    ends = [threading.Event() for _ in range(count)]
    settings = WorkerSettings(lease_ms=LEASE_MS)
    threads = [threading.Thread(target=sequencer.run, args=(node.url, settings, end.is_set)) for end in ends]
    for thread in threads:
        thread.start()
    try:
        yield ends
    finally:
        for end in ends:
            end.set()
        for thread in threads:
            thread.join(60)


def holder(node: Node) -> tuple[UUID | None, int]:
    """Who leads, and with which fence."""
    query = "SELECT holder, fence FROM lease WHERE name = 'sequencer' AND until > clock_timestamp()"
    return next(iter(node.rows(query)), (None, 0))


def placed(node: Node, count: int) -> list[str]:
    """The ids of all events in the order of the log, once it has so many."""
    query = "SELECT e.id, l.position FROM log l JOIN event e ON e.hub_id = l.event ORDER BY l.position"
    until(lambda: len(node.rows(query)) >= count, what=f"{count} events in the log")
    found = node.rows(query)
    assert [position for _, position in found] == list(range(1, len(found) + 1))
    return [event_id for event_id, _ in found]


def publish(police: Desk, count: int) -> list[str]:
    events = [missing_child() for _ in range(count)]
    for event in events:
        police.publish(event)
    return [event["id"] for event in events]


def test_of_two_one_leads_and_nothing_is_placed_twice(node: Node, police: Desk) -> None:
    with sequencing(node, 2):
        leader = until(lambda: holder(node)[0])
        published = publish(police, 20)

        assert placed(node, 20) == published
        assert holder(node) == (leader, 1)


def test_when_the_leader_ends_the_other_goes_on(node: Node, police: Desk) -> None:
    with sequencing(node) as (first,):
        until(lambda: holder(node)[0])
        with sequencing(node):
            before = publish(police, 3)
            placed(node, 3)
            first.set()
            after = publish(police, 3)

            assert placed(node, 6) == before + after


@contextmanager
def process(node: Node, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A sequencer as `puente sequencer` runs it; its log is in `folder`."""
    told = {"PUENTE_DATABASE_URL": node.url, "PUENTE_WORKERS_LEASE_MS": str(LEASE_MS)}
    with (folder / "log").open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", "sequencer"], env=os.environ | told, stdout=output, stderr=output
        )
        try:
            until(lambda: holder(node)[0])
            yield child
        finally:
            child.send_signal(signal.SIGCONT)
            child.kill()
            child.wait()


def test_a_leader_that_sleeps_past_its_lease_finds_itself_deposed(node: Node, police: Desk, tmp_path: Path) -> None:
    with process(node, tmp_path) as child:
        placed(node, len(before := publish(police, 3)))
        child.send_signal(signal.SIGSTOP)
        during = publish(police, 5)
        with sequencing(node):
            assert placed(node, 8) == before + during
            child.send_signal(signal.SIGCONT)
            after = publish(police, 5)

            assert placed(node, 13) == before + during + after
            until(lambda: b"deposed with fence 1" in (tmp_path / "log").read_bytes())
            assert holder(node)[1] == 2


def test_a_leader_that_was_killed_is_replaced(node: Node, police: Desk, tmp_path: Path) -> None:
    with process(node, tmp_path) as child, sequencing(node):
        child.kill()
        published = publish(police, 1)

        assert placed(node, 1) == published


@pytest.mark.parametrize("late", ["another holder", "an old fence", "a lease that has run out"])
def test_who_does_not_lead_places_nothing(node: Node, police: Desk, late: str) -> None:
    publish(police, 1)
    with connect(node.url, name="test") as conn:
        led = log.take_lease(conn, "sequencer", uuid4(), lease_ms=60_000)
        assert led is not None
        if late == "a lease that has run out":
            conn.execute("UPDATE lease SET until = clock_timestamp() - interval '1 ms'")
        leader = {
            "another holder": replace(led[0], holder=uuid4()),
            "an old fence": replace(led[0], fence=led[0].fence - 1),
        }.get(late, led[0])

        with pytest.raises(log.Deposed):
            log.assign(conn, leader, most=10, lease_ms=1000)

    assert node.rows("SELECT count(*) FROM log") == [(0,)]


def test_while_one_leads_nobody_else_takes_the_lease(node: Node) -> None:
    with connect(node.url, name="test") as conn:
        assert log.take_lease(conn, "sequencer", uuid4(), lease_ms=60_000) is not None

        assert log.take_lease(conn, "sequencer", uuid4(), lease_ms=60_000) is None


def test_who_led_and_lost_its_connection_leads_again_under_a_new_fence(node: Node) -> None:
    me = uuid4()
    with connect(node.url, name="test") as conn:
        first = log.take_lease(conn, "sequencer", me, lease_ms=60_000)
        again = log.take_lease(conn, "sequencer", me, lease_ms=60_000)
        assert first is not None
        assert again is not None

        assert again[0].fence > first[0].fence
        with pytest.raises(log.Deposed):
            log.assign(conn, first[0], most=10, lease_ms=1000)


def test_a_batch_is_placed_bit_by_bit_in_its_order(node: Node, police: Desk) -> None:
    published, me = publish(police, 5), uuid4()
    with connect(node.url, name="test") as conn:
        led = log.take_lease(conn, "sequencer", me, lease_ms=60_000)
        assert led is not None
        rounds = [log.assign(conn, led[0], most=2, lease_ms=60_000) for _ in range(4)]

    assert [(one.assigned, one.newest) for one in rounds] == [(2, 2), (2, 4), (1, 5), (0, 5)]
    assert rounds[0].oldest_wait_s > 0
    assert placed(node, 5) == published
