"""The worker that sends: one leader a peer, which follows the peer table, outlives outages and ends when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from hub import peers
from hub.store import log
from hub.store import peers as stored
from hub.workers import border
from hub.workers.border import FIRST_PAUSE_S, LONGEST_PAUSE_S, Backoff
from tests.support.border import Side
from tests.support.waiting import until


@contextmanager
def working(side: Side, **sizes: int) -> Iterator[threading.Event]:
    """Its worker in a thread; set the event to end it."""
    told = threading.Event()
    thread = threading.Thread(target=border.run, args=(side.border(**sizes), told.is_set), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.set()
        thread.join(60)
        assert not thread.is_alive()


def caught_up(side: Side) -> Callable[[], bool]:
    """Whether everything that it made is receipted."""
    query = "SELECT out_seq > 0 AND out_seq = receipted AND failure IS NULL FROM crossing"
    return lambda: side.node.rows(query) == [(True,)]


def led(side: Side) -> bool:
    """Whether somebody leads what goes from this side."""
    return side.node.rows("SELECT until > clock_timestamp() FROM lease WHERE name LIKE 'border:%%'") == [(True,)]


def test_it_sends_as_soon_as_there_is_something(us: Side, mx: Side) -> None:
    with working(us):
        until(caught_up(us), what="receipts")

        with us.connected() as conn:
            peers.show(conn, "us", "us-ca-shelter", is_shown=False)
        before = mx.node.rows("SELECT in_seq FROM crossing")[0][0]
        until(lambda: mx.node.rows("SELECT in_seq FROM crossing")[0][0] > before, what="the change of the directory")


def test_a_peer_that_comes_is_served_and_a_removed_one_is_left(us: Side, mx: Side) -> None:
    with us.connected() as conn:
        peers.remove(conn, "us", "mx", "not yet")
    with working(us):
        us.trusts(mx)
        until(caught_up(us), what="receipts of a new peer")

        with us.connected() as conn:
            peers.remove(conn, "us", "mx", "enough")
        until(lambda: not led(us), what="the end of sending")
    assert us.node.rows("SELECT state FROM peer") == [("removed",)]


def test_a_dead_leader_is_replaced(us: Side, mx: Side) -> None:
    dead = uuid4()
    with us.connected() as conn:
        assert log.take_lease(conn, stored.lease_of(mx.name), dead, lease_ms=border.LEASE_MS)

    with working(us):
        until(caught_up(us), what="another leader")


def test_of_two_workers_one_sends(us: Side, mx: Side) -> None:
    with working(us), working(us):
        until(caught_up(us), what="receipts")

    assert mx.node.rows("SELECT count(*) FROM arrival") == us.node.rows("SELECT count(*) FROM departure")


def test_a_lost_database_is_waited_for(us: Side, mx: Side) -> None:
    with working(us):
        until(caught_up(us), what="receipts")
        with psycopg.connect(us.node.url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'puente-border%' AND datname = current_database()"
            )
            peers_before = mx.node.rows("SELECT heard_at FROM crossing")
        until(lambda: mx.node.rows("SELECT heard_at FROM crossing") > peers_before, what="a next batch")


def test_an_outage_costs_no_more_than_a_window_and_is_named(us: Side, mx: Side) -> None:
    here = us.node.rows("SELECT url FROM peer")[0][0]
    us.node.rows("UPDATE peer SET url = 'https://127.0.0.1:1'")
    with working(us, window=2, batch=2):
        query = "SELECT failure, out_seq FROM crossing"
        until(lambda: us.node.rows(query)[0][0] == "unreachable", what="the failure")
        made = us.node.rows(query)[0][1]

        us.node.rows("UPDATE peer SET url = %s", here)
        until(caught_up(us), what="receipts after the outage")
    assert 0 < made <= 4
    assert mx.node.rows("SELECT in_seq FROM crossing") == us.node.rows("SELECT out_seq FROM crossing")


def test_a_fork_stops_it_and_is_said_once(us: Side, mx: Side, caplog: pytest.LogCaptureFixture) -> None:
    us.send(mx)
    # As after a restore: its last envelope is forgotten, and another takes its number.
    us.node.rows("UPDATE crossing SET out_seq = out_seq - 1, receipted = receipted - 1")
    us.node.rows("DELETE FROM departure WHERE seq = (SELECT max(seq) FROM departure)")
    with us.connected() as conn:
        peers.show(conn, "us", "us-ca-shelter", is_shown=False)

    with working(us):
        until(lambda: us.node.rows("SELECT state FROM peer") == [("stopped",)], what="the stop")
        until(lambda: "begins again" in caplog.text, what="a word about it")

    assert us.node.rows("SELECT reason FROM peer") == [("fork",)]
    assert mx.node.rows("SELECT state, reason FROM peer") == [("stopped", "fork")]
    assert caplog.text.count("begins again") == 1


@pytest.mark.parametrize("first", ["us", "mx"])
def test_a_stop_over_there_stops_it_here_too_and_whoever_begins_again_first_waits(
    us: Side, mx: Side, first: str
) -> None:
    us.send(mx)
    mx.send(us)
    state = "SELECT p.state, c.failure FROM peer p JOIN crossing c ON c.peer = p.node"

    def resume(side: Side) -> None:
        with side.connected() as conn:
            peers.resume(conn, side.name, "mx" if side is us else "us", side.clock())

    with mx.connected() as conn:
        assert peers.stop(conn, "mx", "us", "fork")
    with working(us):
        until(lambda: us.node.rows(state) == [("stopped", "stopped")], what="the stop here")
        resume(us if first == "us" else mx)
        if first == "us":
            until(lambda: us.node.rows(state) == [("open", "stopped")], what="waiting for the other side")
        resume(mx if first == "us" else us)
        until(caught_up(us), what="receipts of the new stream")
    mx.send(us)
    assert (us.node.rows(state), mx.node.rows(state)) == ([("open", None)], [("open", None)])


def test_pauses_grow_and_stay_below_their_most() -> None:
    backoff = Backoff()

    pauses = [backoff.next_s() for _ in range(30)]

    assert max(pauses[:1]) <= FIRST_PAUSE_S
    assert max(pauses) <= LONGEST_PAUSE_S
    assert len(set(pauses)) == 30
    backoff.reset()
    assert backoff.next_s() <= FIRST_PAUSE_S
