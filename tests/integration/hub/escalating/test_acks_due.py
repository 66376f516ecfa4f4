"""Who has to acknowledge something is told until when: by id, in a list, in what is pushed, and in a terminal."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.ack_cli import ack
from hub.workers.sender import body_of
from tests.support.cast import POLICE, SHELTER
from tests.support.escalating import Escalation
from tests.support.node import SHERIFF, Desk, Node
from tests.support.subscribing import subscribe
from tests.support.terminal import Terminal

TEN_MINUTES = timedelta(minutes=10)


def due(of: Desk, **query: Any) -> list[dict[str, Any]]:
    answer = of.get("/v1/acks/due", **query)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["due"])


def told(of: Desk, hub_id: str) -> dict[str, Any]:
    """The event, with what is said of it."""
    found = of.event(hub_id)
    assert found is not None
    return found


def answer(desk: Desk, hub_id: str) -> None:
    taken = desk.post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"})
    assert taken.status_code == 201, taken.text


def of_deadline(node: Node) -> str:
    ((required_by,),) = node.rows("SELECT required_by FROM deadline")
    return str(required_by.isoformat())


def test_who_reads_an_event_sees_until_when_it_is_to_be_acknowledged(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    before = escalation.node.clock()
    hub_id = escalation.alert(police)

    until = told(sheriff, hub_id)["ack_required_by"]

    assert timedelta() <= datetime.fromisoformat(until) - before - TEN_MINUTES < timedelta(minutes=1)


def test_nobody_else_sees_it(escalation: Escalation, police: Desk, shelter: Desk) -> None:
    hub_id = escalation.alert(police)

    assert ["ack_required_by" in told(of, hub_id) for of in (police, shelter)] == [False, False]
    assert (due(police), due(shelter)) == ([], [])


def test_who_has_answered_sees_it_no_more(escalation: Escalation, police: Desk, sheriff: Desk) -> None:
    hub_id = escalation.alert(police)
    answer(sheriff, hub_id)
    escalation.pass_on()

    assert ("ack_required_by" in told(sheriff, hub_id), due(sheriff)) == (False, [])


def test_what_waits_is_listed_with_the_first_that_is_due_first(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    routine, urgent = escalation.alert(police, urgent=False), escalation.alert(police)

    found = due(sheriff)

    assert [one["id"] for one in found] == [urgent, routine]
    assert found[0] == sheriff.event(urgent)
    assert [one["id"] for one in due(sheriff, limit="1")] == [routine]


def test_what_is_late_is_listed_still_and_what_is_over_is_not(escalation: Escalation, police: Desk) -> None:
    late = escalation.alert(police, subject="s")
    escalation.alert(police, subject="t")
    escalation.alert(police, "located", subject="t", minutes=1)
    escalation.wait(60 * 24)

    assert [one["id"] for one in due(escalation.node.desk(SHERIFF))] == [late]


def test_what_may_no_longer_be_read_is_not_listed(node: Node, escalation: Escalation, police: Desk) -> None:
    escalation.alert(police)
    node.regrant()

    assert due(node.desk(SHERIFF)) == []


def test_the_list_is_on_record_like_any_other_reading(escalation: Escalation, police: Desk, sheriff: Desk) -> None:
    hub_id = escalation.alert(police)
    due(sheriff)

    entries = escalation.node.rows("SELECT agency, events::text[] FROM audit WHERE object = 'acks.due'")
    assert entries == [(SHERIFF.id, [hub_id])]


def test_a_token_that_reads_no_events_gets_no_list(node: Node) -> None:
    assert node.desk(SHERIFF, scope="acks:write").get("/v1/acks/due").status_code == 403


def test_a_webhook_says_until_when(escalation: Escalation, police: Desk, sheriff: Desk) -> None:
    subscribe(sheriff)
    escalation.alert(police)
    (errand,) = escalation.dispatch.take()

    said = json.loads(body_of(errand, "https://gateway.example", escalation.node.clock()))["data"]

    assert datetime.fromisoformat(said["ack_required_by"]) == datetime.fromisoformat(of_deadline(escalation.node))


def test_what_is_told_after_the_answer_says_no_more_when(escalation: Escalation, police: Desk, sheriff: Desk) -> None:
    subscribe(sheriff)
    hub_id = escalation.alert(police)
    answer(sheriff, hub_id)
    escalation.pass_on()

    assert [errand.required_by for errand in escalation.dispatch.take()] == [None]


def test_who_need_not_acknowledge_it_hears_of_no_time(escalation: Escalation, police: Desk, shelter: Desk) -> None:
    subscribe(shelter)
    escalation.alert(police)
    (errand,) = escalation.dispatch.take()

    assert (errand.subscription.agency, errand.required_by) == (SHELTER.id, None)


def test_the_command_lists_what_waits(escalation: Escalation, police: Desk, terminal: Terminal) -> None:
    hub_id = escalation.alert(police)

    (line,) = terminal.does(ack, "--due", who=SHERIFF.id).splitlines()
    (as_json,) = terminal.does(ack, "--due", "--json", who=SHERIFF.id).splitlines()

    assert (line.startswith("to acknowledge by "), line.endswith(hub_id)) == (True, True)
    assert json.loads(as_json)["ack_required_by"] == of_deadline(escalation.node)


def test_the_command_says_what_is_late(escalation: Escalation, police: Desk, terminal: Terminal) -> None:
    escalation.alert(police)
    escalation.node.rows("UPDATE deadline SET required_by = required_by - interval '11 minutes'")

    assert terminal.does(ack, "--due", who=SHERIFF.id).startswith("OVERDUE since ")


@pytest.mark.parametrize("words", [(), ("--due", "x"), ("x",), ("x", "read", "--json")], ids=" ".join)
def test_the_command_is_about_one_event_or_about_all(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.run(ack, *words, who=POLICE.id).exit_code == 2
