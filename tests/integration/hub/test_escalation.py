"""What must be acknowledged in time, who is called when it is not, each once, and what stops it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub import errands
from hub.awaiting import needless, open_deadlines
from hub.directory import Kind, Standing
from hub.grants import Selector
from hub.picture import Picture
from hub.store import agencies
from hub.store.coming import coming
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import LADDERS, LIMITS, POLICE
from tests.support.escalating import Escalation, desk
from tests.support.node import SHERIFF, TO_SHERIFF, Desk, Node, child_case, grant, missing_child
from tests.support.recalling import take_back
from tests.support.subscribing import subscribe


@pytest.fixture
def escalation(node: Node) -> Escalation:
    return Escalation(node)


@pytest.fixture
def desks(police: Desk, sheriff: Desk) -> None:
    """The sheriff's desk on duty, its supervisor and its command; and the police's own."""
    subscribe(sheriff)
    desk(sheriff, "supervisor")
    desk(sheriff, "command", filter={"types": ["case.*"]})
    subscribe(police, filter={"types": ["case.*"]})


def answer(desk: Desk, hub_id: str, state: str, **more: Any) -> None:
    told = desk.post(f"/v1/events/{hub_id}/acks", {"state": state} | more)
    assert told.status_code in (200, 201), told.text


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


NOT_AT_FIRST = {"types": ["case.*"]}  # of what is told of no alert when it comes


def called_by(escalation: Escalation) -> list[tuple[str, str]]:
    """Desks and ways."""
    return escalation.node.rows(
        "SELECT s.desk, s.channel FROM delivery d JOIN subscription s ON s.id = d.subscription"
        " WHERE d.about IS NOT NULL ORDER BY s.desk, s.channel"
    )


def recorded(escalation: Escalation) -> list[tuple[str, str | None]]:
    """By which ways calls went, and whether these were the same as before."""
    return escalation.node.rows(
        "SELECT detail::json->>'channels', detail::json->>'same_way' FROM audit WHERE action = 'escalate' ORDER BY no"
    )


def test_who_was_told_by_webhook_is_called_by_mail_as_well_whatever_desk_has_it(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    subscribe(sheriff)
    subscribe(sheriff, desk="supervisor")
    desk(sheriff, "night", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert called_by(escalation) == [("night", "email"), ("supervisor", "webhook")]
    assert recorded(escalation) == [('["email","webhook"]', None)]


def test_a_desk_that_is_reached_by_another_way_is_called_alone(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    subscribe(sheriff)
    desk(sheriff, "supervisor")
    desk(sheriff, "night", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert (called_by(escalation), recorded(escalation)) == ([("supervisor", "email")], [('["email"]', None)])


def test_where_there_is_one_way_alone_it_is_used_again_and_that_is_on_record(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    subscribe(sheriff)
    subscribe(sheriff, desk="supervisor", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert (called_by(escalation), recorded(escalation)) == ([("supervisor", "webhook")], [('["webhook"]', "true")])


def test_an_issuer_that_had_its_own_event_by_webhook_is_called_by_mail_as_well(
    escalation: Escalation, police: Desk
) -> None:
    subscribe(police, desk="night", filter={"own": True})
    subscribe(police, filter=NOT_AT_FIRST)
    desk(police, "command", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert called_by(escalation) == [("command", "email"), ("duty", "webhook")]


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


# --- What stops it.


@pytest.mark.parametrize(
    ("state", "more", "stands"),
    [("acknowledged", {}, "acknowledged"), ("declined", {"reason": "cannot-act"}, "declined")],
)
@pytest.mark.usefixtures("desks")
def test_an_answer_closes_it(
    escalation: Escalation, police: Desk, sheriff: Desk, state: str, more: dict[str, Any], stands: str
) -> None:
    hub_id = escalation.alert(police)
    answer(sheriff, hub_id, state, **more)
    escalation.pass_on()

    assert (escalation.wait(100), escalation.deadlines()) == (0, [(SHERIFF.id, stands, None)])


@pytest.mark.parametrize("state", ["received", "read"])
@pytest.mark.usefixtures("desks")
def test_that_it_was_received_or_read_is_no_answer(
    escalation: Escalation, police: Desk, sheriff: Desk, state: str
) -> None:
    hub_id = escalation.alert(police)
    answer(sheriff, hub_id, state)
    escalation.pass_on()

    assert escalation.wait(11) == 1


@pytest.mark.parametrize("is_together", [True, False])
def test_an_answer_that_comes_before_its_deadline_is_opened_closes_it_at_once(
    node: Node, police: Desk, sheriff: Desk, is_together: bool
) -> None:
    """Given an alert that is answered, when it is passed on with the answer or long after, then nobody need answer."""
    escalation = Escalation(node)
    hub_id = police.publish(missing_child())
    answer(sheriff, hub_id, "acknowledged")
    node.sequence()

    with node.database() as conn:
        view = Picture.unread(LIMITS).refresh(conn)
        found = coming(conn, after=0, limit=2 if is_together else 1)
        open_deadlines(conn, view, found, LADDERS, node.clock())

    assert escalation.deadlines() == [(SHERIFF.id, "acknowledged", None)]


@pytest.mark.usefixtures("desks")
def test_an_answer_after_the_last_step_still_counts(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)
    for _ in range(3):
        escalation.wait(11)
    answer(escalation.node.desk(SHERIFF), hub_id, "acknowledged")
    escalation.pass_on()

    assert escalation.deadlines() == [(SHERIFF.id, "acknowledged", 3)]


def test_an_answer_to_what_was_never_received_is_refused(escalation: Escalation, police: Desk, stranger: Desk) -> None:
    hub_id = escalation.alert(police)

    refused = stranger.post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"})

    assert (refused.status_code, escalation.deadlines()) == (404, [(SHERIFF.id, "open", None)])


@pytest.mark.parametrize("verb", ["cancelled", "located"])
@pytest.mark.usefixtures("desks")
def test_the_end_of_an_alert_stops_every_timer(escalation: Escalation, police: Desk, verb: str) -> None:
    escalation.alert(police, subject="s")
    other = escalation.alert(police, subject="t")
    escalation.alert(police, verb, subject="s", minutes=1)

    assert sorted(state for _, state, _ in escalation.deadlines()) == ["open", "overtaken"]
    assert escalation.wait(11) == 1
    assert escalation.node.rows("SELECT event::text FROM deadline WHERE state = 'open'") == [(other,)]


def test_the_end_of_a_case_stops_every_timer(node: Node, escalation: Escalation, police: Desk) -> None:
    node.regrant(replace(TO_SHERIFF, types=("case.*",), purpose="trafficking-investigation"))
    case = child_case()
    police.publish(case)
    escalation.pass_on()
    opened = escalation.deadlines()
    police.publish(child_case("closed", subject=case["subject"], minutes=1))
    escalation.pass_on()

    assert (opened, escalation.deadlines()) == ([(SHERIFF.id, "open", None)], [(SHERIFF.id, "overtaken", None)])


@pytest.mark.usefixtures("desks")
def test_what_is_recalled_need_not_be_answered(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)
    taken = police.post(f"/v1/events/{hub_id}/recall", {"reason": "wrong-person"})
    assert taken.status_code == 201, taken.text
    escalation.pass_on()

    assert (escalation.wait(11), escalation.deadlines()) == (0, [(SHERIFF.id, "overtaken", None)])


def end_it(node: Node, hub_id: str, how: str) -> None:
    """What makes an acknowledgement needless, or is one; the token is of this moment."""
    if how == "acknowledged":
        answer(node.desk(SHERIFF), hub_id, how)
    elif how == "recalled":
        take_back(node.desk(POLICE), hub_id)
    else:
        node.desk(POLICE).publish(missing_child(how, subject="s", minutes=1))


def notices(escalation: Escalation) -> list[str | None]:
    """What the issuer is told now."""
    return [one.claim.about for one in escalation.dispatch.take() if one.claim.kind == "notice"]


@pytest.mark.usefixtures("desks")
@pytest.mark.parametrize("how", ["located", "cancelled", "recalled", "acknowledged"])
def test_the_issuer_is_told_no_more_that_nobody_acknowledges_what_need_not_be(
    node: Node, escalation: Escalation, police: Desk, how: str
) -> None:
    hub_id = escalation.alert(police, subject="s")
    for minutes in (11, 10, 10):
        escalation.wait(minutes)

    end_it(node, hub_id, how)
    escalation.pass_on()

    assert notices(escalation) == []
    assert escalation.node.rows("SELECT state FROM delivery WHERE kind = 'notice'") == [("overtaken",)]


@pytest.mark.parametrize(("how", "is_needless"), [("", False), ("acknowledged", False), ("located", True)])
def test_that_many_are_silent_is_told_for_as_long_as_one_is(
    node: Node, escalation: Escalation, police: Desk, how: str, is_needless: bool
) -> None:
    another = cast.agency("us-ca-lapd", Kind.LAW_ENFORCEMENT, "US-CA")
    node.enrol(another)
    node.regrant(grant(reader=Selector(kind=Kind.LAW_ENFORCEMENT), clearance=Sensitivity.ENFORCEMENT))
    hub_id = escalation.alert(police, subject="s")
    if how:
        end_it(node, hub_id, how)
        escalation.pass_on()
    subject = f"unacknowledged:{hub_id}"

    with node.database() as conn:
        assert needless(conn, {subject, "disabled:x:gone"}) == ({subject} if is_needless else set())


@pytest.mark.usefixtures("desks")
def test_nor_is_it_told_so_between_the_end_and_its_passing_on(node: Node, escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police, subject="s")
    for minutes in (11, 10, 10):
        escalation.wait(minutes)
    end_it(node, hub_id, "located")
    node.sequence()

    assert notices(escalation) == []


@pytest.mark.usefixtures("desks")
def test_what_is_on_its_way_to_the_issuer_when_the_end_comes_may_not_go_on(
    node: Node, escalation: Escalation, police: Desk
) -> None:
    hub_id = escalation.alert(police, subject="s")
    for minutes in (11, 10, 10):
        escalation.wait(minutes)
    carried = [one for one in escalation.dispatch.take() if one.claim.kind == "notice"]
    end_it(node, hub_id, "located")
    escalation.pass_on()

    with escalation.node.database() as conn:
        over = errands.over(conn, escalation.dispatch.picture, carried, escalation.node.clock())

    assert over == {one.claim.no: "overtaken" for one in carried}
    assert len(over) == 1


@pytest.mark.usefixtures("desks")
def test_nobody_is_called_between_the_end_and_its_passing_on(node: Node, escalation: Escalation, police: Desk) -> None:
    escalation.alert(police, subject="s")
    police.publish(missing_child("located", subject="s", minutes=1))
    node.sequence()

    escalation.wait(11)

    assert (escalation.called(), escalation.deadlines()) == ([], [(SHERIFF.id, "overtaken", None)])


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
