"""Two persons act on one grant at the same moment: one wins, the other is told, and nothing is half done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.support.granting import Office, approve, done, tag
from tests.support.node import OPERATOR, Desk, Node, missing_child


@pytest.fixture
def office(node: Node) -> Office:
    """People on both sides, an agreement in force, and no grant yet."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    return office


def at_once(*acts: Any) -> list[int]:
    """The statuses of acts that begin together."""
    start = Barrier(len(acts))

    def run(act: Any) -> int:
        start.wait(60)
        return int(act().status_code)

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def post(desk: Desk, path: str, body: Any, if_match: str) -> Any:
    return lambda: desk.post(path, body, {"If-Match": if_match})


@pytest.mark.parametrize("round_", range(5))
def test_a_revocation_and_an_approval_at_once_leave_one_of_them(office: Office, round_: int) -> None:
    office.node.desk(office.ana.agency).publish(missing_child())
    grant_id = office.propose(id=f"us-ca-sheriff-{round_}")["id"]
    path = f"/v1/grants/{grant_id}"
    seen = tag(office.ana, path)

    statuses = at_once(
        post(office.ana, f"{path}/approve", {"version": 1}, seen),
        post(office.beto, f"{path}/revoke", {"reason": "on second thoughts"}, seen),
    )

    after = office.ana.get(path).get_json()
    owners = office.node.rows("SELECT count(*) FROM grant_owner")
    offers = office.node.rows("SELECT count(*) FROM pending WHERE is_offer")
    assert sorted(statuses) == [200, 412]
    expected = ("in_force", [(1,)], [(1,)]) if statuses[0] == 200 else ("revoked", [(0,)], [(0,)])
    assert (after["versions"][0]["state"], owners, offers) == expected


def test_two_second_approvals_at_once_make_one_owner(office: Office) -> None:
    grant_id = office.propose(office.nora, id="us-ca-shelter-x", reader={"kind": "ngo"}, clearance="partner")["id"]
    done(approve(office.ana, grant_id))
    path = f"/v1/grants/{grant_id}"
    seen = tag(office.beto, path)

    statuses = at_once(*(post(desk, f"{path}/approve", {"version": 1}, seen) for desk in (office.beto, office.carla)))

    assert sorted(statuses) == [200, 412]
    assert office.node.rows("SELECT count(*) FROM grant_owner") == [(1,)]


def test_two_grants_approved_at_once_are_both_in_force(office: Office) -> None:
    ids = [office.propose(id=f"us-ca-sheriff-{number}")["id"] for number in range(2)]
    office.node.desk(office.ana.agency).publish(missing_child())
    seen = {one: tag(office.ana, f"/v1/grants/{one}") for one in ids}

    statuses = at_once(*(post(office.ana, f"/v1/grants/{one}/approve", {"version": 1}, seen[one]) for one in ids))

    assert statuses == [200, 200]
    assert office.node.rows("SELECT count(*) FROM pending WHERE is_offer") == [(2,)]


def test_what_is_published_during_an_approval_is_open_or_offered(office: Office) -> None:
    node = office.node
    police = node.desk(office.ana.agency)
    police.publish(missing_child())
    grant_id = office.propose()["id"]
    path = f"/v1/grants/{grant_id}"
    seen = tag(office.ana, path)
    events = [missing_child() for _ in range(12)]
    published: list[str] = []

    def publish() -> Any:
        for event in events:
            published.append(police.publish(event))
        return police.get("/v1/me")

    assert at_once(publish, post(office.ana, f"{path}/approve", {"version": 1}, seen)) == [200, 200]
    node.sequence()

    got = {item["id"] for item in node.desk(office.saul.agency).feed()}
    assert got >= set(published)
