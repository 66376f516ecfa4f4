"""Publish rights at the other door: a record in Kafka is refused with the same reason, and accepted once it may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Kind, Role
from schemas import wire
from tests.support import cast
from tests.support.node import OPERATOR, Desk, Node, missing_child
from tests.support.services import Broker
from tests.support.working import Working

PREFIX = "rights."
PATROL = cast.agency("us-ca-patrol", Kind.LAW_ENFORCEMENT, "US-CA")


@pytest.fixture(scope="module")
def works(postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node whose workers all run, with PATROL enrolled."""
    node = Node(postgres_of_module)
    node.enrol(OPERATOR, PATROL)
    working = Working(node, kafka, PREFIX)
    working.start()
    try:
        working.admitted(PATROL)
        yield working
    finally:
        working.stop()
        node.close()


def sent(works: Working, **differs: Any) -> str:
    """What becomes of an alert of PATROL: `accepted`, or the words of its refusal."""
    event = missing_child(**{"source": PATROL.id, "jurisdictions": ["US-CA:06037"]} | differs)
    offset = works.deal_with(PATROL, event)
    if works.node.rows("SELECT 1 FROM event WHERE source = %s AND id = %s", PATROL.id, event["id"]):
        return "accepted"
    query = 'SELECT flaws FROM rejection WHERE topic = %s AND "offset" = %s'
    ((flaws,),) = works.node.rows(query, wire.in_topic(PATROL.id, PREFIX), offset)
    return str(json.loads(flaws)[0]["text"]["en"])


def state(desk: Desk, right: str, state: str, version: int) -> None:
    body = {"state": state, "reason": "as the council decided"}
    assert desk.put(f"/v1/publish-rights/{right}/state", body, version).status_code == 200


def test_a_right_counts_in_ingest_from_its_approval_to_its_end(works: Working) -> None:
    node = works.node
    olga, omar = (node.office(OPERATOR, name, Role.OPERATOR) for name in ("olga", "omar"))
    found = [sent(works)]
    wanted = {
        "agency": PATROL.id,
        "types": ["alert.missing_child.*"],
        "jurisdictions": ["US-CA:06037"],
        "valid_until": (node.clock() + timedelta(days=30)).isoformat(),
    }

    right = olga.post("/v1/publish-rights", wanted).get_json()["id"]
    found.append(sent(works))
    omar.post(f"/v1/publish-rights/{right}/approval", {}, {"If-Match": '"1"'})
    found += [sent(works), sent(works, jurisdictions=["US-CA:06073"])]
    state(omar, right, "suspended", 2)
    found.append(sent(works))
    state(omar, right, "in_force", 3)
    node.clock.ahead = timedelta(days=30)
    found.append(sent(works))
    node.clock.ahead = timedelta()
    state(omar, right, "revoked", 4)
    found.append(sent(works))

    assert found == [
        "the agency does not publish this type",
        "the right to publish this waits for approval",
        "accepted",
        "outside the agency's authorised area: US-CA:06073",
        "the right to publish this is suspended",
        "the right to publish this has expired",
        "the right to publish this was revoked",
    ]
