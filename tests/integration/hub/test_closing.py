"""When an alert ends: what was public lapses, and whoever once received it hears of the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.grants import Selector
from schemas.registry import BODIES, closes
from schemas.sensitivity import Sensitivity
from tests.support.cast import SHELTER
from tests.support.node import BEGAN, TO_SHELTER, TO_SHERIFF, Desk, Node, grant, missing_child, stamp

NAME = {"given": "Ximena"}
ONLY_ISSUED = grant(types=("alert.missing_child.issued",))


def child(verb: str = "issued", *, minutes: float = 0, **differs: Any) -> dict[str, Any]:
    data = {"child": {"name": NAME, "age_years": 9}}
    return missing_child(verb, minutes=minutes, **{"subject": "ximena", "data": data} | differs)


def verbs(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["event"]["type"].rpartition(".")[2], item["projection"]) for item in items]


def publish(police: Desk, *events: dict[str, Any]) -> list[str]:
    """Publish and put into the log, in this order."""
    published = [police.publish(event) for event in events]
    police.node.sequence()
    return published


def test_the_database_knows_the_same_ends(node: Node) -> None:
    found = node.rows("SELECT type, closes(type) FROM unnest(%s::text[]) AS known (type)", list(BODIES))

    assert dict(found) == {one: closes(one) for one in BODIES}


@pytest.mark.parametrize("verb", ["cancelled", "located"])
def test_the_end_of_an_alert_takes_the_child_back_from_those_who_had_it(police: Desk, shelter: Desk, verb: str) -> None:
    (issued,) = publish(police, child())
    before = shelter.event(issued)

    publish(police, child(verb, minutes=1))

    after = shelter.event(issued)
    assert before is not None
    assert before["event"]["data"]["child"]["name"] == NAME
    assert after is not None
    assert (after["projection"], after["event"]["data"]["child"]) == ("partner~", {"age_band": "6-11"})


def test_its_source_keeps_it(police: Desk) -> None:
    (issued, _) = publish(police, child(), child("cancelled", minutes=1))

    found = police.event(issued)

    assert found is not None
    assert found["event"]["data"]["child"]["name"] == NAME


def test_an_alert_lapses_at_its_active_until(node: Node, police: Desk) -> None:
    (issued,) = publish(police, child(label={"tlp": "green", "active_until": stamp(minutes=180)}))
    before = node.desk(SHELTER).event(issued)

    node.clock.ahead = BEGAN + timedelta(minutes=180) - node.clock()

    after = node.desk(SHELTER).event(issued)
    assert (before and before["projection"], after and after["projection"]) == ("partner", "partner~")


def test_what_is_public_lapses_at_public_until_for_the_public_alone(node: Node, police: Desk, sheriff: Desk) -> None:
    node.regrant(grant(clearance=Sensitivity.PUBLIC), TO_SHERIFF)
    (issued,) = publish(police, child(label={"tlp": "green", "public_until": stamp(minutes=180)}))
    node.clock.ahead = timedelta(hours=2)

    for_public, for_police = node.desk(SHELTER).event(issued), node.desk(sheriff.agency).event(issued)

    assert (for_public and for_public["projection"]) == "public~"
    assert (for_police and for_police["projection"]) == "enforcement"


def test_an_update_sent_before_the_end_and_arriving_after_it_has_lapsed(police: Desk, shelter: Desk) -> None:
    publish(police, child(), child("cancelled", minutes=10))

    (late,) = publish(police, child("updated", minutes=5))

    found = shelter.event(late)
    assert found is not None
    assert (found["projection"], "name" in found["event"]["data"]["child"]) == ("partner~", False)


def test_an_update_sent_after_the_end_opens_it_again(police: Desk, shelter: Desk) -> None:
    publish(police, child(), child("cancelled", minutes=10))

    (again,) = publish(police, child("updated", minutes=20))

    found = shelter.event(again)
    assert found is not None
    assert found["projection"] == "partner"


def test_all_in_one_batch_lapses_just_the_same(police: Desk, shelter: Desk) -> None:
    publish(police, child("cancelled", minutes=10), child("updated", minutes=5), child())

    assert verbs(shelter.feed()) == [("cancelled", "partner~"), ("updated", "partner~"), ("issued", "partner~")]


def test_another_source_under_the_same_subject_is_not_closed_by_it(node: Node, police: Desk, shelter: Desk) -> None:
    node.enrol(fellow := replace(police.agency, id="us-ca-cvpd"))
    node.regrant(TO_SHELTER, grant(id="cvpd", source=Selector(agency=fellow.id)))
    theirs = node.desk(fellow).publish(child(source=fellow.id))

    publish(police, child(), child("cancelled", minutes=1))

    found = shelter.event(theirs)
    assert found is not None
    assert found["projection"] == "partner"


def test_who_received_it_hears_of_the_end_even_when_its_right_has_gone(police: Desk, shelter: Desk) -> None:
    publish(police, child())
    assert verbs(shelter.feed()) == [("issued", "partner")]
    police.node.regrant()

    event = child("located", minutes=1)
    (located,) = publish(police, event)

    (notice,) = shelter.feed()
    assert (notice["id"], notice["projection"]) == (located, "notice")
    assert notice["event"].keys() == event.keys() - {"data"}
    assert shelter.event(located) == notice


def test_who_never_received_it_does_not(police: Desk, shelter: Desk, stranger: Desk) -> None:
    publish(police, child())
    police.node.regrant()

    (located,) = publish(police, child("located", minutes=1))

    for desk in (shelter, stranger):
        assert (desk.feed(), desk.event(located)) == ([], None)


def test_the_notice_is_owed_at_the_place_of_the_end_and_once(police: Desk, shelter: Desk) -> None:
    publish(police, child())
    shelter.feed()
    cursor = shelter.get("/v1/feed").get_json()["next"]
    police.node.regrant(ONLY_ISSUED)

    publish(police, missing_child(), child("cancelled", minutes=1), missing_child())

    found = shelter.feed(after=cursor)
    assert verbs(found) == [("issued", "partner"), ("cancelled", "notice"), ("issued", "partner")]
    assert shelter.feed(after=shelter.get("/v1/feed", after=cursor).get_json()["next"]) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_who_reads_it_only_after_its_end_hears_of_the_end_too(police: Desk, shelter: Desk, limit: int) -> None:
    police.node.regrant(ONLY_ISSUED)
    publish(police, child(), child("cancelled", minutes=1), missing_child())
    seen: list[dict[str, Any]] = []
    after, more = "", True
    while more:
        page = shelter.get("/v1/feed", after=after, limit=limit).get_json()
        after, more = page["next"], page["more"]
        seen += page["events"]

    assert verbs(seen) == [("issued", "partner~"), ("cancelled", "notice"), ("issued", "partner")]


def test_an_owed_end_is_told_also_where_events_are_decided_one_by_one(police: Desk, shelter: Desk) -> None:
    publish(police, child())
    shelter.feed()
    cursor = shelter.get("/v1/feed").get_json()["next"]
    many = [f"us-ca-agency{number}" for number in range(6)]

    publish(police, child("cancelled", minutes=1, label={"tlp": "green", "audience": many}))

    assert verbs(shelter.feed(after=cursor, limit=1)) == [("cancelled", "notice")]


def test_an_end_that_was_an_exercise_is_told_in_the_feed_of_exercises(police: Desk, shelter: Desk) -> None:
    publish(police, child(status="exercise"))
    shelter.feed(status="exercise")
    police.node.regrant()

    publish(police, child("cancelled", minutes=1, status="exercise"))

    assert shelter.feed() == []
    assert verbs(shelter.feed(status="exercise")) == [("cancelled", "notice")]
