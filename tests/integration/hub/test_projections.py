"""Each reader gets of a stored event what its right allows, and the same on every path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.directory import Kind
from hub.grants import Selector, Tlp
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER
from tests.support.node import SHERIFF, TO_SHELTER, Desk, Node, child_case, grant, missing_child

CHILD = {"name": {"given": "Ximena"}, "age_years": 9, "birth_date": "2016-09-01"}
SECRET = {"medical": {"en": "Needs insulin", "es": "Necesita insulina"}, "curp": "DOXX160901MBCXXX09"}
CHILD_AND_SECRET = {"child": CHILD | SECRET}


def test_its_source_gets_all_of_it(police: Desk) -> None:
    event = missing_child(data=CHILD_AND_SECRET)

    found = police.event(police.publish(event))

    assert found is not None
    assert (found["projection"], found.get("grant"), found["event"]) == ("full", None, event)


def test_law_enforcement_with_a_grant_gets_all_but_what_identifies_the_victim(police: Desk, sheriff: Desk) -> None:
    found = sheriff.event(police.publish(missing_child(data=CHILD_AND_SECRET)))

    assert found is not None
    assert (found["projection"], found["grant"]) == ("enforcement", "police-to-sheriff")
    assert found["event"]["data"]["child"] == CHILD
    assert {"suspects", "border_crossing"} <= found["event"]["data"].keys()


def test_a_shelter_gets_what_partners_may_have(police: Desk, shelter: Desk) -> None:
    found = shelter.event(police.publish(missing_child(data=CHILD_AND_SECRET)))

    assert found is not None
    assert (found["projection"], found["grant"]) == ("partner", "police-to-shelter")
    assert found["event"]["data"]["child"] == {"name": {"given": "Ximena"}, "age_years": 9}
    assert found["event"]["data"]["last_seen"] == {
        "day": "2026-05-04",
        "jurisdiction": "US-CA:06073",
        "area": "San Diego County, California",
    }
    assert found["event"]["data"].keys().isdisjoint(("suspects", "border_crossing"))


def test_a_stranger_gets_nothing(police: Desk, stranger: Desk) -> None:
    hub_id = police.publish(missing_child())
    police.node.sequence()

    assert stranger.event(hub_id) is None
    assert stranger.feed() == []
    assert stranger.get("/v1/alerts/active").get_json() == {"alerts": []}


def test_the_other_country_gets_what_is_released_to_it_and_granted(police: Desk, fiscalia: Desk) -> None:
    police.node.regrant(grant(id="police-to-fiscalia", reader=Selector(agency=FISCALIA.id)))

    assert fiscalia.event(police.publish(missing_child(label={"tlp": "green", "rel_to": ["MX"]})))
    assert fiscalia.event(police.publish(missing_child(label={"tlp": "green", "rel_to": ["US"]}))) is None


def test_every_path_shows_the_same(police: Desk, shelter: Desk) -> None:
    event = missing_child(data=CHILD_AND_SECRET)
    found = shelter.event(police.publish(event))
    police.node.sequence()

    assert shelter.feed() == [found]
    assert shelter.get("/v1/alerts/active").get_json()["alerts"] == [found]
    assert shelter.get(f"/v1/cases/{event['subject']}").get_json()["cases"][0]["history"] == [found]


HIDING_LABELS = {
    "red, and not named": {"tlp": "red"},
    "above the grant's TLP": {"tlp": "red", "audience": [SHELTER.id]},
    "for another kind": {"tlp": "green", "audience": ["health"]},
    "for another agency": {"tlp": "green", "audience": [STRANGER.id]},
    "for another purpose": {"tlp": "green", "purpose": "statistics"},
}


@pytest.mark.parametrize("label", HIDING_LABELS.values(), ids=HIDING_LABELS.keys())
def test_the_label_takes_away(police: Desk, shelter: Desk, label: dict[str, Any]) -> None:
    assert shelter.event(police.publish(missing_child(label=label))) is None


def test_a_mark_hides_a_member_from_those_below_it(police: Desk, shelter: Desk, sheriff: Desk) -> None:
    label = {"tlp": "green", "marks": {"/data/child/name": "enforcement"}}
    hub_id = police.publish(missing_child(label=label, data=CHILD_AND_SECRET))

    for_shelter, for_sheriff = shelter.event(hub_id), sheriff.event(hub_id)

    assert for_shelter is not None
    assert for_sheriff is not None
    assert "name" not in for_shelter["event"]["data"]["child"]
    assert for_sheriff["event"]["data"]["child"]["name"] == {"given": "Ximena"}


def test_no_grant_lifts_a_shelter_above_its_ceiling(police: Desk, shelter: Desk) -> None:
    police.node.regrant(grant(clearance=Sensitivity.ENFORCEMENT, max_tlp=Tlp.RED))

    found = shelter.event(police.publish(missing_child()))

    assert found is not None
    assert found["projection"] == "partner"


def test_the_best_of_several_grants_counts(police: Desk, shelter: Desk) -> None:
    police.node.regrant(grant(id="narrow", clearance=Sensitivity.PUBLIC), TO_SHELTER)

    found = shelter.event(police.publish(missing_child()))

    assert found is not None
    assert (found["projection"], found["grant"]) == ("partner", TO_SHELTER.id)


def test_who_runs_the_node_reads_nothing(node: Node, police: Desk) -> None:
    operator = cast.agency("us-ca-operator", Kind.OPERATOR)
    node.enrol(operator)
    node.regrant(grant(reader=Selector(country="US"), clearance=Sensitivity.ENFORCEMENT, max_tlp=Tlp.RED))
    hub_id = police.publish(missing_child())

    assert node.desk(operator).event(hub_id) is None
    assert node.desk(SHERIFF).event(hub_id)


def test_a_case_is_read_only_under_a_grant_for_cases(police: Desk, sheriff: Desk) -> None:
    hub_id = police.publish(child_case())
    assert sheriff.event(hub_id) is None

    for_cases = grant(reader=Selector(agency=SHERIFF.id), types=("case.*",), purpose="trafficking-investigation")
    police.node.regrant(for_cases)

    assert sheriff.event(hub_id)


def test_a_kind_named_by_the_label_reads_under_its_grant(police: Desk, shelter: Desk) -> None:
    assert shelter.event(police.publish(missing_child(label={"tlp": "green", "audience": ["ngo"]})))


def test_a_grant_in_the_future_or_the_past_opens_nothing(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())
    police.node.regrant(grant(valid_from=TO_SHELTER.valid_until, valid_until=TO_SHELTER.valid_until + 30 * cast.DAY))

    assert shelter.event(hub_id) is None


def test_a_grant_ends_at_its_end(open_node: Callable[..., Node]) -> None:
    node = open_node(grants=[grant(valid_until=open_node().clock() + cast.DAY)])
    hub_id = node.desk(POLICE).publish(missing_child())
    assert node.desk(SHELTER).event(hub_id)

    node.clock.ahead += cast.DAY

    assert node.desk(SHELTER).event(hub_id) is None
