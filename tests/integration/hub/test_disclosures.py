"""Afterwards an agency can say who saw its events: when, which members, on which grant, to which purpose."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from hub.directory import Kind, Role
from hub.grants import Selector
from hub.store import disclosures as stored
from hub.store import transaction
from schemas.projection import project
from schemas.sensitivity import Sensitivity
from tests.integration.hub.victims import VICTIMS, consent
from tests.schemas.test_visible import at, flat
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER, agency
from tests.support.events import Wire
from tests.support.node import SHERIFF, TO_SHELTER, TO_SHERIFF, Desk, Node, child_case, grant
from tests.support.node import missing_child as alert

NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE."""
    return node.office(POLICE, "ana", Role.ADMIN)


def disclosures(desk: Desk, **query: Any) -> dict[str, Any]:
    """Who saw what, as it is told when the notary has been there."""
    desk.node.notarize()
    answer = desk.get("/v1/disclosures", **query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def published(police: Desk, count: int = 1) -> list[tuple[str, Wire]]:
    """Alerts in the log, with the hub's ids of them."""
    events = [alert() for _ in range(count)]
    done = [(police.publish(event), event) for event in events]
    police.node.sequence()
    return done


def told_values(event: Wire, pointers: list[str]) -> list[Any]:
    """What stands at these members, coarser ones included."""
    whole = json.loads(project(event, event["type"]).text)
    return [value for pointer in pointers for value in flat(at(whole, pointer)) if value not in ([], {})]


def test_who_saw_an_event_is_told_with_grant_and_purpose(
    police: Desk, shelter: Desk, sheriff: Desk, admin: Desk
) -> None:
    ((hub_id, _), (other, _)) = published(police, 2)
    shelter.event(hub_id)
    sheriff.event(other)
    sheriff.event(hub_id)

    found = disclosures(admin, event=hub_id)

    said = [
        (one["agency"], one["by"], one["way"], one["projection"], one["grant"], one["purpose"])
        for one in found["disclosures"]
    ]
    assert said == [
        (SHELTER.id, "machine", "event", "partner", TO_SHELTER.id, "locate-child"),
        (SHERIFF.id, "machine", "event", "enforcement", TO_SHERIFF.id, "locate-child"),
    ]
    assert {one["event"] for one in found["disclosures"]} == {hub_id}


@pytest.mark.parametrize("who", [SHELTER, SHERIFF], ids=lambda who: str(who.id))
def test_the_members_are_exactly_those_that_were_handed_out(node: Node, police: Desk, admin: Desk, who: Any) -> None:
    ((hub_id, event),) = published(police)
    (got,) = node.desk(who).feed()

    found = disclosures(admin, event=hub_id)

    (one,) = found["disclosures"]
    pointers = found["fields"][hub_id][one["projection"]]
    assert told_values(event, pointers) == [value for value in flat(got["event"]) if value not in ([], {})]


def test_a_consent_is_told_with_the_members_that_it_opened(
    node: Node, police: Desk, shelter: Desk, admin: Desk
) -> None:
    node.regrant(grant(types=("*",), purpose="victim-services", clearance=Sensitivity.PROTECTED))
    event = child_case(label={"tlp": "green"}, data={"victims": VICTIMS})
    hub_id = police.publish(event)
    consented = admin.post("/v1/consents", consent(event["subject"])).get_json()["id"]
    shelter.event(hub_id)
    admin.post(f"/v1/consents/{consented}/withdrawal", {})

    found = disclosures(admin, event=hub_id)

    (one,) = found["disclosures"]
    assert (one["projection"], one["consents"]) == (f"partner+{consented}", [consented])
    assert "/data/victims/0/prs_FirstName" in found["fields"][hub_id][one["projection"]]
    assert "/data/victims/1/prs_FirstName" not in found["fields"][hub_id][one["projection"]]


def test_a_notice_counts(node: Node, police: Desk, shelter: Desk, admin: Desk) -> None:
    ((_, event),) = published(police)
    shelter.feed()
    hidden = {"tlp": "green", "audience": [STRANGER.id]}
    end = police.publish(alert("located", minutes=1, subject=event["subject"], label=hidden))
    node.sequence()
    shelter.feed()

    found = disclosures(admin, event=end)

    (one,) = found["disclosures"]
    assert (one["agency"], one["projection"], one["grant"]) == (SHELTER.id, "notice", None)
    assert "/type" in found["fields"][end]["notice"]
    assert not [pointer for pointer in found["fields"][end]["notice"] if pointer.startswith("/data/")]


def test_which_person_it_was_is_told_of_ones_own_alone(node: Node) -> None:
    officers = [node.office(agency, "rita", Role.OFFICER) for agency in (POLICE, SHELTER)]
    police, admin = node.desk(POLICE), node.office(POLICE, "ana", Role.ADMIN)
    ((hub_id, _),) = published(police)
    for officer in officers:
        officer.event(hub_id)

    own, other = disclosures(admin, event=hub_id)["disclosures"]

    assert (own["agency"], own["by"], own["person"]) == (POLICE.id, "person", f"{POLICE.id}.rita")
    assert (other["agency"], other["by"], "person" in other) == (SHELTER.id, "person", False)
    assert "rita" not in json.dumps(other)


def test_for_the_whole_agency_they_come_page_by_page(police: Desk, shelter: Desk, sheriff: Desk, admin: Desk) -> None:
    ids = [hub_id for hub_id, _ in published(police, 3)]
    shelter.feed()
    sheriff.feed()
    shelter.event(ids[0])

    first = disclosures(admin, limit=2)
    rest = disclosures(admin, after=first["next"])

    assert [(one["agency"], one["event"]) for one in first["disclosures"]] == [
        (agency, hub_id) for agency in (SHELTER.id, SHERIFF.id) for hub_id in ids
    ]
    assert [(one["agency"], one["event"]) for one in rest["disclosures"]] == [(SHELTER.id, ids[0])]
    assert (first["more"], rest["more"]) == (True, False)
    assert disclosures(admin, after=rest["next"])["next"] == rest["next"]


def test_a_page_of_many_events_ends_between_two_entries(
    police: Desk, shelter: Desk, admin: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(police, 3)
    shelter.feed()
    shelter.feed()
    monkeypatch.setattr("hub.disclosures.MOST_EVENTS", 2)

    first = disclosures(admin)
    rest = disclosures(admin, after=first["next"])

    assert [len(page["disclosures"]) for page in (first, rest)] == [3, 3]
    assert (first["more"], rest["more"]) == (True, False)


def test_of_an_answer_with_others_events_only_ones_own_are_told(node: Node, police: Desk, admin: Desk) -> None:
    other = agency("us-ca-other", Kind.LAW_ENFORCEMENT, "US-CA", publishes=("alert.*",))
    node.enrol(other)
    node.regrant(TO_SHELTER, grant(id="other", source=Selector(agency=other.id)))
    ((mine, _),) = published(police)
    node.desk(other).publish(alert(source=other.id))
    node.sequence()
    assert len(node.desk(SHELTER).feed()) == 2

    assert [one["event"] for one in disclosures(admin)["disclosures"]] == [mine]


@pytest.mark.parametrize("is_about_one", [True, False], ids=["one event", "all events"])
def test_an_entry_that_commits_late_does_not_fall_behind_a_cursor(
    police: Desk, shelter: Desk, sheriff: Desk, admin: Desk, is_about_one: bool
) -> None:
    ((hub_id, _),) = published(police)
    about = {"event": hub_id} if is_about_one else {}
    with psycopg.connect(police.node.url) as slow:
        slow.execute(
            """
            INSERT INTO audit (agency, client, action, is_allowed, reason, policy, events, projections, grants)
            VALUES (%s, 'slow', 'disclose', true, 'read', 'p', ARRAY[%s::uuid], '{public}', '{slow}')
            """,
            (FISCALIA.id, hub_id),
        )
        shelter.event(hub_id)
        first = disclosures(admin, **about)
    sheriff.event(hub_id)

    rest = disclosures(admin, **about, after=first["next"])

    assert [one["agency"] for one in first["disclosures"]] == [SHELTER.id]
    assert {one["agency"] for one in rest["disclosures"]} == {FISCALIA.id, SHERIFF.id}


def test_an_entry_shows_when_the_notary_has_been_there(police: Desk, shelter: Desk, admin: Desk) -> None:
    ((hub_id, _),) = published(police)
    shelter.event(hub_id)

    early = admin.get("/v1/disclosures", event=hub_id).get_json()

    assert (early["disclosures"], early["more"]) == ([], False)
    assert len(disclosures(admin, event=hub_id, after=early["next"])["disclosures"]) == 1


def test_anothers_event_looks_like_none(node: Node, police: Desk) -> None:
    ((hub_id, _),) = published(police)
    other = node.office(SHERIFF, "sam", Role.ADMIN)

    hidden, missing = (other.get("/v1/disclosures", event=one) for one in (hub_id, NOBODYS))

    assert (hidden.status_code, hidden.data) == (404, missing.data)
    assert hidden.headers.to_wsgi_list() == missing.headers.to_wsgi_list()
    assert disclosures(other)["disclosures"] == []


@pytest.mark.parametrize("role", [Role.OFFICER, Role.OPERATOR], ids=lambda role: str(role.value))
def test_who_does_not_look_after_them_is_told_so(node: Node, police: Desk, role: Role) -> None:
    assert node.office(POLICE, "otto", role).get("/v1/disclosures").status_code == 403
    assert police.get("/v1/disclosures").status_code == 403


BAD_QUERIES: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"event": "x"}, "/event"),
    "no cursor": ({"after": "x"}, "/after"),
    "too many": ({"limit": 1000}, "/limit"),
    "something else": ({"agency": SHELTER.id}, "/agency"),
}


