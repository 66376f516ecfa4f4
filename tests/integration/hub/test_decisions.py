"""What is said about a decision, before and after, is what then happens; and it is said to the event's own source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from hub.directory import Kind, Role
from hub.grants import Grant, Tlp
from schemas.projection import project
from schemas.sensitivity import Sensitivity
from tests.hub import strategies
from tests.integration.hub.foreseen import explained, preview
from tests.integration.hub.victims import VICTIMS, consent
from tests.schemas.test_visible import at, flat
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER
from tests.support.events import Wire
from tests.support.node import (
    BEGAN,
    OPERATOR,
    SHERIFF,
    TO_SHELTER,
    TO_SHERIFF,
    YEAR,
    Desk,
    Node,
    child_case,
    grant,
)
from tests.support.node import missing_child as alert

NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"


EVERYBODY = {one.id: one for one in (*strategies.EVERYBODY, POLICE, SHELTER, STRANGER, FISCALIA, SHERIFF)}


KINDS = [kind.value for kind in Kind]


POOL = [drawn for drawn in (strategies._grant() for _ in range(600)) if drawn.source.covers(POLICE)]


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE."""
    return node.office(POLICE, "ana", Role.ADMIN)


def values(event: Wire, pointers: list[str]) -> list[Any]:
    """What stands at these members of an event, coarser ones included."""
    whole = json.loads(project(event, event["type"]).text)
    return [value for pointer in pointers for value in flat(at(whole, pointer)) if value not in ([], {})]


def given(found: dict[str, Any]) -> list[Any]:
    """The values that somebody got."""
    return [value for value in flat(found["event"]) if value not in ([], {})]


def drafts(random: Random, number: int) -> Iterator[Wire]:
    """Alerts and cases with random labels, and the end of each alert: those who got it are owed that."""
    for turn in range(4):
        subject = f"drafted-{number}-{turn}"
        label: dict[str, Any] = {"tlp": random.choice(["green", "amber", "amber+strict", "red"] if turn else ["green"])}
        label["rel_to"] = random.choice([["US"], ["US", "MX"]])
        if turn and random.random() < 0.5:
            label["audience"] = random.sample([*EVERYBODY, *KINDS], random.randint(2, 12))
        if turn and random.random() < 0.3:
            label["purpose"] = random.choice([*strategies.PURPOSES])
        if turn == 3:
            yield child_case(subject=subject, label=label)
            continue
        if random.random() < 0.5:
            label["marks"] = {"/data/headline": "enforcement", "/data/last_seen": "protected"}
        yield alert(subject=subject, label=label)
        yield alert("located", subject=subject, minutes=1, label=label | {"audience": [STRANGER.id]})


