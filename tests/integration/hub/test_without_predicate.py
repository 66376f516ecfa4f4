"""The whole API with its own predicate removed: the database still shows no row that no grant covers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

import hub.reading
from hub.directory import Agency, publishing
from hub.lanes import LaneMap, Reach, Reaches
from hub.policy import FULL, Decision, Rules
from hub.principal import Principal
from schemas.texts import Text
from tests.integration.hub.barrier import is_covered
from tests.support import cast, events
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER
from tests.support.node import SHERIFF, TO_SHELTER, TO_SHERIFF, Desk, Node, child_case, grant, missing_child

OPEN = Decision(True, Text("no predicate", "sin predicado"), FULL)


class EveryLane(Reaches):
    """In the place of what was decided: everybody may read all of every lane."""

    def of(self, principal: Principal, rules: Rules, lanes: LaneMap, at: datetime) -> Reach:  # noqa: ARG002
        grants = tuple(one.id for one in rules.grants.grants)
        return Reach(dict.fromkeys(lanes.lanes, OPEN), tuple(lanes.lanes), lanes.newest, grants)


@pytest.fixture
def undecided(open_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch) -> Node:
    """A gateway that lets everybody read everything, as far as it has a say."""
    one = open_node(grants=GRANTS)
    one.enrol(replace(POLICE, jurisdictions=("US-CA",), publishes=publishing(("alert.*", "case.*"), ("US-CA",))))
    one.hub.picture.reaches = EveryLane()
    monkeypatch.setattr(hub.reading, "may_read", lambda *_, **__: OPEN)
    return one


# Not one of them opens anything by the policy: each is for another purpose than the events say, or stops at a border.
GRANTS = [
    replace(TO_SHELTER, purpose="research"),
    replace(TO_SHERIFF, types=("case.*",), jurisdictions=("US-CA:06075", "US-TX")),
    grant(id="police-to-fiscalia", reader=replace(TO_SHELTER.reader, agency=FISCALIA.id), types=("case.*",)),
]
MANY = ["US-CA:06073"] + [f"US-CA:06{number:03d}" for number in (1, 3, 5)]


def wires() -> list[events.Wire]:
    """Alerts and cases in San Diego alone and in many counties, some for a purpose, some for a long list of readers."""
    long = {"tlp": "green", "audience": [f"us-ca-nobody{number}" for number in range(6)]}
    labels = ({"tlp": "green"}, {"tlp": "amber", "purpose": "locate-child"}, long)
    return [
        make(label=label, jurisdictions=places)
        for make in (missing_child, child_case)
        for label in labels
        for places in (["US-CA:06073"], MANY)
    ]


def everything(desk: Desk, subjects: list[str], ids: list[str]) -> set[str]:
    """The ids of all events that the API tells this reader of, by every path that tells any."""
    seen = {item["id"] for item in desk.get("/v1/feed", limit=500).get_json()["events"]}
    seen |= {one for one in ids if desk.event(one) is not None}
    seen |= {item["id"] for item in desk.get("/v1/alerts/active").get_json()["alerts"]}
    for subject in subjects:
        answer = desk.get(f"/v1/cases/{subject}")
        if answer.status_code == 200:
            seen |= {item["id"] for case in answer.get_json()["cases"] for item in case["history"]}
    return seen


@pytest.mark.parametrize("reader", [POLICE, SHELTER, SHERIFF, STRANGER, FISCALIA], ids=lambda one: one.id)
def test_with_our_own_predicate_removed_the_api_shows_no_row_that_no_grant_covers(
    undecided: Node, reader: Agency
) -> None:
    sent = wires()
    publisher = undecided.desk(POLICE)
    ids = [publisher.publish(wire) for wire in sent]
    undecided.sequence()

    told = everything(undecided.desk(reader), [wire["subject"] for wire in sent], ids)

    facts = [
        cast.facts(type=wire["type"], jurisdictions=tuple(wire["jurisdictions"]), source=POLICE.id) for wire in sent
    ]
    covered = {one for one, fact in zip(ids, facts, strict=True) if is_covered(reader, POLICE, fact, GRANTS)}
    assert told == covered  # all of it: the application really had no say


def test_what_no_grant_covers_cannot_be_answered_either(undecided: Node) -> None:
    hub_id = undecided.desk(POLICE).publish(missing_child())

    answer = undecided.desk(STRANGER).post(f"/v1/events/{hub_id}/acks", {"state": "read"})

    assert answer.status_code == 404
