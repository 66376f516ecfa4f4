"""What stops a deadline and all that was queued for it: an answer, the end of its alert, a recall."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub import errands
from hub.awaiting import needless, open_deadlines
from hub.directory import Kind
from hub.grants import Selector
from hub.picture import Picture
from hub.store.coming import coming
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import LADDERS, LIMITS, POLICE
from tests.support.escalating import Escalation
from tests.support.node import SHERIFF, TO_SHERIFF, Desk, Node, child_case, grant, missing_child
from tests.support.recalling import take_back


def answer(desk: Desk, hub_id: str, state: str, **more: Any) -> None:
    told = desk.post(f"/v1/events/{hub_id}/acks", {"state": state} | more)
    assert told.status_code in (200, 201), told.text


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