@pytest.mark.parametrize("seed", range(4))
def test_what_was_foreseen_and_what_is_explained_is_what_each_reader_gets(node: Node, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - test data
    node.enrol(*EVERYBODY.values())
    admin = node.office(POLICE, "ana", Role.ADMIN)
    desks = {id_: node.desk(one) for id_, one in EVERYBODY.items()}
    police = desks.pop(POLICE.id)
    held = [replace(one, valid_from=BEGAN - YEAR, valid_until=BEGAN + YEAR) for one in random.sample(POOL, 12)]
    node.regrant(*held, TO_SHELTER)
    cursors = dict.fromkeys(desks, "")
    readers = 0
    for draft in drafts(random, seed):
        foreseen = {
            one["agency"]: one for one in preview(admin, draft, "/v1/decisions/preview?limit=500")["recipients"]
        }
        projections = preview(admin, draft)["projections"]
        hub_id = police.publish(draft)
        node.sequence()
        for id_, desk in desks.items():
            page = desk.get("/v1/feed", after=cursors[id_]).get_json()
            cursors[id_] = page["next"]
            got = next((one for one in page["events"] if one["id"] == hub_id), None)
            told = explained(admin, EVERYBODY[id_], hub_id)
            assert (got is not None) == told["allowed"] == (id_ in foreseen), (id_, told["reason"])
            if got is None:
                assert told["fields"]["visible"] == []
                continue
            readers += 1
            assert got["projection"] == told["projection"] == foreseen[id_]["projection"]
            assert got.get("grant") == told["grant"] == foreseen[id_]["grant"]
            visible = projections[foreseen[id_]["shown_as"]]["visible"]
            assert visible == told["fields"]["visible"]
            assert values(draft, visible) == given(got)
    assert readers


def test_a_consent_is_foreseen_and_explained(node: Node, police: Desk, shelter: Desk, admin: Desk) -> None:
    node.regrant(grant(types=("*",), purpose="victim-services", clearance=Sensitivity.PROTECTED))
    first = child_case(label={"tlp": "green"}, data={"victims": VICTIMS})
    police.publish(first)
    consented = admin.post("/v1/consents", consent(first["subject"])).get_json()["id"]
    draft = child_case("updated", subject=first["subject"], label={"tlp": "green"}, data={"victims": VICTIMS})

    foreseen = preview(admin, draft)
    hub_id = police.publish(draft)

    told, (recipient,) = explained(admin, SHELTER, hub_id), foreseen["recipients"]
    found = shelter.event(hub_id)
    assert found is not None
    assert recipient["consents"] == told["consents"] == [consented]
    visible = foreseen["projections"][recipient["shown_as"]]["visible"]
    assert visible == told["fields"]["visible"]
    assert "/data/victims/0/prs_FirstName" in visible
    assert values(draft, visible) == given(found)


STATES = ["proposed", "in_force", "suspended", "revoked", "withdrawn", "superseded"]


ANSWERS = [
    "waits for approval",
    "applies",
    "suspended",
    "revoked",
    "withdrawn before approval",
    "replaced by a later version",
]


def test_every_grant_that_ever_named_the_reader_is_there_with_its_answer(node: Node, police: Desk, admin: Desk) -> None:
    node.regrant(*(grant(id=f"grant-{state.replace('_', '-')}") for state in STATES), TO_SHERIFF)
    for state in STATES:
        node.rows("UPDATE access_grant SET state = %s WHERE id = %s", state, f"grant-{state.replace('_', '-')}")

    told = explained(admin, SHELTER, police.publish(alert()))

    answers = {one["state"]: one["reason"]["en"] for one in told["grants"]}
    assert answers == dict(zip(STATES, ANSWERS, strict=True))
    assert (told["allowed"], told["grant"]) == (True, "grant-in-force")


WHY: dict[str, tuple[Grant, dict[str, Any], str]] = {
    "type": (grant(types=("case.*",)), {}, "does not cover this type"),
    "place": (grant(jurisdictions=("US-TX",)), {}, "covers other jurisdictions"),
    "tlp": (grant(max_tlp=Tlp.GREEN), {"tlp": "amber"}, "covers up to TLP:GREEN"),
    "purpose": (grant(), {"tlp": "green", "purpose": "statistics"}, "granted for another purpose"),
    "time": (grant(valid_until=BEGAN), {}, "not in force at this time"),
}


@pytest.mark.parametrize(("held", "label", "why"), WHY.values(), ids=WHY.keys())
def test_a_grant_that_does_not_apply_says_why(
    node: Node, police: Desk, admin: Desk, held: Grant, label: dict[str, Any], why: str
) -> None:
    node.regrant(held)

    told = explained(admin, SHELTER, police.publish(alert(label=label)))

    assert (told["allowed"], [one["reason"]["en"] for one in told["grants"]]) == (False, [why])
    assert all(one["reason"]["es"] not in ("", why) for one in told["grants"])


def test_grants_are_told_even_where_the_label_has_the_last_word(police: Desk, admin: Desk) -> None:
    told = explained(admin, SHELTER, police.publish(alert(label={"tlp": "green", "audience": ["health"]})))

    assert (told["allowed"], told["reason"]["en"]) == (False, "not in the audience of the label")
    assert [one["reason"]["en"] for one in told["grants"]] == ["applies"]


def test_the_hard_limit_is_told_with_its_legal_basis(police: Desk, admin: Desk) -> None:
    limit = explained(admin, SHELTER, police.publish(alert()))["hard_limit"]

    assert (limit["kind"], limit["clearance"]) == ("ngo", "partner")
    assert "34 USC 12291" in limit["basis"]


def test_the_label_and_the_hidden_members_are_told(police: Desk, admin: Desk) -> None:
    event = alert(label={"tlp": "green", "marks": {"/data/child/clothing": "enforcement"}})

    told = explained(admin, SHELTER, police.publish(event))

    hidden = {one["path"]: one["sensitivity"] for one in told["fields"]["hidden"]}
    assert told["label"] == event["label"]
    assert (hidden["/data/child/clothing"], hidden["/data/child/medical"]) == ("enforcement", "protected")
    assert "/data/child/clothing" not in told["fields"]["visible"]


def test_for_anybody_else_the_event_and_its_decision_are_missing(node: Node, police: Desk) -> None:
    hub_id = police.publish(alert())
    for agency in (SHELTER, SHERIFF):  # who may read the event, too
        other = node.office(agency, "rita", Role.ADMIN)

        hidden, missing = (other.get("/v1/decisions", agency=SHELTER.id, event=one) for one in (hub_id, NOBODYS))

        assert (hidden.status_code, hidden.data) == (404, missing.data)
        assert hidden.headers.to_wsgi_list() == missing.headers.to_wsgi_list()


def test_the_attempt_is_on_record(node: Node, police: Desk) -> None:
    hub_id = police.publish(alert())

    node.office(SHELTER, "rita", Role.ADMIN).get("/v1/decisions", agency=SHELTER.id, event=hub_id)

    found = node.rows("SELECT person, object, is_allowed FROM audit WHERE action = 'decision.read'")
    assert found == [(f"{SHELTER.id}.rita", hub_id, False)]


def test_an_auditor_of_the_node_sees_the_decision_and_nothing_of_the_event(node: Node, police: Desk) -> None:
    node.enrol(OPERATOR)
    auditor = node.office(OPERATOR, "aldo", Role.AUDITOR)
    event = alert(label={"tlp": "green", "marks": {"/data/child/clothing": "enforcement"}})

    answer = auditor.get("/v1/decisions", agency=SHELTER.id, event=police.publish(event))

    told = answer.get_json()
    assert (told["allowed"], told["projection"], told["grant"]) == (True, "partner", TO_SHELTER.id)
    assert told.keys().isdisjoint(("label", "fields"))
    assert "/data" not in answer.text


@pytest.mark.parametrize("role", [Role.OFFICER, Role.OPERATOR], ids=lambda role: str(role.value))
def test_who_has_no_part_in_it_is_told_so(node: Node, police: Desk, role: Role) -> None:
    hub_id = police.publish(alert())

    answer = node.office(POLICE, "otto", role).get("/v1/decisions", agency=SHELTER.id, event=hub_id)

    assert answer.status_code == 403
    assert police.get("/v1/decisions", agency=SHELTER.id, event=hub_id).status_code == 403


BAD_QUERIES: dict[str, tuple[dict[str, Any], str]] = {
    "no event": ({"agency": SHELTER.id}, "/event"),
    "no agency": ({"event": NOBODYS}, "/agency"),
    "no id": ({"agency": SHELTER.id, "event": "x"}, "/event"),
    "something else": ({"agency": SHELTER.id, "event": NOBODYS, "grant": "x"}, "/grant"),
}


@pytest.mark.parametrize(("query", "path"), BAD_QUERIES.values(), ids=BAD_QUERIES.keys())
def test_a_bad_question_is_told_what_is_wrong(admin: Desk, query: dict[str, Any], path: str) -> None:
    answer = admin.get("/v1/decisions", **query)

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])


def test_an_agency_that_nobody_enrolled_is_a_flaw_of_the_question(police: Desk, admin: Desk) -> None:
    answer = admin.get("/v1/decisions", agency="us-nobody", event=police.publish(alert()))

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, ["/agency"])
