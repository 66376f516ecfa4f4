"""Signs of life for quiet webhooks, and the end of what has failed for days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import CheckViolation

from hub import tending
from hub.carrying import End
from hub.store import deliveries, subscriptions
from hub.subscribing import Reason
from tests.support.cast import SHELTER
from tests.support.metrics import metric
from tests.support.node import Desk, Node, missing_child
from tests.support.subscribing import Dispatch, shown, subscribe
from tests.support.tending import HOUR, come, tend


def kinds(dispatch: Dispatch) -> list[str]:
    return [one.claim.kind for one in dispatch.take()]


def fail(node: Node, dispatch: Dispatch, *, state: str = "due", days: float = 0, channel: str = "webhook") -> None:
    """So many days later an event comes, and does not arrive; the token is of then."""
    node.clock.ahead += timedelta(days=days)
    come(node, dispatch)
    dispatch.settle(*dispatch.take(channel), state=state, code="timeout")


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
    for days in (0, 1, 1, 1):
        fail(node, dispatch, state="failed", days=days)
    node.clock.ahead += timedelta(minutes=1)

    assert tend(node, timedelta(0)) == (0, 1)

    (notice,) = dispatch.take()
    told = shown(node.desk(SHELTER), failing)
    assert (told["state"], told["reason"]) == ("disabled", "failing")
    assert (notice.subscription.id, notice.claim.kind, notice.claim.about) == (
        other,
        "notice",
        f"disabled:{failing}:failing",
    )


def disabled(node: Node, subscription: UUID) -> list[tuple[str, str]]:
    """It has failed for days; who hears of it: channel and kind."""
    with node.database() as conn, conn.transaction():
        deliveries.change_states(conn)
        found = subscriptions.one(conn, subscription)
        assert found is not None
        assert tending.disable(conn, node.name, found[0], Reason.FAILING, node.clock())
    return node.rows(
        "SELECT s.channel, s.name FROM delivery d JOIN subscription s ON s.id = d.subscription WHERE d.kind = 'notice'"
        " ORDER BY s.channel, s.name"
    )


MAIL: dict[str, Any] = {"channel": "email", "address": "duty@shelter.example"}


def test_its_agency_hears_of_it_by_another_channel_where_it_has_one(node: Node, shelter: Desk) -> None:
    failing = subscribe(shelter)
    subscribe(shelter, name="other hook")
    subscribe(shelter, name="mail", **MAIL)

    assert disabled(node, failing) == [("email", "mail")]


def test_its_agency_hears_of_it_by_the_same_channel_where_it_has_no_other(node: Node, shelter: Desk) -> None:
    failing = subscribe(shelter)
    subscribe(shelter, name="other hook")
    subscribe(shelter, name="not proven", proven=False, **MAIL)

    assert disabled(node, failing) == [("webhook", "other hook")]


def test_where_it_has_no_other_at_all_it_is_warned_when_it_asks_and_the_operator_is(
    node: Node, shelter: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Given the only subscription, when it is disabled, then who it was shows in /v1/me, in the log and in a metric."""
    failing = subscribe(shelter)
    before = metric(node, "puente_subscriptions_untold", tmp_path)

    told = disabled(node, failing)

    assert told == []
    assert shelter.get("/v1/me").get_json()["warnings"] == [
        {
            "en": f"The subscription {failing} of your agency was disabled and is told nothing any more: nothing has"
            " arrived there for long.",
            "es": f"La suscripción {failing} de su agencia fue deshabilitada y ya no recibe avisos: hace mucho que nada"
            " llega ahí.",
        }
    ]
    assert [one.getMessage() for one in caplog.records if one.name == "hub.tending"] == [
        f"subscription {failing} is disabled (failing), and its agency has no other to be told by"
    ]
    assert (before, metric(node, "puente_subscriptions_untold", tmp_path)) == (["0.0"], ["1.0"])


def test_what_its_agency_has_disabled_itself_is_no_news_to_it(shelter: Desk) -> None:
    one = subscribe(shelter)
    shelter.post(f"/v1/subscriptions/{one}/state", {"state": "disabled"})

    assert shelter.get("/v1/me").get_json()["warnings"] == []


def test_an_arrival_in_between_makes_it_whole_again(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    for days in (0, 1, 1):
        fail(node, dispatch, days=days)
    node.clock.ahead += timedelta(hours=12)
    dispatch.settle(*dispatch.take())
    for later in (0.5, 1, 1):
        fail(node, dispatch, days=later)

    assert tend(node, timedelta(0)) == (0, 0)
    assert shown(node.desk(SHELTER), subscription)["state"] == "enabled"


def test_what_fails_while_the_clock_jumps_days_ahead_has_not_failed_for_days(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    dispatch = Dispatch(node)
    for days in (0, 0, 7, 0):
        fail(node, dispatch, days=days)

    assert tend(node, timedelta(0)) == (0, 0)
    assert shown(node.desk(SHELTER), subscription)["state"] == "enabled"


def test_three_quiet_days_after_a_failure_are_not_three_days_of_failure(node: Node, shelter: Desk) -> None:
    subscribe(shelter)
    fail(node, Dispatch(node), state="failed")
    node.clock.ahead = timedelta(days=3, minutes=1)

    assert tend(node, timedelta(0)) == (0, 0)


@pytest.mark.parametrize("each_day", [(0,), (0, 1, 1, 1)], ids=["once", "each day"])
def test_a_mailbox_that_takes_nothing_for_days_is_written_to_for_as_long_as_it_is_there(
    node: Node, shelter: Desk, each_day: tuple[int, ...]
) -> None:
    subscription = subscribe(shelter, channel="email", address="duty@shelter.example")
    for days in each_day:
        fail(node, Dispatch(node), state="failed", days=days, channel="email")
    node.clock.ahead = timedelta(days=3, minutes=1)

    assert tend(node, timedelta(0)) == (0, 0)
    assert shown(node.desk(SHELTER), subscription)["state"] == "enabled"


def test_since_when_a_mailbox_is_said_not_to_be_there_is_kept_until_it_takes_something(
    node: Node, shelter: Desk
) -> None:
    subscription = subscribe(shelter, channel="email", address="duty@shelter.example")
    dispatch, began, found = Dispatch(node), node.clock(), list[bool]()
    for code, bounces in (("smtp-451", False), ("smtp-550", True), ("smtp-554", False), ("smtp-250", False)):
        come(node, dispatch)
        state = "delivered" if code == "smtp-250" else "failed"
        ends = [
            End(no=one.claim.no, subscription=subscription, state=state, code=code, bounces=bounces)
            for one in dispatch.take("email")
        ]
        with node.database() as conn:
            tending.finish(conn, node.name, ends, node.clock())
            tally = (subscriptions.one(conn, subscription) or pytest.fail("it is there"))[1]
        found.append(tally.bounced_at is not None and tally.bounced_at > began)

    assert found == [False, True, True, False]


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
