"""Live, polled, replayed and queued: all ways lead to the same events, in the same order, through the same filter."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from uuid import UUID

import pytest

from hub.directory import Kind
from hub.filter_rows import FILTER
from hub.filters import seen_in
from hub.grants import Selector
from tests.integration.live.conftest import Listen
from tests.support import cast
from tests.support.events import Wire
from tests.support.node import USUAL, Desk, Node, child_case, grant, missing_child
from tests.support.streaming import Live
from tests.support.subscribing import Dispatch, subscribe

LAPD = cast.agency("us-ca-lapd", Kind.LAW_ENFORCEMENT, "US-CA:06037", publishes=("alert.*", "case.trafficking.*"))
LISTS = ("types", "jurisdictions", "changes")
QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"own": "false"},
    {"types": "alert.*"},
    {"types": "alert.missing_child.located,case.*"},
    {"changes": "new"},
    {"changes": "updated,cancelled,located"},
    {"severity": "Severe"},
    {"urgency": "Immediate", "own": "false"},
    {"jurisdictions": "US-CA:06037"},
    {"jurisdictions": "US-CA,US-TX", "changes": "new,located"},
    {"subject": "subject-two"},
    {"status": "exercise"},
    {"status": "exercise", "severity": "Moderate"},
)


@pytest.fixture
def lapd(node: Node) -> Desk:
    """Publishes in another county, for the shelter."""
    node.enrol(LAPD)
    node.regrant(*USUAL, grant(id="lapd-to-shelter", source=Selector(agency=LAPD.id)))
    return node.desk(LAPD)


def some_event(desk: Desk, random: Random) -> Wire:
    differs: dict[str, Any] = {
        "subject": f"subject-{random.choice(('one', 'two', 'three'))}",
        "source": desk.agency.id,
        "jurisdictions": list(desk.agency.jurisdictions),
        "status": random.choice(("actual", "actual", "exercise")),
        "minutes": random.randrange(100),
    }
    if random.random() < 0.15:
        return child_case(random.choice(("opened", "updated")), **differs)
    differs["data"] = {
        "severity": random.choice(("Extreme", "Severe", "Moderate", "Unknown")),
        "urgency": random.choice(("Immediate", "Expected", "Future")),
    }
    verb = random.choice(("issued", "issued", "updated", "cancelled", "located"))
    if verb == "issued" and random.random() < 0.2:
        differs["label"] = {"tlp": "red"}
    return missing_child(verb, **differs)


def publish_all(desks: tuple[Desk, ...], random: Random) -> None:
    """A life of events, some of them placed together."""
    for _ in range(12):
        for _ in range(random.randrange(1, 6)):
            desk = random.choice(desks)
            answer = desk.post("/v1/events", some_event(desk, random))
            assert answer.status_code in (201, 422), answer.text
        desks[0].node.sequence()


def polled(live: Live | None, desk: Desk, query: dict[str, str], random: Random) -> list[dict[str, Any]]:
    """The feed, page by page, of the gateway or the stream process."""
    found: list[dict[str, Any]] = []
    after, more = "", True
    while more:
        told: dict[str, Any] = query | {"after": after, "limit": str(random.randrange(1, 9))}
        answer = desk.get("/v1/feed", **told).get_json() if live is None else live.get(desk, "/v1/feed", **told).json()
        found += answer["events"]
        after, more = answer["next"], answer["more"]
    return found


def as_filter(query: dict[str, str]) -> dict[str, Any]:
    """A question of a feed or stream as subscriptions ask it."""
    return {"own": True} | {
        name: value.split(",") if name in LISTS else value == "true" if name == "own" else value
        for name, value in query.items()
    }


def foretold(desk: Desk, query: dict[str, str]) -> list[str]:
    """What a subscriber would have been told."""
    found = desk.post("/v1/subscriptions/preview", {"filter": as_filter(query)}).get_json()
    return [one["id"] for one in found["events"]]


def queued(node: Node, subscription: UUID) -> list[str]:
    """What one is told, in the order of its numbers, and what would have been but for its end."""
    found = node.rows("SELECT event::text FROM delivery WHERE subscription = %s ORDER BY seq", subscription)
    return [event for (event,) in found]


def heard(listen: Listen, desk: Desk, query: dict[str, str], count: int) -> list[str]:
    ear = listen(desk, after="", **query)
    return [ear.event()["id"] for _ in range(count)]


@pytest.mark.parametrize("seed", range(2))
def test_all_ways_lead_to_the_same(
    node: Node, police: Desk, lapd: Desk, shelter: Desk, sheriff: Desk, live: Live, listen: Listen, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - a test's dice
    asked = [(shelter, query) for query in QUERIES]
    asked += [(police, QUERIES[0]), (police, QUERIES[1]), (sheriff, QUERIES[0])]
    ears = [listen(desk, **query) for desk, query in asked]
    subscriptions = [subscribe(desk, filter=as_filter(query)) for desk, query in asked]
    publish_all((police, lapd), random)
    Dispatch(node).queue()

    for (desk, query), ear, subscription in zip(asked, ears, subscriptions, strict=True):
        pages = polled(None, desk, query, random)
        ids = [item["id"] for item in pages]
        assert [ear.event()["id"] for _ in ids] == ids, query
        assert polled(live, desk, query, random) == pages, query
        assert heard(listen, desk, query, len(ids)) == ids, query
        assert foretold(desk, query) == ids, query
        assert queued(node, subscription) == ids, query
    assert all(ear.is_silent() for ear in ears)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_what_comes_through_a_filter_is_what_it_wants(
    police: Desk, lapd: Desk, shelter: Desk, query: dict[str, str]
) -> None:
    random = Random(7)  # noqa: S311 - a test's dice
    publish_all((police, lapd), random)
    wanted = FILTER.load(as_filter(query))

    for desk in (police, shelter):
        everything = polled(None, desk, {"status": wanted.status}, random)
        expected = [one for one in everything if wanted.wants(seen_in(json.dumps(one["event"])), desk.agency.id)]
        assert polled(None, desk, query, random) == expected
