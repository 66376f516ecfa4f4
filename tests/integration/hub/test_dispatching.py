"""From the log to each subscriber's queue and out of it: in order, numbered, decided anew, and over when it is over."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Standing
from hub.store import agencies, claims
from hub.store.claims import Reach
from hub.subscribing import PARTS
from tests.support.cast import SHELTER
from tests.support.node import SHERIFF, TO_SHELTER, Desk, Node, grant, missing_child
from tests.support.subscribing import Dispatch, shown, subscribe

WEBHOOKS = Reach(channel="webhook", parts=range(PARTS), most=100)


@pytest.fixture
def dispatch(node: Node) -> Dispatch:
    return Dispatch(node)


def publish(police: Desk, verb: str = "issued", **differs: Any) -> str:
    hub_id = police.publish(missing_child(verb, **differs))
    police.node.sequence()
    return hub_id


def test_who_may_read_and_wants_it_is_told_in_order(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    published = [publish(police) for _ in range(3)]

    dispatch.queue()

    taken = dispatch.take()
    assert [(str(one.claim.event), one.claim.seq) for one in taken] == list(zip(published, (1, 2, 3), strict=True))


def test_who_may_not_read_is_told_nothing(dispatch: Dispatch, police: Desk, stranger: Desk) -> None:
    subscription = subscribe(stranger)
    publish(police)

    assert dispatch.queue() == 0
    assert shown(stranger, subscription)["seq"] == 0


def test_a_filter_keeps_what_is_not_wanted_out_and_leaves_no_hole(
    dispatch: Dispatch, police: Desk, shelter: Desk
) -> None:
    subscribe(shelter, filter={"subject": "s"})
    publish(police)
    wanted = publish(police, subject="s")
    publish(police)
    last = publish(police, "updated", subject="s", minutes=1)

    dispatch.queue()

    assert [(str(one.claim.event), one.claim.seq) for one in dispatch.take()] == [(wanted, 1), (last, 2)]


def test_exercises_reach_only_who_subscribed_to_them(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    real, drill = subscribe(shelter), subscribe(shelter, filter={"status": "exercise"})
    publish(police)
    publish(police, status="exercise")

    dispatch.queue()

    taken = dispatch.take()
    assert {(one.subscription.id, one.seen.status if one.seen else None) for one in taken} == {
        (real, "actual"),
        (drill, "exercise"),
    }


def test_each_telling_is_on_record_before_it_leaves_once(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    subscribe(police.node.desk(SHERIFF))
    hub_id = publish(police)
    dispatch.queue()
    (first, *_) = dispatch.take()
    dispatch.settle(first, state="due", code="http-503")

    entries = police.node.rows(
        "SELECT coalesce(readers, ARRAY[agency]), events::text[], projections FROM audit"
        " WHERE object = 'pointer.webhook'"
    )
    named = [reader for readers, _, _ in entries for reader in readers]

    assert {str(event) for _, events, _ in entries for event in events} == {hub_id}
    assert {name for _, _, names in entries for name in names} == {"pointer"}
    assert sorted(named) == sorted([SHELTER.id, SHERIFF.id])


def test_who_was_suspended_meanwhile_is_told_nothing(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    publish(police)
    dispatch.queue()
    with police.node.database() as conn:
        agencies.set_standing(conn, SHELTER.id, Standing.SUSPENDED)

    assert dispatch.take() == []
    assert police.node.rows("SELECT state FROM delivery") == [("withdrawn",)]


def test_who_has_lost_the_grant_meanwhile_is_told_nothing(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    publish(police)
    dispatch.queue()
    police.node.regrant()

    assert dispatch.take() == []
    assert police.node.rows("SELECT count(*) FROM audit WHERE object = 'pointer.webhook'")[0][0] == 0


def test_what_an_end_has_overtaken_is_told_nobody_but_the_end_is(
    dispatch: Dispatch, police: Desk, shelter: Desk
) -> None:
    subscribe(shelter)
    publish(police, subject="s")
    dispatch.queue()
    end = publish(police, "located", subject="s", minutes=1)

    taken_before_it_was_queued = dispatch.take()
    dispatch.queue()

    assert taken_before_it_was_queued == []
    assert [str(one.claim.event) for one in dispatch.take()] == [end]
    assert police.node.rows("SELECT state FROM delivery ORDER BY no") == [("overtaken",), ("due",)]


def test_a_telling_that_is_under_way_is_not_taken_on_twice(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    publish(police)
    dispatch.queue()

    assert len(dispatch.take()) == 1
    assert dispatch.take() == []


def test_what_died_with_its_carrier_is_taken_on_by_another(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    publish(police)
    dispatch.queue()
    (lost,) = dispatch.take()

    police.node.clock.ahead = timedelta(minutes=1)

    (again,) = dispatch.take()
    assert (again.claim.no, again.claim.seq, again.claim.tries) == (lost.claim.no, 1, 2)


@pytest.mark.parametrize(
    ("differs", "of_shelter"), [({"each": 3}, 3), ({"slow": [SHELTER.id]}, 2), ({"busy": [SHELTER.id]}, 0)]
)
def test_a_full_queue_of_one_agency_leaves_room_for_the_others(
    dispatch: Dispatch, police: Desk, shelter: Desk, differs: dict[str, Any], of_shelter: int
) -> None:
    subscribe(shelter)
    subscribe(shelter)
    subscribe(police.node.desk(SHERIFF))
    for _ in range(3):
        publish(police)
    dispatch.queue()

    taken = dispatch.take(**differs)

    assert Counter(one.subscription.agency for one in taken) == Counter({SHELTER.id: of_shelter, SHERIFF.id: 3})


def test_what_waits_for_one_that_does_not_answer_is_looked_at_later_and_in_its_order(
    dispatch: Dispatch, police: Desk, shelter: Desk
) -> None:
    subscribe(shelter)
    subscribe(police.node.desk(SHERIFF))
    for _ in range(3):
        publish(police)
    dispatch.queue()
    at = police.node.clock()
    with police.node.database() as conn:
        deferred = claims.defer(conn, WEBHOOKS, [SHELTER.id], at, at + timedelta(seconds=30))

    now = {one.subscription.agency for one in dispatch.take()}
    police.node.clock.ahead = timedelta(seconds=31)
    later = [(one.subscription.agency, one.claim.seq) for one in dispatch.take() if one.claim.tries == 1]

    assert (deferred, now) == (3, {SHERIFF.id})
    assert later == [(SHELTER.id, 1), (SHELTER.id, 2), (SHELTER.id, 3)]


@pytest.mark.parametrize("reach", [replace(WEBHOOKS, channel="email"), replace(WEBHOOKS, parts=())])
def test_what_goes_another_way_or_is_another_senders_is_not_held_up_with_it(
    dispatch: Dispatch, police: Desk, shelter: Desk, reach: Reach
) -> None:
    subscribe(shelter)
    publish(police)
    dispatch.queue()
    at = police.node.clock()
    with police.node.database() as conn:
        claims.defer(conn, reach, [SHELTER.id], at, at + timedelta(seconds=30))

    assert len(dispatch.take()) == 1


def test_quiet_hours_hold_back_what_is_not_urgent(dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    at = police.node.clock()
    quiet = {"from": f"{at - timedelta(hours=1):%H:%M}", "until": f"{at + timedelta(hours=2):%H:%M}", "zone": "UTC"}
    subscribe(shelter, quiet=quiet)
    publish(police, data={"urgency": "Expected"})
    urgent = publish(police, data={"urgency": "Immediate"})

    dispatch.queue()

    assert [str(one.claim.event) for one in dispatch.take()] == [urgent]


def test_what_opens_late_is_told_when_it_opens(node: Node, dispatch: Dispatch, police: Desk, shelter: Desk) -> None:
    node.regrant()
    subscribe(shelter)
    publish(police)
    queued_before = dispatch.queue()
    node.regrant(TO_SHELTER, grant(id="another"))
    fresh = publish(police)

    dispatch.queue()

    assert queued_before == 0
    assert [str(one.claim.event) for one in dispatch.take()] == [fresh]


def test_what_arrived_is_counted_and_what_did_not_is_told_since_when(
    dispatch: Dispatch, police: Desk, shelter: Desk
) -> None:
    subscription = subscribe(shelter)
    publish(police)
    dispatch.queue()
    (first,) = dispatch.take()
    dispatch.settle(first)
    arrived = shown(shelter, subscription)
    publish(police)
    dispatch.queue()
    (second,) = dispatch.take()

    dispatch.settle(second, state="due", code="timeout")

    failing = shown(shelter, subscription)
    assert (arrived["outcome"], arrived["failing_since"]) == ("http-200", None)
    assert (failing["outcome"], failing["told_at"], failing["seq"]) == ("timeout", arrived["told_at"], 2)
    assert failing["failing_since"] is not None