@pytest.mark.parametrize(("query", "path"), BAD_QUERIES.values(), ids=BAD_QUERIES.keys())
def test_a_bad_question_is_told_what_is_wrong(admin: Desk, query: dict[str, Any], path: str) -> None:
    answer = admin.get("/v1/disclosures", **query)

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])


def test_a_cursor_is_its_own_agencys_and_its_own_questions(node: Node, police: Desk, shelter: Desk) -> None:
    ((hub_id, _),) = published(police)
    shelter.event(hub_id)
    admin, other = node.office(POLICE, "ana", Role.ADMIN), node.office(FISCALIA, "rita", Role.ADMIN)
    cursor = disclosures(admin)["next"]

    answers = [
        other.get("/v1/disclosures", after=cursor),
        admin.get("/v1/disclosures", after=cursor, event=hub_id),
        admin.get("/v1/disclosures/unread", after=cursor),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


def test_the_question_by_event_is_answered_by_its_index(node: Node, police: Desk) -> None:
    published(police)
    node.rows(
        """
        INSERT INTO audit (agency, client, action, is_allowed, reason, policy, events, projections, grants)
        SELECT 'us-x', 'us-x', 'disclose', true, 'read', 'p', ARRAY[gen_random_uuid()], '{full}', '{g}'
          FROM generate_series(1, 20000)
        """
    )
    asked = {"event": NOBODYS, "start": 0, "limit": 100}
    with transaction(node.hub.pool) as conn:
        conn.execute(stored._BY_INDEX)
        plan = conn.execute(f"EXPLAIN {stored._OF_EVENT}", asked).fetchall()

    assert [line for (line,) in plan if "audit_events" in str(line)]


def test_officers_and_admins_see_which_events_nobody_has_read(node: Node, police: Desk, shelter: Desk) -> None:
    ids = [hub_id for hub_id, _ in published(police, 3)]
    shelter.event(ids[1])
    police.feed()  # its own reading does not count
    desks = [node.office(POLICE, name, role) for name, role in (("ana", Role.ADMIN), ("otto", Role.OFFICER))]

    found = [desk.get("/v1/disclosures/unread").get_json() for desk in desks]

    assert [[one["event"] for one in page["events"]] for page in found] == [[ids[0], ids[2]]] * 2
    assert [page["more"] for page in found] == [False, False]


def test_of_events_that_nobody_has_read_one_sees_ones_own(node: Node, police: Desk) -> None:
    published(police)
    other = node.office(SHERIFF, "sam", Role.ADMIN)

    assert other.get("/v1/disclosures/unread").get_json()["events"] == []
    assert police.get("/v1/disclosures/unread").status_code == 403


def test_the_personal_data_of_an_event_is_in_no_answer(police: Desk, shelter: Desk, admin: Desk) -> None:
    published(police)
    assert "Ximena" in shelter.get("/v1/feed").text

    answer = json.dumps(disclosures(admin))

    assert "/data/child/name/given" in answer
    assert "Ximena" not in answer
