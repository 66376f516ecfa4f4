"""What agencies have shown to hold: recorded by operators, ended by time or reason, and what rests on it with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hub.directory import Role
from hub.grants import Selector
from schemas.sensitivity import Sensitivity
from tests.support.cast import POLICE, SHELTER
from tests.support.node import BEGAN, OPERATOR, SHERIFF, YEAR, Desk, Node, grant, missing_child, stamp

DIGEST = "ab" * 32
NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
TRAINED = grant(requires=("28-cfr-23",))


def training(node: Node, days: float = 365, **differs: Any) -> dict[str, Any]:
    """The shelter's staff were trained, as a document shows, for so many days from now."""
    usual = {"agency": SHELTER.id, "kind": "28-cfr-23", "document_sha256": DIGEST}
    return usual | {"valid_until": (node.clock() + timedelta(days=days)).isoformat()} | differs


def record(desk: Desk, days: float = 365, **differs: Any) -> str:
    answer = desk.post("/v1/attestations", training(desk.node, days, **differs))
    assert answer.status_code == 201, answer.text
    return str(UUID(answer.get_json()["id"]))


def follow(desk: Desk) -> tuple[list[str], str]:
    """All that the feed has, to its head: the ids, and the cursor from which to go on."""
    page = desk.get("/v1/feed").get_json()
    return [item["id"] for item in page["events"]], page["next"]


def since(desk: Desk, cursor: str) -> list[tuple[str, str]]:
    desk.node.sequence()
    return [(item["id"], item["projection"]) for item in desk.feed(after=cursor)]


def test_what_rests_on_an_attestation_begins_and_ends_with_it(node: Node, police: Desk, olga: Desk) -> None:
    node.regrant(TRAINED)
    hub_id = police.publish(missing_child())
    shelter = node.desk(SHELTER)
    before = shelter.event(hub_id)

    record(olga, days=2)
    during = shelter.event(hub_id)
    node.clock.ahead = timedelta(days=2)

    assert (before, during is not None, node.desk(SHELTER).event(hub_id)) == (None, True, None)


def test_to_the_second_it_ends_when_it_says(node: Node, police: Desk, olga: Desk) -> None:
    node.regrant(TRAINED)
    hub_id = police.publish(missing_child())
    ends = node.clock() + timedelta(minutes=90)
    record(olga, valid_until=ends.isoformat())

    found = []
    for seconds in (-5, 0):
        node.clock.ahead += ends + timedelta(seconds=seconds) - node.clock()
        found.append(node.desk(SHELTER).event(hub_id) is not None)

    assert found == [True, False]


def test_a_withdrawn_one_counts_no_more_in_the_next_request(
    node: Node, police: Desk, shelter: Desk, olga: Desk
) -> None:
    node.regrant(TRAINED)
    hub_id = police.publish(missing_child())
    attestation = record(olga)
    assert shelter.event(hub_id)

    done = olga.post(f"/v1/attestations/{attestation}/withdrawal", {"reason": "the paper was forged"})

    assert (done.status_code, done.get_json()["in_force"], done.get_json()["withdrawn_by"]) == (
        200,
        False,
        "us-operator.olga",
    )
    assert shelter.event(hub_id) is None


def test_what_one_opens_behind_its_readers_cursor_comes_anew_in_order(node: Node, police: Desk, olga: Desk) -> None:
    node.regrant(
        grant(id="alerts", requires=("28-cfr-23",), types=("alert.missing_child.issued",)),
        grant(id="updates", types=("alert.missing_child.updated",)),
    )
    shelter = node.desk(SHELTER)
    first = missing_child(minutes=1)
    hidden = [police.publish(first), police.publish(missing_child(minutes=2))]
    update = police.publish(missing_child("updated", minutes=3, subject=first["subject"]))
    node.sequence()
    seen, cursor = follow(shelter)

    record(olga)

    assert seen == [update]
    assert since(shelter, cursor) == [(hub_id, "partner") for hub_id in hidden]
    assert since(shelter, follow(shelter)[1]) == []


def test_what_is_over_does_not_come_anew(node: Node, police: Desk, olga: Desk) -> None:
    node.regrant(
        grant(id="alerts", requires=("28-cfr-23",), types=("alert.missing_child.issued",)),
        grant(id="ends", types=("alert.missing_child.located",)),
    )
    shelter = node.desk(SHELTER)
    over, ran_out = missing_child(minutes=1), missing_child(minutes=2)
    ran_out["label"]["active_until"] = stamp(3)
    police.publish(over)
    police.publish(ran_out)
    end = police.publish(missing_child("located", minutes=4, subject=over["subject"]))
    node.sequence()
    seen, cursor = follow(shelter)

    record(olga)

    assert seen == [end]
    assert since(shelter, cursor) == []


def test_what_was_seen_with_less_in_it_comes_anew_with_more(node: Node, police: Desk, olga: Desk) -> None:
    node.regrant(
        grant(id="little", clearance=Sensitivity.PUBLIC),
        grant(id="more", clearance=Sensitivity.PARTNER, requires=("28-cfr-23",)),
    )
    hub_id = police.publish(missing_child())
    node.sequence()
    shelter = node.desk(SHELTER)
    cursor = follow(shelter)[1]

    record(olga)

    assert since(shelter, cursor) == [(hub_id, "partner")]


