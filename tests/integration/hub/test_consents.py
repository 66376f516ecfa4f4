"""A consent opens what it names to whom it names, under a grant that reaches so far, and nothing else ever does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.consents import LONGEST
from hub.directory import Role
from hub.grants import Selector, Tlp
from schemas.sensitivity import Sensitivity
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER
from tests.support.events import bilingual
from tests.support.node import BEGAN, SHERIFF, Desk, Node, child_case, grant, missing_child

PURPOSE = "victim-services"
NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
LABEL = {"tlp": "green"}
VICTIMS = [
    {"ref": "V1", "prs_FirstName": "Lucía", "prs_SecondName": "Pérez", "prs_Gender": "Feminine"},
    {"ref": "V2", "prs_FirstName": "Rosa", "prs_SecondName": "Doe"},
]
FIRST_NAME = "/data/victims/ref:V1/prs_FirstName"
CLOSED = [{"ref": "V1", "prs_Gender": "Feminine"}, {"ref": "V2"}]
OPENED = [CLOSED[0] | {"prs_FirstName": "Lucía"}, CLOSED[1]]
TO_SHELTER = grant(
    id="for-victims",
    types=("*",),
    purpose=PURPOSE,
    clearance=Sensitivity.PROTECTED,
    max_tlp=Tlp.AMBER_STRICT,
)


def consent(subject: str, **differs: Any) -> dict[str, Any]:
    """A consent of the first victim to her first name, for the shelter, as it is posted."""
    usual = {
        "subject": subject,
        "fields": ["/data/victims/0/prs_FirstName"],
        "recipients": [SHELTER.id],
        "purpose": PURPOSE,
        "given_by": "individual",
        "not_abuser_attested": True,
        "form_version": "2026-1",
        "language": "es",
        "signed_at": BEGAN.isoformat(),
        "valid_until": (BEGAN + timedelta(days=30)).isoformat(),
    }
    return usual | differs


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE, whose cases SHELTER may read up to what consents open."""
    node.regrant(TO_SHELTER)
    return node.office(POLICE, "ana", Role.ADMIN)


def case(police: Desk, **differs: Any) -> dict[str, Any]:
    """A case with two victims, in the log; as it was published, with the hub's id of it."""
    event = child_case(**{"label": LABEL} | differs, data={"victims": VICTIMS})
    hub_id = police.publish(event)
    police.node.sequence()
    return event | {"hub_id": hub_id}


def recorded(admin: Desk, subject: str, **differs: Any) -> dict[str, Any]:
    """A consent that must be recorded, as it was answered."""
    answer = admin.post("/v1/consents", consent(subject, **differs))
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


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


FLAWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such member": ({"fields": ["/data/victims/0/nickname"]}, "/fields/0", "unknown-member"),
    "not protected": ({"fields": ["/data/victims/0/prs_Gender"]}, "/fields/0", "not-protected"),
    "a whole person": ({"fields": ["/data/victims/0"]}, "/fields/0", "not-protected"),
    "nobody there": ({"fields": ["/data/victims/7/prs_FirstName"]}, "/fields/0", "unknown-item"),
    "no pointer": ({"fields": ["Lucía"]}, "/fields/0", "invalid"),
    "no member": ({"fields": []}, "/fields", "invalid"),
    "a kind": ({"recipients": ["ngo"]}, "/recipients/0", "invalid"),
    "nobody known": ({"recipients": ["us-nobody"]}, "/recipients", "unknown-agency"),
    "itself": ({"recipients": [POLICE.id]}, "/recipients", "unknown-agency"),
    "another's subject": ({"subject": "of-somebody-else"}, "/subject", "unknown-subject"),
    "no giver": ({"given_by": "abuser"}, "/given_by", "invalid"),
    "not attested": ({"not_abuser_attested": False}, "/not_abuser_attested", "abuser-not-excluded"),
    "signed tomorrow": (
        {"signed_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        "/signed_at",
        "in-future",
    ),
    "too long": (
        {"valid_until": (BEGAN + LONGEST + timedelta(days=1)).isoformat()},
        "/valid_until",
        "consent-too-long",
    ),
    "over before it began": ({"valid_until": BEGAN.isoformat()}, "/valid_until", "not-later"),
    "over already": (
        {"signed_at": (BEGAN - timedelta(days=9)).isoformat(), "valid_until": BEGAN.isoformat()},
        "/valid_until",
        "over",
    ),
    "something more": ({"name": "Lucía"}, "/name", "unknown-member"),
}


