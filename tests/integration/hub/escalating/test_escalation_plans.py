"""Who would be called when: for an agency itself, for who issues such events, and as it then comes to pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.admin.escalations import escalation as command
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.escalating import Escalation, desk
from tests.support.node import SHERIFF, Desk, Node
from tests.support.subscribing import subscribe
from tests.support.terminal import Terminal

ALERT = "alert.missing_child.issued"


def planned(of: Desk, **query: Any) -> dict[str, Any]:
    answer = of.get("/v1/escalations", **{"type": ALERT} | query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def calls(found: dict[str, Any]) -> list[tuple[int, str, list[str]]]:
    return [(call["at_s"], call["desk"], call["channels"]) for call in found["calls"]]


def warnings(found: dict[str, Any]) -> list[str]:
    return [text["en"] for text in found["warnings"]]


@pytest.fixture
def desks(sheriff: Desk, police: Desk) -> None:
    """Each is reached by another way than who was called before."""
    subscribe(sheriff)
    desk(sheriff, "supervisor")
    subscribe(sheriff, desk="command")
    desk(police, "duty")


@pytest.mark.usefixtures("desks")
def test_an_agency_sees_when_which_of_its_desks_is_called(sheriff: Desk) -> None:
    found = planned(sheriff)

    assert (found["agency"], found["ladder"], found["ack_within_s"]) == (SHERIFF.id, "urgent-alert", 600)
    assert calls(found) == [(600, "supervisor", ["email"]), (1200, "command", ["email", "webhook"]), (1500, "duty", [])]
    assert warnings(found) == []


@pytest.mark.usefixtures("desks")
def test_what_is_routine_has_a_ladder_of_its_own(sheriff: Desk) -> None:
    assert calls(planned(sheriff, urgency="routine")) == [(3600, "supervisor", ["email"]), (7200, "duty", [])]


@pytest.mark.usefixtures("desks")
def test_who_issues_such_events_sees_it_for_another_and_is_called_last(police: Desk) -> None:
    found = planned(police, agency=SHERIFF.id)

    assert calls(found)[-1] == (1500, "duty", ["email"])
    assert warnings(found) == []


def test_what_is_missing_is_said(sheriff: Desk, police: Desk) -> None:
    subscribe(sheriff)
    subscribe(sheriff, desk="supervisor")

    assert warnings(planned(police, agency=SHERIFF.id)) == [
        "step 1: desk supervisor is reached by webhook alone, as is who is told before",
        "step 2: there is no desk command, so the next step is taken at once",
        "step 3: the issuer has no desk duty and no other, so nobody is told",
    ]


def test_an_issuer_without_that_desk_is_called_at_any(sheriff: Desk, police: Desk) -> None:
    desk(sheriff, "supervisor")
    desk(police, "night")

    assert calls(planned(police, agency=SHERIFF.id))[-1] == (1200, "duty", ["email"])


def test_who_need_not_acknowledge_has_no_ladder(shelter: Desk) -> None:
    found = planned(shelter)

    assert (found["ladder"], found["calls"], found["warnings"]) == (None, [], [])


@pytest.mark.usefixtures("desks")
def test_an_operator_sees_it_for_any(olga: Desk) -> None:
    assert [call["desk"] for call in planned(olga, agency=SHERIFF.id)["calls"]] == ["supervisor", "command", "duty"]


def test_another_agencys_desks_are_nobody_elses_business(node: Node, stranger: Desk, police: Desk) -> None:
    answers = [
        stranger.get("/v1/escalations", type=ALERT, agency=SHERIFF.id),
        police.get("/v1/escalations", type="alert.other.issued", agency="us-ca-nobody"),
        stranger.get("/v1/escalations", type=ALERT, agency="us-ca-nobody"),
        node.desk(STRANGER, scope="acks:write").get("/v1/escalations", type=ALERT),
    ]

    assert [answer.status_code for answer in answers] == [403, 404, 403, 403]
    assert answers[0].get_json()["detail"] == answers[2].get_json()["detail"]


@pytest.mark.parametrize("query", [{}, {"type": "x y"}, {"type": ALERT, "urgency": "soon"}, {"type": ALERT, "at": "1"}])
def test_a_wrong_question_is_refused(sheriff: Desk, query: dict[str, Any]) -> None:
    assert sheriff.get("/v1/escalations", **query).status_code == 422


@pytest.mark.parametrize("held", [(), ("supervisor",), ("command",), ("supervisor", "command")], ids="+".join)
def test_what_is_foretold_comes_to_pass(node: Node, police: Desk, sheriff: Desk, held: tuple[str, ...]) -> None:
    """Given some of the desks, when nobody answers, then those are called that were foretold, when it was foretold."""
    for name in held:
        desk(sheriff, name)
    desk(police, "duty")
    foretold = [
        (call["at_s"] / 60, call["desk"]) for call in planned(police, agency=SHERIFF.id)["calls"] if call["channels"]
    ]
    escalation = Escalation(node)
    escalation.alert(police)

    seen = []
    for minute in range(30):
        before = len(escalation.called())
        escalation.wait(1)
        seen += [(minute + 1, name) for _, name, _ in escalation.called()[before:]]

    assert seen == foretold


@pytest.mark.usefixtures("desks")
def test_the_command_says_who_is_called_when(terminal: Terminal) -> None:
    assert terminal.does(command, "show", ALERT, "--agency", SHERIFF.id, who=POLICE.id).splitlines() == [
        f"{SHERIFF.id} acknowledges {ALERT} (urgent) within 0:10:00; ladder urgent-alert",
        "  1  +0:10:00  desk supervisor  email",
        "  2  +0:20:00  desk command  email, webhook",
        "  3  +0:25:00  issuer, desk duty  email",
    ]


def test_the_command_ends_with_1_where_something_is_missing(terminal: Terminal) -> None:
    done = terminal.run(command, "show", ALERT, who=SHERIFF.id)

    assert (done.exit_code, "  ! step 1: there is no desk supervisor" in done.output) == (1, True)


def test_the_command_says_who_need_not(terminal: Terminal) -> None:
    said = terminal.does(command, "show", ALERT, "--urgency", "routine", who=SHELTER.id)
    as_json = terminal.does(command, "show", ALERT, "--json", who=SHELTER.id)

    assert said == f"{SHELTER.id} need not acknowledge {ALERT} (routine)\n"
    assert json.loads(as_json)["ladder"] is None
