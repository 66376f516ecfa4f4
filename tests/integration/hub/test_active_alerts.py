"""What a duty officer finds at the start of a shift: every alert that goes on, by the last word that it may read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.node import SHERIFF, Desk, missing_child, stamp

OPEN = {"tlp": "green"}
NAMED = OPEN | {"audience": [SHERIFF.id]}
# So many that the lane does not hold them: each event is decided by itself.
MANY = OPEN | {"audience": [SHERIFF.id, *(f"us-ca-nobody{number}" for number in range(6))]}


def child(verb: str = "issued", *, minutes: float = 0, **differs: Any) -> dict[str, Any]:
    return missing_child(verb, minutes=minutes, **{"subject": "ximena", "label": OPEN} | differs)


def publish(police: Desk, *events: dict[str, Any]) -> list[str]:
    """Publish and put into the log, in this order."""
    published = [police.publish(event) for event in events]
    police.node.sequence()
    return published


def active(desk: Desk, **query: Any) -> list[str]:
    return [item["id"] for item in desk.get("/v1/alerts/active", **query).get_json()["alerts"]]


@pytest.mark.parametrize("narrower", [NAMED, MANY], ids=["by its lane", "by itself"])
def test_who_may_not_read_the_newest_word_keeps_the_one_before(
    police: Desk, shelter: Desk, sheriff: Desk, narrower: dict[str, Any]
) -> None:
    issued, updated = publish(police, child(), child("updated", minutes=1, label=narrower))

    assert (active(sheriff), active(shelter)) == ([updated], [issued])


def test_words_for_many_others_do_not_hide_the_one_before(police: Desk, shelter: Desk) -> None:
    issued, *_ = publish(police, child(), *(child("updated", minutes=n, label=MANY) for n in range(1, 8)))

    assert active(shelter) == [issued]


def test_the_end_is_the_end_for_those_too_who_may_not_read_it(police: Desk, shelter: Desk) -> None:
    publish(police, child(), child("cancelled", minutes=1, label=NAMED))

    assert active(shelter) == []


def test_what_was_opened_again_among_others_stays_ended_for_the_rest(
    police: Desk, shelter: Desk, sheriff: Desk
) -> None:
    *_, again = publish(police, child(), child("cancelled", minutes=1), child("updated", minutes=2, label=NAMED))

    assert (active(sheriff), active(shelter)) == ([again], [])


def test_an_alert_runs_out_when_the_last_word_that_may_be_read_says_so(police: Desk, shelter: Desk) -> None:
    longer, shorter = ({"active_until": stamp(minutes)} for minutes in (600, 180))
    publish(police, child(label=OPEN | longer), child("updated", minutes=1, label=OPEN | shorter))
    publish(police, child("updated", minutes=2, label=NAMED | longer))

    police.node.clock.ahead = timedelta(minutes=300)

    assert active(police.node.desk(shelter.agency)) == []


def test_the_last_word_is_the_one_that_was_said_last_not_the_one_that_came_last(police: Desk, shelter: Desk) -> None:
    later, _ = publish(police, child("updated", minutes=5), child("updated", minutes=2))

    assert active(shelter) == [later]


def test_a_limit_counts_alerts_and_the_newest_come_first(police: Desk, shelter: Desk) -> None:
    for subject in ("ana", "beto", "carla"):
        publish(police, child(subject=subject))
    *_, carla = publish(police, *(child("updated", minutes=n, subject="carla") for n in range(1, 5)))
    (ana,) = publish(police, child("updated", minutes=9, subject="ana"))

    assert active(shelter, limit=2) == [ana, carla]


def test_only_what_was_shown_is_on_record(police: Desk, shelter: Desk) -> None:
    publish(police, child(), child("updated", minutes=1))

    (shown,) = active(shelter)

    assert police.node.rows("SELECT events::text[] FROM audit WHERE object = 'alerts.active'") == [([shown],)]


def test_what_was_recalled_is_nobodys_last_word(police: Desk, shelter: Desk) -> None:
    issued, updated = publish(police, child(), child("updated", minutes=1))

    recalled = police.post(f"/v1/events/{updated}/recall", {"reason": "error"})
    police.node.sequence()

    assert (recalled.status_code, active(police), active(shelter)) == (201, [issued], [issued])