def test_nobody_else_gets_anything_anew(node: Node, police: Desk, sheriff: Desk, olga: Desk) -> None:
    node.regrant(TRAINED, grant(id="sheriff", reader=Selector(agency=SHERIFF.id)))
    police.publish(missing_child())
    node.sequence()
    cursor = follow(sheriff)[1]

    record(olga)

    assert since(sheriff, cursor) == []


def test_one_that_opens_nothing_new_offers_nothing(node: Node, police: Desk, shelter: Desk, olga: Desk) -> None:
    police.publish(missing_child())
    node.sequence()
    cursor = follow(shelter)[1]

    record(olga, kind="nda")

    assert since(shelter, cursor) == []


def test_a_renewal_before_the_end_leaves_no_gap(node: Node, police: Desk, olga: Desk) -> None:
    node.regrant(TRAINED)
    hub_id = police.publish(missing_child())
    record(olga, days=2)
    begins = (node.clock() + timedelta(days=1)).isoformat()

    record(olga, days=9, valid_from=begins)
    node.clock.ahead = timedelta(days=3)

    assert node.desk(SHELTER).event(hub_id)


@pytest.mark.parametrize(
    ("flaw", "path"),
    [
        ({"agency": "us-ca-nobody"}, "/agency"),
        ({"kind": "28 CFR 23"}, "/kind"),
        ({"document_sha256": "ab"}, "/document_sha256"),
        ({"document_sha256": DIGEST + "\n"}, "/document_sha256"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "/valid_until"),
        ({"valid_until": "2020-01-01T00:00:00"}, "/valid_until"),
        ({"valid_from": (BEGAN + timedelta(days=10)).isoformat()}, "/valid_from"),
        ({"valid_from": (BEGAN + 2 * YEAR).isoformat()}, "/valid_until"),
    ],
)
def test_a_flaw_is_named_by_its_place_and_nothing_is_kept(
    node: Node, olga: Desk, flaw: dict[str, Any], path: str
) -> None:
    answer = olga.post("/v1/attestations", training(node) | flaw)

    assert (answer.status_code, [one["path"] for one in answer.get_json()["errors"]]) == (422, [path])
    assert node.rows("SELECT 1 FROM attestation") == []


@pytest.mark.parametrize(("agency", "role"), [(SHELTER, Role.ADMIN), (SHELTER, Role.AUDITOR), (OPERATOR, Role.AUDITOR)])
def test_only_an_operator_records_and_withdraws(node: Node, olga: Desk, agency: Any, role: Role) -> None:
    other = node.office(agency, "alma", role)
    attestation = record(olga)

    recorded = other.post("/v1/attestations", training(node)).status_code
    withdrawn = other.post(f"/v1/attestations/{attestation}/withdrawal", {"reason": "none at all"}).status_code

    assert (recorded, withdrawn) == (403, 403 if agency is SHELTER else 404)


def test_an_agency_sees_its_own_and_not_others(node: Node, olga: Desk, ana: Desk) -> None:
    alma = node.office(SHELTER, "alma", Role.AUDITOR)
    own, others = record(olga, days=3), record(olga, agency=POLICE.id)

    def listed(desk: Desk, **query: Any) -> list[tuple[str, int | None]]:
        found = desk.get("/v1/attestations", **query).get_json()["attestations"]
        return [(one["id"], one["warning_days"]) for one in found]

    assert listed(alma) == [(own, 7)]
    assert listed(alma, agency=POLICE.id) == []
    assert listed(ana) == [(others, None)]
    assert listed(olga) == [(own, 7), (others, None)]
    assert listed(olga, after=own) == [(others, None)]


def test_another_agencys_attestation_looks_like_none(olga: Desk, ana: Desk) -> None:
    answers = [
        ana.post(f"/v1/attestations/{which}/withdrawal", {"reason": "none at all"}) for which in (record(olga), NOBODYS)
    ]

    assert answers[0].status_code == 404
    assert (answers[0].data, [*answers[0].headers]) == (answers[1].data, [*answers[1].headers])


def test_withdrawing_twice_is_a_conflict(olga: Desk) -> None:
    attestation = record(olga)
    path = f"/v1/attestations/{attestation}/withdrawal"

    answers = [olga.post(path, {"reason": "the paper was forged"}).status_code for _ in range(2)]

    assert answers == [200, 409]


def test_an_agency_is_warned_at_thirty_seven_and_one_days(node: Node, olga: Desk) -> None:
    record(olga, days=40)
    shelter = node.desk(SHELTER)

    def warned(ahead: timedelta) -> list[tuple[str, str, int]]:
        node.clock.ahead = ahead
        found = node.desk(SHELTER).get("/v1/me").get_json()["expiring"]
        return [(one["what"], one["id"], one["days"]) for one in found]

    assert shelter.get("/v1/me").get_json()["expiring"] == []
    assert [warned(timedelta(days=days, minutes=1)) for days in (10, 33, 39)] == [
        [("attestation", "28-cfr-23", 30)],
        [("attestation", "28-cfr-23", 7)],
        [("attestation", "28-cfr-23", 1)],
    ]
    assert warned(timedelta(days=40)) == []
