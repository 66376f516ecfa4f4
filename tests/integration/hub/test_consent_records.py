"""Consents as records: what is wrong with one, whose it is to write and withdraw, who sees which line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.consents import LONGEST
from hub.directory import Role
from tests.integration.hub.victims import TO_SHELTER, case, consent, recorded
from tests.support.cast import FISCALIA, POLICE, SHELTER
from tests.support.node import BEGAN, SHERIFF, Desk, Node

NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE, whose cases SHELTER may read up to what consents open."""
    node.regrant(TO_SHELTER)
    return node.office(POLICE, "ana", Role.ADMIN)


FLAWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such member": ({"fields": ["/data/victims/0/nickname"]}, "/fields/0", "unknown-member"),
    "not protected": ({"fields": ["/data/victims/0/prs_Gender"]}, "/fields/0", "not-protected"),
    "a whole person": ({"fields": ["/data/victims/0"]}, "/fields/0", "not-protected"),
    "nobody there": ({"fields": ["/data/victims/7/prs_FirstName"]}, "/fields/0", "unknown-item"),
    "no pointer": ({"fields": ["Lucía"]}, "/fields/0", "wrong-form"),
    "no member": ({"fields": []}, "/fields", "wrong-count"),
    "a kind": ({"recipients": ["ngo"]}, "/recipients/0", "wrong-form"),
    "nobody known": ({"recipients": ["us-nobody"]}, "/recipients", "unknown-agency"),
    "itself": ({"recipients": [POLICE.id]}, "/recipients", "unknown-agency"),
    "another's subject": ({"subject": "of-somebody-else"}, "/subject", "unknown-subject"),
    "no giver": ({"given_by": "abuser"}, "/given_by", "unknown-code"),
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
