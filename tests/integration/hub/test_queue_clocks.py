"""Clocks that jump while deliveries wait: nothing is put off for long, nothing is skipped."""

from __future__ import annotations

from datetime import timedelta

from hub import errands
from hub.store import claims
from tests.support.node import Desk, Node
from tests.support.subscribing import Dispatch, subscribe
from tests.support.tending import come, tend


def queued_ahead(node: Node, shelter: Desk) -> Dispatch:
    """An urgent alert is queued for a subscriber by a clock that is five hours ahead, and still is."""
    subscribe(shelter)
    dispatch = Dispatch(node)
    node.clock.ahead = timedelta(hours=5)
    come(node, dispatch)
    return dispatch


def test_an_urgent_alert_that_was_queued_by_a_clock_hours_ahead_is_told_once_it_is_put_right(
    node: Node, shelter: Desk
) -> None:
    dispatch = queued_ahead(node, shelter)
    node.clock.ahead = timedelta()
    hidden = dispatch.take()

    tend(node)

    assert hidden == []
    assert [one.claim.seq for one in dispatch.take()] == [1]


def test_what_was_taken_on_by_a_clock_hours_ahead_is_free_after_a_lease_once_it_is_put_right(
    node: Node, shelter: Desk
) -> None:
    dispatch = queued_ahead(node, shelter)
    dispatch.take()
    node.clock.ahead = timedelta()

    tend(node)
    at_once = dispatch.take()
    node.clock.ahead = errands.LEASE + timedelta(seconds=5)

    assert at_once == []
    assert [one.claim.tries for one in dispatch.take()] == [2]


def test_what_was_to_be_tried_again_by_a_clock_hours_ahead_waits_for_its_pause_once_it_is_put_right(
    node: Node, shelter: Desk
) -> None:
    dispatch = queued_ahead(node, shelter)
    ((taken,), at) = dispatch.take(), node.clock()
    with node.database() as conn:
        again = claims.Outcome(no=taken.claim.no, state="due", code="timeout", again_at=at + timedelta(minutes=5))
        claims.settle(conn, [again], at)
    node.clock.ahead = timedelta()

    tend(node)
    at_once = dispatch.take()
    node.clock.ahead = timedelta(minutes=6)

    assert at_once == []
    assert len(dispatch.take()) == 1


def test_nothing_is_skipped_that_came_while_the_clock_was_hours_behind(node: Node, shelter: Desk) -> None:
    subscribe(shelter)
    dispatch = Dispatch(node)
    come(node, dispatch)
    node.clock.ahead = -timedelta(minutes=30)
    come(node, dispatch)
    tend(node)
    behind = dispatch.take(most=1)
    dispatch.settle(*behind)
    node.clock.ahead = timedelta()

    tend(node)

    assert sorted(one.claim.seq or 0 for one in (*behind, *dispatch.take())) == [1, 2]


def test_what_waits_for_the_end_of_quiet_hours_goes_on_waiting(node: Node, shelter: Desk) -> None:
    at = node.clock()
    quiet = {"from": f"{at - timedelta(hours=1):%H:%M}", "until": f"{at + timedelta(hours=9):%H:%M}", "zone": "UTC"}
    subscribe(shelter, quiet=quiet)
    dispatch = Dispatch(node)
    come(node, dispatch, urgency="Expected")

    tend(node)

    assert dispatch.take() == []
