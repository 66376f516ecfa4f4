"""What must be acknowledged in time, who is called when it is not, each once, and what stops it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Standing
from hub.store import agencies
from tests.support.cast import POLICE
from tests.support.escalating import Escalation, desk
from tests.support.node import SHERIFF, Desk, Node, missing_child
from tests.support.subscribing import subscribe

# --- Who must.


def test_agencies_of_the_kinds_that_must_and_may_read_it_have_a_deadline(escalation: Escalation, police: Desk) -> None:
    escalation.alert(police)

    assert escalation.deadlines() == [(SHERIFF.id, "open", None)]  # the shelter need not, the stranger may not


@pytest.mark.parametrize(("urgent", "within_s"), [(True, 600), (False, 3600)])
def test_it_is_due_as_soon_as_the_urgency_asks(
    escalation: Escalation, police: Desk, urgent: bool, within_s: int
) -> None:
    escalation.alert(police, urgent=urgent)

    waits = escalation.node.rows("SELECT required_by - since, due_at - since FROM deadline")
    assert waits == [(timedelta(seconds=within_s),) * 2]


@pytest.mark.parametrize(
    "told",
    [
        {"verb": "updated", "minutes": 1},
        {"status": "exercise"},
        {"status": "test"},
        {"verb": "cancelled", "minutes": 1},
    ],
    ids=str,
)
def test_what_is_not_new_or_not_real_needs_no_acknowledgement(
    escalation: Escalation, police: Desk, told: dict[str, Any]
) -> None:
    escalation.alert(police, **told)

    assert escalation.deadlines() == []


def test_what_ended_before_it_was_passed_on_needs_none(escalation: Escalation, police: Desk) -> None:
    event = missing_child()
    police.publish(event)
    police.publish(missing_child("located", subject=event["subject"], minutes=1))
    escalation.pass_on()

    assert escalation.deadlines() == []


# --- Each step.


@pytest.mark.usefixtures("desks")
def test_the_next_desk_is_called_and_then_the_next_and_last_the_issuer(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)

    moved = [escalation.wait(minutes) for minutes in (9, 1.1, 9, 1, 4, 1, 600)]

    assert moved == [0, 1, 0, 1, 0, 1, 0]
    assert escalation.called() == [
        (SHERIFF.id, "supervisor", "escalation:1"),
        (SHERIFF.id, "duty", "escalation:2"),  # by webhook, since the supervisor was told by mail
        (SHERIFF.id, "command", "escalation:2"),
        (POLICE.id, "duty", f"unacknowledged:{hub_id}:{SHERIFF.id}"),
    ]
    assert escalation.deadlines() == [(SHERIFF.id, "ended", 3)]


@pytest.mark.usefixtures("desks")
def test_who_is_called_is_told_the_event_again_urgently_and_by_number(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police, urgent=False)
    escalation.wait(61)

    (call,) = [one for one in escalation.dispatch.take("email") if one.claim.about is not None]

    assert (str(call.claim.event), call.claim.is_urgent, call.claim.seq, call.subscription.desk) == (
        hub_id,
        True,
        2,
        "supervisor",
    )


@pytest.mark.usefixtures("desks")
def test_each_step_is_on_record(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)
    for _ in range(3):
        escalation.wait(11)

    entries = escalation.node.rows(
        "SELECT agency, object, detail::json->>'desk', detail::json->>'silent' FROM audit"
        " WHERE action = 'escalate' ORDER BY no"
    )
    assert entries == [
        (SHERIFF.id, hub_id, "supervisor", None),
        (SHERIFF.id, hub_id, "command", None),
        (POLICE.id, hub_id, "duty", f'["{SHERIFF.id}"]'),
    ]


def test_where_a_desk_is_not_there_the_next_is_called_at_once(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    desk(sheriff, "command")
    subscribe(police, name="ours", desk="night")
    hub_id = escalation.alert(police)

    escalation.wait(10.1)
    first = escalation.called()
    escalation.wait(5)

    assert first == [(SHERIFF.id, "command", "escalation:2")]
    assert escalation.called()[1:] == [(POLICE.id, "night", f"unacknowledged:{hub_id}:{SHERIFF.id}")]


def test_quiet_hours_hold_back_no_call_about_what_is_urgent(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    at = escalation.node.clock()
    quiet = {"from": f"{at - timedelta(hours=1):%H:%M}", "until": f"{at + timedelta(hours=5):%H:%M}", "zone": "UTC"}
    desk(sheriff, "supervisor", quiet=quiet)
    urgent = escalation.alert(police)
    escalation.alert(police, urgent=False)
    escalation.wait(61)

    taken = [str(one.claim.event) for one in escalation.dispatch.take("email") if one.claim.about is not None]

    assert taken == [urgent]


@pytest.mark.usefixtures("desks")
def test_a_suspended_agency_is_not_called_and_the_issuer_is_told(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)
    with escalation.node.database() as conn:
        agencies.set_standing(conn, SHERIFF.id, Standing.SUSPENDED)

    escalation.wait(11)

    assert escalation.called() == [(POLICE.id, "duty", f"unacknowledged:{hub_id}:{SHERIFF.id}")]


@pytest.mark.usefixtures("desks")
def test_who_may_no_longer_read_it_is_not_called(node: Node, escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)
    node.regrant()

    escalation.wait(11)

    assert escalation.called() == [(POLICE.id, "duty", f"unacknowledged:{hub_id}:{SHERIFF.id}")]


# --- Clocks.


@pytest.mark.usefixtures("desks")
def test_a_clock_that_jumps_ahead_skips_no_step_and_takes_one_at_a_time(escalation: Escalation, police: Desk) -> None:
    escalation.alert(police)

    moved = [escalation.wait(minutes) for minutes in (24 * 60, 9.9, 0.2, 4.9, 0.2)]

    assert (moved, len(escalation.called())) == ([1, 0, 1, 0, 1], 4)


@pytest.mark.usefixtures("desks")
def test_a_clock_that_is_set_back_repeats_no_step_and_delays_none_for_long(
    escalation: Escalation, police: Desk
) -> None:
    police.publish(missing_child())
    escalation.node.clock.ahead = timedelta(days=1)
    escalation.pass_on()
    escalation.wait(10.1)
    escalation.node.clock.ahead = timedelta()

    moved = [escalation.look(), escalation.wait(9.9), escalation.wait(0.2)]

    assert (moved, [desk for _, desk, _ in escalation.called()]) == ([0, 0, 1], ["supervisor", "duty", "command"])
