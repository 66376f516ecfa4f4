"""Publish rights over HTTP, and what they do at the door: "AMBER for US-CA", from its approval to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from hub.directory import Kind, Role
from tests.support import cast
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child

# Has authority in all of California, and no right to publish anything.
PATROL = cast.agency("us-ca-patrol", Kind.LAW_ENFORCEMENT, "US-CA")


@pytest.fixture
def patrol(node: Node) -> Desk:
    node.enrol(PATROL)
    return node.desk(PATROL)


@pytest.fixture
def petra(node: Node, patrol: Desk) -> Desk:
    """Administers PATROL."""
    return node.office(patrol.agency, "petra", Role.ADMIN)


def amber(node: Node, **differs: Any) -> dict[str, Any]:
    """AMBER for US-CA, for a month from now."""
    usual = {
        "agency": PATROL.id,
        "types": ["alert.missing_child.*"],
        "jurisdictions": ["US-CA"],
        "valid_until": (node.clock() + timedelta(days=30)).isoformat(),
    }
    return usual | differs


def propose(desk: Desk, **differs: Any) -> str:
    answer = desk.post("/v1/publish-rights", amber(desk.node, **differs))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def approve(desk: Desk, right: str, version: int = 1) -> TestResponse:
    return desk.post(f"/v1/publish-rights/{right}/approval", {}, {"If-Match": f'"{version}"'})


def put(desk: Desk, right: str, state: str, version: int) -> TestResponse:
    body = {"state": state, "reason": "as the council decided"}
    return desk.put(f"/v1/publish-rights/{right}/state", body, version)


def alert(**differs: Any) -> dict[str, Any]:
    return missing_child(**{"source": PATROL.id, "jurisdictions": ["US-CA:06037"]} | differs)


def refusal(desk: Desk, **differs: Any) -> str:
    """Why an alert of PATROL is refused."""
    answer = desk.post("/v1/events", alert(**differs))
    assert answer.status_code == 403, answer.text
    return str(answer.get_json()["detail"])


def test_a_right_opens_nothing_until_a_second_person_approves_it(patrol: Desk, petra: Desk, olga: Desk) -> None:
    nothing = refusal(patrol)
    right = propose(petra)
    waiting = refusal(patrol)

    done = approve(olga, right)

    assert nothing == "the agency does not publish this type"
    assert waiting == "the right to publish this waits for approval"
    assert (done.status_code, done.get_json()["approved_by"]) == (200, "us-operator.olga")
    assert patrol.publish(alert())


def test_who_proposed_a_right_does_not_approve_it(patrol: Desk, olga: Desk, omar: Desk) -> None:
    right = propose(olga)

    assert (approve(olga, right).status_code, approve(omar, right).status_code) == (403, 200)
    assert patrol.publish(alert())


def test_an_agencys_own_admin_approves_nothing(patrol: Desk, petra: Desk, olga: Desk) -> None:
    right = propose(olga)

    assert approve(petra, right).status_code == 403
    assert refusal(patrol) == "the right to publish this waits for approval"


def test_approving_twice_is_a_conflict(patrol: Desk, olga: Desk, omar: Desk) -> None:
    right = propose(olga)
    approve(omar, right)

    assert [approve(omar, right, version).status_code for version in (1, 2)] == [409, 409]
    assert patrol.publish(alert())


@pytest.mark.usefixtures("patrol")
def test_an_approval_names_the_version_it_approves(olga: Desk, omar: Desk) -> None:
    right = propose(olga)

    assert approve(omar, right, 7).status_code == 412
    assert omar.post(f"/v1/publish-rights/{right}/approval", {}).status_code == 428
    assert omar.get(f"/v1/publish-rights/{right}").get_json()["state"] == "proposed"


def test_a_right_ends_at_its_borders(patrol: Desk, olga: Desk, omar: Desk) -> None:
    approve(omar, propose(olga, jurisdictions=["US-CA:06073"]))

    assert refusal(patrol, jurisdictions=["US-CA:06037"]) == "outside the agency's authorised area: US-CA:06037"
    assert refusal(patrol, jurisdictions=["US-TX"]) == "outside the agency's authorised area: US-TX"
    assert patrol.publish(alert(jurisdictions=["US-CA:06073"]))


def test_a_right_ends_in_time(node: Node, patrol: Desk, olga: Desk, omar: Desk) -> None:
    begins, ends = node.clock() + timedelta(hours=1), node.clock() + timedelta(hours=2)
    right = propose(olga, valid_from=begins.isoformat(), valid_until=ends.isoformat())
    approve(omar, right)

    early = refusal(patrol)
    node.clock.ahead = timedelta(hours=1, seconds=5)
    assert node.desk(patrol.agency).publish(alert())
    node.clock.ahead = timedelta(hours=2)
    late = refusal(node.desk(patrol.agency))

    assert early == "the right to publish this has not begun"
    assert late == "the right to publish this has expired"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("revoked", "the right to publish this was revoked"),
        ("suspended", "the right to publish this is suspended"),
    ],
)
def test_a_right_that_was_taken_away_counts_no_more_in_the_next_request(
    patrol: Desk, petra: Desk, olga: Desk, state: str, why: str
) -> None:
    right = propose(petra)
    approve(olga, right)
    patrol.publish(alert())

    done = put(petra, right, state, 2)

    assert (done.status_code, done.get_json()["reason"]) == (200, "as the council decided")
    assert refusal(patrol) == why


def test_what_was_published_before_stays(patrol: Desk, petra: Desk, olga: Desk) -> None:
    right = propose(petra)
    approve(olga, right)
    hub_id = patrol.publish(alert())

    put(olga, right, "revoked", 2)

    assert patrol.event(hub_id)


def test_a_suspended_right_is_put_back_by_an_operator(patrol: Desk, petra: Desk, olga: Desk) -> None:
    right = propose(petra)
    approve(olga, right)
    put(olga, right, "suspended", 2)

    own, back = put(petra, right, "in_force", 3), put(olga, right, "in_force", 3)

    assert (own.status_code, back.status_code) == (403, 200)
    assert patrol.publish(alert())


@pytest.mark.usefixtures("patrol")
def test_a_revoked_right_does_not_come_back(olga: Desk, omar: Desk) -> None:
    right = propose(olga)
    put(olga, right, "revoked", 1)

    assert [put(olga, right, state, 2).status_code for state in ("in_force", "suspended", "revoked")] == [409] * 3
    assert approve(omar, right, 2).status_code == 409


@pytest.mark.usefixtures("patrol")
def test_whoever_decides_second_finds_it_changed(olga: Desk, omar: Desk) -> None:
    right = propose(olga)
    revoked = put(olga, right, "revoked", 1)

    assert (revoked.status_code, approve(omar, right, 1).status_code) == (200, 409)


@pytest.mark.usefixtures("patrol")
def test_a_right_that_ran_out_while_it_waited_is_not_approved(node: Node, olga: Desk) -> None:
    right = propose(olga, valid_until=(node.clock() + timedelta(minutes=4)).isoformat())
    node.clock.ahead = timedelta(minutes=4)
    omar = node.office(olga.agency, "omar", Role.OPERATOR)

    assert approve(omar, right).status_code == 409


@pytest.mark.parametrize(
    ("flaw", "path"),
    [
        ({"agency": "us-ca-nobody"}, "/agency"),
        ({"types": []}, "/types"),
        ({"types": ["alert.missing_child.isued"]}, "/types/0"),
        ({"types": ["amber"]}, "/types/0"),
        ({"jurisdictions": []}, "/jurisdictions"),
        ({"jurisdictions": ["US-TX"]}, "/jurisdictions/0"),
        ({"jurisdictions": ["US-CA", "US"]}, "/jurisdictions/1"),
        ({"jurisdictions": ["US-CA:99999"]}, "/jurisdictions/0"),
        ({"jurisdictions": ["US-CA"] * 257}, "/jurisdictions"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "/valid_until"),
        ({"valid_until": "2999-01-01T00:00:00Z", "valid_from": "2999-01-01T00:00:00Z"}, "/valid_until"),
    ],
)
def test_a_flaw_is_named_by_its_place_and_nothing_is_kept(
    node: Node, patrol: Desk, olga: Desk, flaw: dict[str, Any], path: str
) -> None:
    answer = olga.post("/v1/publish-rights", amber(node, **flaw))

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])
    assert node.rows("SELECT 1 FROM publish_right WHERE agency = %s", patrol.agency.id) == []


def test_another_agencys_rights_look_like_none(node: Node, ana: Desk, olga: Desk) -> None:
    node.enrol(PATROL)
    right, nowhere = propose(olga), "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
    ask: dict[str, Callable[[str], TestResponse]] = {
        "GET": lambda which: ana.get(f"/v1/publish-rights/{which}"),
        "approve": lambda which: approve(ana, which),
        "revoke": lambda which: put(ana, which, "revoked", 1),
    }

    for name, request in ask.items():
        there, missing = request(right), request(nowhere)
        assert (there.status_code, there.data, [*there.headers]) == (404, missing.data, [*missing.headers]), name
    assert {one["agency"] for one in ana.get("/v1/publish-rights").get_json()["publish_rights"]} == {POLICE.id}
    assert ana.get("/v1/publish-rights", agency=PATROL.id).get_json()["publish_rights"] == []


def test_an_agencys_admin_proposes_for_its_own_agency_alone(node: Node, ana: Desk) -> None:
    assert ana.post("/v1/publish-rights", amber(node, agency=SHELTER.id)).status_code == 403


def test_rights_come_page_by_page_with_a_warning_of_their_end(node: Node, patrol: Desk, olga: Desk, omar: Desk) -> None:
    ends = [(node.clock() + timedelta(days=days)).isoformat() for days in (6, 60)]
    rights = [propose(olga, valid_until=end) for end in ends]
    for right in rights:
        approve(omar, right)

    first = olga.get("/v1/publish-rights", agency=patrol.agency.id, limit=1).get_json()
    second = olga.get("/v1/publish-rights", agency=patrol.agency.id, after=first["next"]).get_json()

    found = first["publish_rights"] + second["publish_rights"]
    assert [(one["id"], one["warning_days"]) for one in found] == [(rights[0], 7), (rights[1], None)]


def test_who_decided_what_of_a_right_is_on_record(node: Node, patrol: Desk, petra: Desk, olga: Desk) -> None:
    right = propose(petra)
    approve(petra, right)
    approve(olga, right)
    put(petra, right, "revoked", 2)

    found = node.rows(
        "SELECT action, person, is_allowed, object FROM audit WHERE action LIKE 'publish-right.%%' ORDER BY no"
    )
    assert found == [
        ("publish-right.propose", "us-ca-patrol.petra", True, patrol.agency.id),
        ("publish-right.approve", "us-ca-patrol.petra", False, right),
        ("publish-right.approve", "us-operator.olga", True, right),
        ("publish-right.revoked", "us-ca-patrol.petra", True, right),
    ]
