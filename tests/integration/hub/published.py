"""Events put into the log of a real database as they are, with their lanes, past everything that decides on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from hub.grants import Grant
from hub.lanes import coarsen
from hub.picture import Picture
from hub.policy import Facts, may_read
from hub.reading import Asking
from hub.rendering import dump_cuts
from hub.store import Connection, events, lanes, log
from hub.stored import Draft
from hub.timing import Timing
from schemas import projection
from schemas.masks import NAMES
from tests.support import grant_rows
from tests.support.cast import LIMITS, NOW

NEVER = Timing(lapses=False, lapsed_at=None, public_until=None, active_until=None)

# What an event was offered under, it was offered under at a position of its own, behind everything else.
_OFFERED = """
INSERT INTO offer (position, event, grant_id)
SELECT (SELECT max(position) FROM log) + row_number() OVER (ORDER BY e.id, o.name), e.hub_id, o.name
  FROM event e CROSS JOIN unnest(e.offers) AS o (name)
"""


@contextmanager
def stored(conn: Connection, published: Sequence[Facts], held: Sequence[Grant]) -> Iterator[Picture]:
    """What was published is in the log while this lasts, and `held` are the grants."""
    with conn.transaction(force_rollback=True):
        grant_rows.put(conn, held)
        picture = Picture.unread(LIMITS)
        picture.refresh(conn)
        arriving = [replace(facts, accepted_at=None, offers=frozenset()) for facts in published]
        for lane_facts, is_coarse in dict.fromkeys(map(coarsen, arriving)):
            lanes.add(conn, lane_facts, is_coarse=is_coarse)
        picture.refresh(conn)
        assert all(events.append_many(conn, [_entry(number, facts, picture) for number, facts in enumerate(arriving)]))
        conn.cursor().executemany(
            "UPDATE event SET (accepted_at, offers) = (coalesce(%s, accepted_at), %s) WHERE id = %s",
            [(facts.accepted_at, sorted(facts.offers), str(number)) for number, facts in enumerate(published)],
        )
        led = log.take_lease(conn, "sequencer", uuid4(), lease_ms=60_000)
        assert led is not None
        assert log.assign(conn, led[0], most=1000, lease_ms=60_000).assigned == len(published)
        conn.execute(_OFFERED)
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


def allowed(asking: Asking, published: Sequence[Facts]) -> dict[str, str | None]:
    """What the policy says by itself: the subjects of the events that may be read, and as what."""
    decisions = [may_read(asking.principal, facts, asking.view.rules, asking.at) for facts in published]
    return {str(number): decision.projection for number, decision in enumerate(decisions) if decision.is_allowed}
