"""The query proposes, the policy disposes: what the policy allows is always among what the database proposes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.feed import read_feed
from hub.grants import Grant
from hub.lanes import coarsen
from hub.picture import Picture
from hub.policy import Facts, may_read
from hub.principal import READ, Principal
from hub.reading import Asking, choose
from hub.rendering import dump_cuts
from hub.store import Connection, agencies, events, log
from hub.store import grants as stored_grants
from hub.stored import Draft
from hub.timing import Timing
from schemas import projection
from schemas.masks import NAMES
from tests.hub import strategies
from tests.support.cast import LIMITS, NOW

NEVER = Timing(lapses=False, lapsed_at=None, public_until=None, active_until=None)
few = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def everybody(postgres_of_module: str) -> Iterator[Connection]:
    """A connection to a database where everybody that the strategies know is enrolled."""
    with psycopg.connect(postgres_of_module, autocommit=True) as conn:
        for agency in strategies.EVERYBODY:
            agencies.enrol(conn, agency)
        yield conn


@contextmanager
def stored(conn: Connection, published: list[Facts], held: list[Grant]) -> Iterator[Picture]:
    """What was published is in the log while this lasts, and `held` are the grants."""
    with conn.transaction(force_rollback=True):
        stored_grants.replace_imported(conn, held, bytes(32))
        picture = Picture.unread(LIMITS)
        picture.refresh(conn)
        for number, facts in enumerate(published):
            picture.lane_for(conn, facts)
            assert events.append(conn, _entry(number, facts, picture))
        led = log.take_lease(conn, "sequencer", me := uuid4(), lease_ms=60_000)
        assert led is not None
        assert log.assign(conn, me, led[0], most=1000, lease_ms=60_000).assigned == len(published)
        yield picture


def _entry(number: int, facts: Facts, picture: Picture) -> events.Entry:
    draft = Draft(
        source=facts.source,
        id=str(number),
        type=facts.type,
        subject=str(number),
        time=NOW,
        facts=facts,
        timing=NEVER,
        digest=b"",
        projection_version=projection.PROJECTION_VERSION,
        cuts=dump_cuts({name: [(0, 2)] for name in NAMES}),
        text="{}",
    )
    lane, version = picture.view.lanes.by_facts[coarsen(facts)], picture.view.rules.directory.version
    return events.Entry(draft=draft, lane=lane, directory_version=version, client="c", reason="r", policy="p")


def allowed(asking: Asking, published: list[Facts]) -> dict[str, str | None]:
    """What the policy says by itself: the subjects of the events that may be read, and as what."""
    decisions = [may_read(asking.principal, facts, asking.view.rules, asking.at) for facts in published]
    return {str(number): decision.projection for number, decision in enumerate(decisions) if decision.is_allowed}


questions = given(
    published=strategies.events,
    held=strategies.grant_lists,
    who=strategies.principals,
    at=strategies.moments,
    limit=st.sampled_from([1, 3, 50]),
)


@few
@questions
def test_the_database_never_hides_what_the_policy_allows(
    everybody: Connection, published: list[Facts], held: list[Grant], who: Principal, at: datetime, limit: int
) -> None:
    with stored(everybody, published, held) as picture:
        asking = Asking(who, picture, picture.view, at)
        reach = asking.reach()
        proposed = log.candidates(
            everybody, who.agency.id, log.Within(reach.lanes, reach.grants), after=0, limit=len(published) + limit
        )

        assert allowed(asking, published).keys() <= {row.subject for row in proposed}
        assert {item.row.subject: item.projection for item in choose(asking, proposed)} == allowed(asking, published)


@few
@questions
def test_page_by_page_a_reader_gets_exactly_what_the_policy_allows(
    everybody: Connection, published: list[Facts], held: list[Grant], who: Principal, at: datetime, limit: int
) -> None:
    reader = Principal(agency=who.agency, client_id="c", scopes=who.scopes | {READ}, jurisdictions=who.jurisdictions)
    with stored(everybody, published, held) as picture:
        asking = Asking(reader, picture, picture.view, at)
        seen: list[str] = []
        position, more = 0, True
        while more:
            page = read_feed(everybody, asking, after=position, limit=limit, status="actual")
            position, more = page.position, page.more
            seen += [item.row.subject for item in page.shown]

        assert seen == list(allowed(asking, published))
