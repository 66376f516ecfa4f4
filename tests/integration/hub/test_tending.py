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
from tests.support.cast import POLICE, SHELTER
from tests.support.metrics import metric
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
