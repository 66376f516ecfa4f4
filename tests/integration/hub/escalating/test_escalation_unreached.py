"""A ladder ends with a person: while nobody at the issuer can be told, that is shown, and tried again."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.admin.receipts import receipts
from tests.integration.hub.test_keeper import running
from tests.integration.hub.test_receipts import row
from tests.support.cast import POLICE
from tests.support.escalating import Escalation, desk
from tests.support.metrics import metric
from tests.support.node import SHERIFF, Desk
from tests.support.subscribing import subscribe
from tests.support.terminal import Terminal
from tests.support.waiting import until


@pytest.fixture
def hub_id(escalation: Escalation, police: Desk) -> str:
    """An alert that the sheriff, who has no desks, has not acknowledged, by an issuer who has none either."""
    found = escalation.alert(police)
    escalation.wait(11)
    return found


def recorded(escalation: Escalation) -> list[tuple[str, str]]:
    """How many the issuer's were told, each time that is on record, and of whom."""
    return escalation.node.rows(
        "SELECT detail::json->>'told', detail::json->>'silent' FROM audit WHERE action = 'escalate' ORDER BY no"
    )


def test_where_nobody_can_be_told_the_deadline_stays_open(escalation: Escalation, hub_id: str) -> None:
    (found,) = escalation.unreached

    assert (escalation.called(), escalation.deadlines()) == ([], [(SHERIFF.id, "open", 3)])
    assert (str(found.event), found.issuer, found.silent) == (hub_id, POLICE.id, (SHERIFF.id,))


@pytest.mark.usefixtures("hub_id")
def test_it_is_tried_again_each_five_minutes_and_on_record_once(escalation: Escalation) -> None:
    moved = [escalation.wait(minutes) for minutes in (3.9, 1.2, 3.9, 1.2)]

    assert moved == [0, 1, 0, 1]
    assert recorded(escalation) == [("0", f'["{SHERIFF.id}"]')]
    assert len(escalation.unreached) == 1


@pytest.mark.usefixtures("hub_id")
def test_a_day_later_it_is_tried_each_hour(escalation: Escalation) -> None:
    escalation.wait(24 * 60)

    assert [escalation.wait(minutes) for minutes in (58, 3)] == [0, 1]


def test_once_somebody_can_be_told_they_are(escalation: Escalation, hub_id: str) -> None:
    desk(escalation.node.desk(POLICE), "night")

    escalation.wait(5.1)

    assert escalation.called() == [(POLICE.id, "night", f"unacknowledged:{hub_id}:{SHERIFF.id}")]
    assert escalation.deadlines() == [(SHERIFF.id, "ended", 3)]
    assert [told for told, _ in recorded(escalation)] == ["0", "1"]


def test_an_answer_ends_it(escalation: Escalation, hub_id: str) -> None:
    escalation.node.desk(SHERIFF).post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"})
    escalation.pass_on()

    assert (escalation.wait(6), escalation.deadlines()) == (0, [(SHERIFF.id, "acknowledged", 3)])


def test_the_end_of_the_alert_ends_it(escalation: Escalation, police: Desk) -> None:
    escalation.alert(police, subject="s")
    escalation.wait(11)
    escalation.alert(escalation.node.desk(POLICE), "located", subject="s", minutes=1)

    assert (escalation.wait(6), escalation.deadlines()) == (0, [(SHERIFF.id, "overtaken", 3)])


def test_it_is_counted(escalation: Escalation, police: Desk, tmp_path: Path) -> None:
    escalation.alert(police)
    before = metric(escalation.node, "puente_escalations_unreached", tmp_path)

    escalation.wait(11)

    assert (before, metric(escalation.node, "puente_escalations_unreached", tmp_path)) == (["0.0"], ["1.0"])


def test_receipts_say_so(escalation: Escalation, hub_id: str) -> None:
    before = row(escalation.node.desk(POLICE), hub_id, SHERIFF.id)
    desk(escalation.node.desk(POLICE), "duty")
    escalation.wait(6)
    after = row(escalation.node.desk(POLICE), hub_id, SHERIFF.id)

    assert ((before["escalated"], before["unreached"]), (after["escalated"], after["unreached"])) == (
        (3, True),
        (3, False),
    )


def test_the_board_says_so(escalation: Escalation, police: Desk, terminal: Terminal) -> None:
    hub_id = escalation.alert(police)
    escalation.node.rows(
        "UPDATE deadline SET (since, due_at) = (since - m, due_at - m) FROM (VALUES (interval '1h')) a (m)"
    )
    escalation.look()

    lines = terminal.does(receipts, hub_id, who=POLICE.id).splitlines()

    assert [SHERIFF.name in line for line in lines if "step 3 REACHES NOBODY" in line] == [True]


def test_the_keeper_logs_it_without_a_word_of_the_event(
    escalation: Escalation, police: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    hub_id = escalation.alert(police)
    escalation.node.clock.ahead += timedelta(minutes=11)
    with caplog.at_level(logging.ERROR, "hub.workers.keeper"), running(escalation.node):
        until(lambda: caplog.records)

    assert [one.getMessage() for one in caplog.records] == [
        f"event {hub_id}: nobody at its issuer {POLICE.id} can be told that no acknowledgement came from {SHERIFF.id};"
        " tried again"
    ]


# --- Said before it is needed.


def warned(of: Desk) -> list[dict[str, str]]:
    found: list[dict[str, str]] = of.get("/v1/me").get_json()["warnings"]
    return found


def test_an_agency_that_has_to_acknowledge_learns_which_desks_it_lacks(sheriff: Desk) -> None:
    desk(sheriff, "supervisor")

    assert [one["en"] for one in warned(sheriff)] == [
        "ladder urgent-alert: step 2: there is no desk command, so the next step is taken at once"
    ]
    assert [one["es"] for one in warned(sheriff)] == [
        "escalera urgent-alert: paso 2: no existe la mesa command, así que se pasa de inmediato al siguiente"
    ]


def test_an_issuer_that_nobody_can_be_told_at_learns_it_of_each_ladder(police: Desk) -> None:
    assert [one["en"] for one in warned(police)] == [
        f"ladder {ladder}: step {step}: the issuer has no desk duty and no other, so nobody is told"
        for ladder, step in (("urgent-alert", 3), ("routine-alert", 2), ("case", 2))
    ]


def test_who_has_all_desks_or_need_not_have_any_is_warned_of_nothing(
    police: Desk, sheriff: Desk, shelter: Desk, stranger: Desk
) -> None:
    desk(police, "duty")
    subscribe(sheriff)
    desk(sheriff, "supervisor")
    subscribe(sheriff, desk="command")

    assert [warned(of) for of in (police, sheriff, shelter, stranger)] == [[]] * 4
