"""Rules that change under open streams: what is sent is what the present ones allow, and it is on record before."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from hub.grants import Selector
from hub.store import grants as stored_grants
from hub.store import log
from tests.integration.live.conftest import Listen
from tests.integration.live.publishing import place, publish
from tests.support.cast import STRANGER
from tests.support.node import TO_SHELTER, TO_SHERIFF, Desk, Node, grant, missing_child
from tests.support.waiting import until

WAITING = """
    SELECT 1 FROM pg_stat_activity WHERE application_name = 'puente-stream' AND wait_event_type = 'Lock'
       AND datname = current_database()
"""


def disclosed(node: Node, agency: str) -> int:
    """How many events streams have disclosed to an agency, by the record."""
    rows = node.rows("SELECT agency, readers FROM audit WHERE action = 'disclose' AND object = 'stream' AND is_allowed")
    return sum(agency in (readers or [one]) for one, readers in rows)


def test_what_a_revoked_grant_opened_comes_no_more(node: Node, police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)
    publish(police)
    ear.event()

    node.regrant(TO_SHERIFF)
    publish(police, 2)
    node.regrant(TO_SHELTER, TO_SHERIFF)

    assert publish(police) == ear.events(1)


def test_a_narrower_grant_narrows_what_comes_next(node: Node, police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)

    node.regrant(grant(types=("alert.missing_child.located",)))
    publish(police)
    located = place(police, missing_child("located"))

    assert ear.events(1) == located


def test_a_grant_that_opens_late_opens_what_comes_next(
    node: Node, police: Desk, stranger: Desk, shelter: Desk, listen: Listen
) -> None:
    ear, other = listen(stranger), listen(shelter)
    publish(police)
    other.event()

    node.regrant(TO_SHELTER, grant(id="to-stranger", reader=Selector(agency=STRANGER.id)))

    assert publish(police) == ear.events(1)


def test_rules_that_change_between_decision_and_record_are_decided_by(
    node: Node, police: Desk, shelter: Desk, sheriff: Desk, listen: Listen
) -> None:
    ear, other = listen(shelter), listen(sheriff)
    with node.database() as conn, conn.transaction():
        conn.execute("LOCK TABLE disclosing IN ACCESS EXCLUSIVE MODE")
        published = publish(police)
        until(lambda: node.rows(WAITING), what="the look that has decided")
        stored_grants.replace_imported(conn, (TO_SHERIFF,), bytes(32))

    assert other.events(1) == published
    assert ear.is_silent()
    assert disclosed(node, shelter.agency.id) == 0


def test_an_end_that_is_placed_meanwhile_is_owed_to_who_gets_the_alert(
    node: Node, police: Desk, shelter: Desk, listen: Listen
) -> None:
    node.regrant(grant(types=("alert.missing_child.issued",)))
    publish(police, verb="cancelled")  # a first one of its kind would make what was decided stale by itself
    ear = listen(shelter)
    alert, end = (missing_child(verb, subject="one", minutes=n) for n, verb in enumerate(("issued", "cancelled")))
    me = uuid4()
    with node.database() as holder, node.database() as sequencer:
        with sequencer.transaction(), holder.transaction():
            holder.execute("LOCK TABLE disclosing IN ACCESS EXCLUSIVE MODE")
            place(police, alert)
            until(lambda: node.rows(WAITING), what="the look that has decided")
            police.publish(end)
            led = log.take_lease(sequencer, "sequencer", me, lease_ms=5000)
            assert led is not None
            log.assign(sequencer, led[0], most=10, lease_ms=5000)
        log.drop_lease(sequencer, "sequencer", me)

    first, second = ear.event(), ear.event()

    assert [one["event"]["type"] for one in (first, second)] == [alert["type"], end["type"]]
    assert second["projection"] == "notice"


def test_what_was_decided_too_long_ago_is_proven_anew_before_it_is_sent(
    node: Node, police: Desk, shelter: Desk, listen: Listen
) -> None:
    ear = listen(shelter)
    with node.database() as conn, conn.transaction():
        conn.execute("LOCK TABLE disclosing IN ACCESS EXCLUSIVE MODE")
        published = publish(police)
        until(lambda: node.rows(WAITING), what="the look that has decided")
        time.sleep(1.6)  # longer than what was decided holds

    assert ear.events(1) == published
    assert disclosed(node, shelter.agency.id) == 1


def test_what_cannot_be_proven_in_time_is_read_by_each_alone(
    police: Desk, shelter: Desk, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.live.crier.TRIES", 0)
    ear = listen(shelter)

    published = publish(police, 2)

    assert ear.events(2) == published
    assert ear.is_silent()


def test_a_recall_reaches_who_had_the_event_and_nobody_else(
    node: Node, police: Desk, shelter: Desk, stranger: Desk, listen: Listen
) -> None:
    ear, other = listen(shelter), listen(stranger)
    hub_id = police.publish(missing_child())
    node.sequence()
    ear.event()

    done = police.post(f"/v1/events/{hub_id}/recall", {"reason": "wrong-person"})
    assert done.status_code in (200, 201), done.text
    node.sequence()

    assert ear.event()["event"]["type"] == "control.recalled"
    assert other.is_silent()


def test_exercises_and_tests_never_come_with_what_is_real(police: Desk, shelter: Desk, listen: Listen) -> None:
    ears = {status: listen(shelter, status=status) for status in ("actual", "exercise", "test")}

    published = {status: publish(police, 2, status=status) for status in ears}

    assert {status: ear.events(2) for status, ear in ears.items()} == published
    assert all(ear.is_silent() for ear in ears.values())