@pytest.mark.parametrize(("flaw", "path", "code"), FLAWS.values(), ids=FLAWS.keys())
def test_a_flaw_is_named_and_nothing_is_recorded(
    node: Node, police: Desk, admin: Desk, flaw: dict[str, Any], path: str, code: str
) -> None:
    one = case(police)

    answer = admin.post("/v1/consents", consent(one["subject"]) | flaw)

    assert answer.status_code == 422, answer.text
    assert [(one["path"], one["code"]) for one in answer.get_json()["errors"]] == [(path, code)]
    assert "Lucía" not in answer.text
    assert node.rows("SELECT count(*) FROM consent") == [(0,)]


def test_a_consent_must_say_that_the_abuser_did_not_give_it(police: Desk, admin: Desk) -> None:
    body = consent(case(police)["subject"])
    del body["not_abuser_attested"]

    answer = admin.post("/v1/consents", body)

    assert [one["path"] for one in answer.get_json()["errors"]] == ["/not_abuser_attested"]


def test_another_agency_records_none_for_it(node: Node, police: Desk) -> None:
    other = node.office(SHERIFF, "sam", Role.ADMIN)

    answer = other.post("/v1/consents", consent(case(police)["subject"]))

    assert [one["path"] for one in answer.get_json()["errors"]] == ["/subject"]


@pytest.mark.parametrize("role", [Role.OFFICER, Role.AUDITOR, Role.OPERATOR], ids=lambda role: str(role.value))
def test_only_an_admin_records_and_withdraws(node: Node, police: Desk, admin: Desk, role: Role) -> None:
    one = case(police)
    done = recorded(admin, one["subject"])
    other = node.office(POLICE, "otto", role)

    answers = [
        other.post("/v1/consents", consent(one["subject"])),
        other.post(f"/v1/consents/{done['id']}/withdrawal", {}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert node.rows("SELECT count(*) FROM audit WHERE NOT is_allowed AND person = %s", f"{POLICE.id}.otto") == [(2,)]


def test_recipients_see_their_own_line_and_nobody_else_learns_of_it(node: Node, police: Desk, admin: Desk) -> None:
    done = recorded(admin, case(police)["subject"], recipients=[SHELTER.id, FISCALIA.id])
    path = f"/v1/consents/{done['id']}"
    auditor, named, other = (
        node.office(agency, "rita", role)
        for agency, role in ((POLICE, Role.AUDITOR), (SHELTER, Role.ADMIN), (SHERIFF, Role.ADMIN))
    )

    assert auditor.get(path).get_json() == {name: value for name, value in done.items() if name != "offered"}
    line = named.get(path).get_json()
    assert line["recipients"] == [SHELTER.id]
    assert line.keys().isdisjoint(("given_by", "recorded_by", "form_version", "language"))
    assert named.get("/v1/consents").get_json()["consents"] == [line]
    assert other.get(path).data == other.get(f"/v1/consents/{NOBODYS}").data
    assert other.get("/v1/consents").get_json()["consents"] == []


@pytest.mark.parametrize("who", [SHELTER, SHERIFF], ids=lambda who: str(who.id))
def test_only_its_owner_withdraws_it(node: Node, police: Desk, admin: Desk, who: Any) -> None:
    done = recorded(admin, case(police)["subject"])
    other = node.office(who, "rita", Role.ADMIN)

    answers = [other.post(f"/v1/consents/{id_}/withdrawal", {}) for id_ in (done["id"], NOBODYS)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].data == answers[1].data
    assert admin.get(f"/v1/consents/{done['id']}").get_json()["state"] == "live"


def test_a_machine_has_no_part_in_it(police: Desk) -> None:
    one = case(police)

    answers = [police.get("/v1/consents"), police.post("/v1/consents", consent(one["subject"]))]

    assert [answer.status_code for answer in answers] == [403, 403]


def test_they_come_page_by_page(police: Desk, admin: Desk) -> None:
    one = case(police)
    made = [recorded(admin, one["subject"])["id"] for _ in range(3)]

    first = admin.get("/v1/consents", limit=2).get_json()
    rest = admin.get("/v1/consents", after=first["next"]).get_json()

    assert [found["id"] for page in (first, rest) for found in page["consents"]] == made
    assert rest["next"] is None


def test_the_audit_keeps_what_was_consented_to_and_not_whose_it_is(node: Node, police: Desk, admin: Desk) -> None:
    one = case(police)

    recorded(admin, one["subject"])

    ((detail,),) = node.rows("SELECT detail FROM audit WHERE action = 'consent.record'")
    assert "prs_FirstName" in detail
    assert one["subject"] not in detail
