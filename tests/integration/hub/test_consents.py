"""A consent opens what it names to whom it names, under a grant that reaches so far, and nothing else ever does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Role
from hub.grants import Selector
from schemas.sensitivity import Sensitivity
from tests.integration.hub.victims import FIRST_NAME, LABEL, PURPOSE, TO_SHELTER, VICTIMS, case, recorded
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.events import bilingual
from tests.support.node import SHERIFF, Desk, Node, child_case, grant, missing_child

CLOSED = [{"ref": "V1", "prs_Gender": "Feminine"}, {"ref": "V2"}]


OPENED = [CLOSED[0] | {"prs_FirstName": "Lucía"}, CLOSED[1]]


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE, whose cases SHELTER may read up to what consents open."""
    node.regrant(TO_SHELTER)
    return node.office(POLICE, "ana", Role.ADMIN)


def victims(desk: Desk, hub_id: str) -> Any:
    """The victims of a case as somebody sees them."""
    found = desk.event(hub_id)
    assert found is not None
    return found["event"]["data"].get("victims")


def test_with_grant_and_consent_a_shelter_sees_the_consented_member_beside_its_own(
    police: Desk, shelter: Desk, admin: Desk
) -> None:
    one = case(police)
    before = victims(shelter, one["hub_id"])

    recorded(admin, one["subject"])

    assert (before, victims(shelter, one["hub_id"])) == (CLOSED, OPENED)


def test_the_disclosure_names_the_consent(node: Node, police: Desk, shelter: Desk, admin: Desk) -> None:
    one = case(police)
    done = recorded(admin, one["subject"])

    shelter.event(one["hub_id"])

    last = node.rows("SELECT projections, grants FROM audit WHERE action = 'disclose' ORDER BY no DESC LIMIT 1")
    assert last == [([f"partner+{done['id']}"], [TO_SHELTER.id])]


def test_two_consents_open_what_both_name(node: Node, police: Desk, shelter: Desk, admin: Desk) -> None:
    one = case(police)
    for member in ("prs_FirstName", "prs_SecondName"):
        recorded(admin, one["subject"], fields=[f"/data/victims/0/{member}"])

    assert victims(shelter, one["hub_id"])[0] == VICTIMS[0]
    ((name,),) = node.rows("SELECT projections[1] FROM audit WHERE action = 'disclose' ORDER BY no DESC LIMIT 1")
    assert name.count("+") == 2


@pytest.mark.parametrize(
    "other",
    [
        grant(id="as-partner", types=("*",), purpose=PURPOSE),
        grant(id="for-another-purpose", types=("*",), purpose="statistics", clearance=Sensitivity.PROTECTED),
    ],
    ids=lambda other: str(other.id),
)
def test_without_a_grant_that_reaches_so_far_it_opens_nothing(
    node: Node, police: Desk, shelter: Desk, admin: Desk, other: Any
) -> None:
    one = case(police)
    recorded(admin, one["subject"])

    node.regrant(other)

    assert victims(shelter, one["hub_id"]) == CLOSED


NOT_FOR_THIS = {
    "another recipient": {"recipients": [STRANGER.id]},
    "another purpose": {"purpose": "statistics"},
}


@pytest.mark.parametrize("differs", NOT_FOR_THIS.values(), ids=NOT_FOR_THIS.keys())
def test_a_consent_for_something_else_opens_nothing(
    police: Desk, shelter: Desk, admin: Desk, differs: dict[str, Any]
) -> None:
    one = case(police)

    recorded(admin, one["subject"], **differs)

    assert victims(shelter, one["hub_id"]) == CLOSED


def test_of_another_case_it_opens_nothing(police: Desk, shelter: Desk, admin: Desk) -> None:
    one, other = case(police), case(police)

    recorded(admin, other["subject"])

    assert victims(shelter, one["hub_id"]) == CLOSED


def test_a_token_for_another_purpose_gets_no_more_than_before(node: Node, police: Desk, admin: Desk) -> None:
    node.regrant(TO_SHELTER, grant(id="statistics", types=("*",), purpose="statistics"))
    one = case(police)
    recorded(admin, one["subject"])

    assert victims(node.desk(SHELTER, purpose="statistics"), one["hub_id"]) == CLOSED
    assert victims(node.desk(SHELTER, purpose=PURPOSE), one["hub_id"]) == OPENED


