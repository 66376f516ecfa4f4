"""Signs of life for quiet webhooks, and the end of what has failed for days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.errors import CheckViolation

from hub import tending
from hub.carrying import End
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child
from tests.support.subscribing import Dispatch, shown, subscribe

HOUR = timedelta(hours=1)


def tend(node: Node, heartbeat: timedelta = HOUR) -> tuple[int, int]:
    """One round."""
    with node.database() as conn:
        return tending.tend(conn, node.name, node.clock(), heartbeat)


def kinds(dispatch: Dispatch) -> list[str]:
    return [one.claim.kind for one in dispatch.take()]


def fail(node: Node, dispatch: Dispatch) -> None:
    """An event comes, and does not arrive; the token is of this moment, which may be days ahead."""
    node.desk(POLICE).publish(missing_child())
    node.sequence()
    dispatch.queue()
    dispatch.settle(*dispatch.take(), state="due", code="timeout")


def test_a_quiet_webhook_hears_that_all_is_well_once(node: Node, shelter: Desk) -> None:
    subscribe(shelter)
    node.clock.ahead = HOUR + timedelta(minutes=1)

    first, second = tend(node), tend(node)

    assert (first, second) == ((1, 0), (0, 0))
    assert kinds(Dispatch(node)) == ["heartbeat"]


def test_one_that_hears_enough_is_told_nothing_besides(node: Node, shelter: Desk) -> None:
    subscribe(shelter)

    assert tend(node) == (0, 0)


def test_nobody_is_sent_a_heartbeat_where_the_operator_wants_none(node: Node, shelter: Desk) -> None:
    subscribe(shelter)
    node.clock.ahead = HOUR * 100

    assert tend(node, timedelta(0)) == (0, 0)


def test_what_fails_for_three_days_is_disabled_and_its_agency_told_elsewhere(node: Node, shelter: Desk) -> None:
    failing = subscribe(shelter, filter={"types": ["alert.*"]})
    other = subscribe(shelter, filter={"types": ["case.*"]})
    dispatch = Dispatch(node)
    fail(node, dispatch)
    node.clock.ahead = timedelta(days=3, minutes=1)

    assert tend(node, timedelta(0)) == (0, 1)

    (notice,) = dispatch.take()
    told = shown(node.desk(SHELTER), failing)
    assert (told["state"], told["reason"]) == ("disabled", "failing")
    assert (notice.subscription.id, notice.claim.kind, notice.claim.about) == (
        other,
        "notice",
        f"disabled:{failing}:failing",
    )


def test_an_arrival_in_between_makes_it_whole_again(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    fail(node, dispatch)
    node.clock.ahead = timedelta(days=2)
    dispatch.settle(*dispatch.take())
    fail(node, dispatch)
    node.clock.ahead = timedelta(days=4)

    assert tend(node, timedelta(0)) == (0, 0)
    assert shown(node.desk(SHELTER), subscription)["state"] == "enabled"


def test_who_is_paused_while_something_is_under_way_keeps_what_became_of_it(
    node: Node, police: Desk, shelter: Desk
) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    police.publish(missing_child())
    node.sequence()
    dispatch.queue()
    taken = dispatch.take()
    shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": "paused"})

    dispatch.settle(*taken)

    assert node.rows("SELECT state FROM delivery WHERE kind = 'event'") == [("delivered",)]


def test_an_address_that_has_answered_is_proven_though_no_more_can_be_written_down(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter, proven=False)
    (challenge,) = Dispatch(node).take()
    answered = End(no=challenge.claim.no, subscription=subscription, state="unheard-of", code="http-200", proves=True)

    with node.database() as conn, pytest.raises(CheckViolation):
        tending.finish(conn, node.name, [answered], node.clock())

    assert shown(shelter, subscription)["state"] == "enabled"
