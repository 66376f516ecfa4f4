"""Consents and grants come and go on one node while the other hears of it or does not: it never shows more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.protected import FRESH_S
from hub.reading import choose
from hub.store import events
from schemas.sensitivity import Sensitivity
from tests.integration.border.conftest import REFUGIO
from tests.integration.border.consented import names_in
from tests.support.cast import POLICE
from tests.support.consenting import FIRST, SECOND, for_victims, records, released_case, silent_for, withdraws
from tests.support.crossing import Pair, pair
from tests.support.node import YEAR
from tests.support.services import Databases

FAR = for_victims(REFUGIO)
STEPS = ("first", "second", "withdraw", "far", "near", "none", "again", "cross", "cross")


@pytest.fixture(scope="module")
def both(databases: Databases) -> Iterator[Pair]:
    """One pair for all examples; each has a subject of its own."""
    urls = [databases.migrated(), databases.migrated()]
    with ExitStack() as stack:
        made = pair(urls, stack)
        made.us.trust()
        made.mx.trust()
        made.us.enrol(POLICE)
        made.mx.enrol(REFUGIO)
        yield made
    for url in urls:
        databases.drop(url)


class Case:
    """One subject, and what was done about it."""

    def __init__(self, nodes: Pair) -> None:
        self.nodes = nodes
        nodes.us.regrant(FAR)
        event = released_case()
        self.subject = str(event["subject"])
        self.consents: list[str] = []
        self.minutes = 1
        self.hub_ids = [nodes.us.publish(event)]
        nodes.cross()

    def do(self, step: str) -> None:
        """One step."""
        us = self.nodes.us
        done: dict[str, Callable[[], object]] = {
            "first": lambda: self.consents.append(self.consent(FIRST)),
            "second": lambda: self.consents.append(self.consent(SECOND)),
            "withdraw": lambda: withdraws(us, self.consents.pop()) if self.consents else None,
            "far": lambda: us.regrant(FAR),
            "near": lambda: us.regrant(for_victims(REFUGIO, clearance=Sensitivity.PARTNER)),
            "none": lambda: us.regrant(for_victims(REFUGIO, valid_until=FAR.valid_from + YEAR / 2)),
            "again": self.again,
            "cross": self.nodes.cross,
        }
        done[step]()

    def consent(self, member: str) -> str:
        """The victim consents to one more member."""
        return records(self.nodes.us, self.subject, REFUGIO, fields=(f"/data/victims/0/{member}",))

    def again(self) -> None:
        """Another event of the subject."""
        self.minutes += 1
        self.hub_ids.append(self.nodes.us.publish(released_case("updated", subject=self.subject, minutes=self.minutes)))

    def at_home(self) -> dict[object, frozenset[str]]:
        """Which names the shelter would read of each event, were it asked for at its origin."""
        us = self.nodes.us
        rows = list(events.by_hub_ids(us.conn, self.hub_ids).values())
        chosen = choose(us.asking(REFUGIO), rows)
        return {item.row.hub_id: frozenset(names_in(orjson.loads(item.text))) for item in chosen}

    def over_there(self) -> dict[object, frozenset[str]]:
        """Which it reads on its own node."""
        found: dict[object, frozenset[str]] = {}
        for event in self.nodes.mx.feed(REFUGIO):
            if event["subject"] == self.subject:
                found[event["id"]] = frozenset(names_in(event))
        ids = self.nodes.mx.rows("SELECT id, hub_id FROM event WHERE subject = %s", self.subject)
        return {hub_id: found[event_id] for event_id, hub_id in ids if event_id in found}


def within(shown: dict[object, frozenset[str]], most: dict[object, frozenset[str]]) -> bool:
    """Whether nothing is shown beyond that."""
    return all(names <= most.get(event, frozenset()) for event, names in shown.items())


@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=8))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_over_there_is_what_was_told_and_nothing_more(both: Pair, steps: list[str]) -> None:
    """Given random consents, withdrawals and grants, then each crossing makes both sides alike, and silence hides."""
    case = Case(both)
    known = case.at_home()
    for step in steps:
        case.do(step)
        if step == "cross":
            known = case.at_home()
            assert case.over_there() == known
        assert within(case.over_there(), known)
    silent_for(both.mx, FRESH_S + 1)
    assert within(case.over_there(), {})