def test_withdrawn_it_opens_nothing_from_the_next_request_on(police: Desk, shelter: Desk, admin: Desk) -> None:
    one = case(police)
    done = recorded(admin, one["subject"])
    assert victims(shelter, one["hub_id"]) == OPENED

    answers = [admin.post(f"/v1/consents/{done['id']}/withdrawal", {}) for _ in range(2)]

    assert victims(shelter, one["hub_id"]) == CLOSED
    assert [(one.status_code, one.get_json()["state"]) for one in answers] == [(200, "withdrawn")] * 2


def test_expired_it_opens_nothing(node: Node, police: Desk, admin: Desk) -> None:
    one = case(police)
    recorded(admin, one["subject"])

    node.clock.ahead = timedelta(days=31)

    assert victims(node.desk(SHELTER), one["hub_id"]) == CLOSED


def test_it_stays_with_the_person_where_a_later_event_has_another_in_that_place(
    police: Desk, shelter: Desk, admin: Desk
) -> None:
    one = case(police)
    done = recorded(admin, one["subject"])

    later = child_case("updated", label=LABEL, subject=one["subject"], data={"victims": VICTIMS[::-1]})

    assert done["fields"] == [FIRST_NAME]
    assert victims(shelter, police.publish(later)) == OPENED[::-1]


def test_what_was_passed_already_comes_again_with_the_opened_member(
    node: Node, police: Desk, shelter: Desk, admin: Desk
) -> None:
    one = case(police)
    page = shelter.get("/v1/feed").get_json()

    done = recorded(admin, one["subject"])
    node.sequence()

    (again,) = shelter.feed(after=page["next"])
    assert (done["offered"], again["id"], again["event"]["data"]["victims"]) == (1, one["hub_id"], OPENED)


def test_nobody_else_gets_it_again(node: Node, police: Desk, admin: Desk) -> None:
    node.regrant(TO_SHELTER, grant(id="to-sheriff", reader=Selector(agency=SHERIFF.id), types=("*",)))
    one, sheriff = case(police), node.desk(SHERIFF)
    page = sheriff.get("/v1/feed").get_json()

    recorded(admin, one["subject"])
    node.sequence()

    assert (len(page["events"]), sheriff.feed(after=page["next"])) == (1, [])


def test_an_event_without_the_member_does_not_come_again(police: Desk, admin: Desk) -> None:
    one = case(police)
    police.publish(child_case("updated", label=LABEL, subject=one["subject"]))
    police.node.sequence()

    assert recorded(admin, one["subject"], fields=["/data/victims/ref:V2/prs_FirstName"])["offered"] == 1


def test_after_the_alert_a_consent_opens_what_has_lapsed(node: Node, police: Desk, shelter: Desk, admin: Desk) -> None:
    alert = missing_child(label={"tlp": "green"})
    hub_id = police.publish(alert)
    police.publish(missing_child("located", minutes=5, subject=alert["subject"], label={"tlp": "green"}))
    node.sequence()
    closed = shelter.event(hub_id)

    recorded(admin, alert["subject"], fields=["/data/child/name/given"])

    opened = shelter.event(hub_id)
    assert closed is not None
    assert opened is not None
    assert (closed["projection"], opened["projection"]) == ("partner~", "partner~")
    assert closed["event"]["data"]["child"] == {"age_band": "6-11"}
    assert opened["event"]["data"]["child"] == {"age_band": "6-11", "name": {"given": "Ximena"}}


def test_it_shows_no_machine_translation_to_who_may_see_none(
    node: Node, police: Desk, shelter: Desk, admin: Desk
) -> None:
    text = bilingual("Needs insulin", "Necesita insulina", "machine") | {"original": "en-US"}
    alert = missing_child(label={"tlp": "green"}, data={"child": {"age_years": 9, "medical": text}})
    hub_id = police.publish(alert)
    recorded(admin, alert["subject"], fields=["/data/child/medical"])
    assert (shelter.event(hub_id) or {})["event"]["data"]["child"]["medical"] == text

    node.rows("UPDATE agency SET kind = 'public' WHERE id = %s", SHELTER.id)

    (seen,) = (found["event"] for found in [node.desk(SHELTER).event(hub_id)] if found)
    assert seen["data"]["child"]["medical"] == {name: text[name] for name in ("en", "original", "translation")}
