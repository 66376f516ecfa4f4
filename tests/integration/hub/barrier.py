"""The second barrier as tests look at it: asked as a gateway asks, and what a grant covers by its own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.directory import Agency
from hub.grants import Grant, GrantState, covers_type
from hub.policy import Facts, Rules
from hub.store import GATEWAY_ROLE, Connection
from schemas.places import touches
from schemas.registry import RECALLED, is_answer


@contextmanager
def as_gateway(conn: Connection, reader: str | None) -> Iterator[None]:
    """What follows is asked as a gateway asks it that answers `reader`."""
    with conn.transaction(force_rollback=True):
        if reader is not None:
            conn.execute("SELECT set_config('puente.reader', %s, true)", (reader,))
        conn.execute(f"SET LOCAL ROLE {GATEWAY_ROLE}")
        yield


def visible(conn: Connection, reader: str) -> dict[str, set[str]]:
    """The subjects that each table shows this reader when it is asked for all it has."""
    with as_gateway(conn, reader):
        return {
            "event": _set(conn, "SELECT subject FROM event"),
            "log": _set(conn, "SELECT e.subject FROM log l JOIN event e ON e.hub_id = l.event"),
            "state": _set(conn, "SELECT subject FROM subject_state"),
        }


def _set(conn: Connection, statement: str) -> set[str]:
    return {str(row[0]) for row in conn.execute(statement).fetchall()}


def is_covered(reader: Agency, source: Agency, facts: Facts, held: list[Grant]) -> bool:
    """Own, addressed, or under a grant by its source, type and jurisdiction."""
    is_own = facts.source == reader.id
    if facts.is_recalled:
        return is_own
    is_addressed = is_answer(facts.read_as) and reader.id in (facts.audience or ())
    is_granted = facts.type != RECALLED and any(_covers(one, reader, source, facts) for one in held)
    return is_own or is_addressed or is_granted


def _covers(one: Grant, reader: Agency, source: Agency, facts: Facts) -> bool:
    where = any(touches(a, b) for a in one.jurisdictions for b in facts.jurisdictions)
    return one.reader.covers(reader) and one.source.covers(source) and covers_type(one.types, facts.read_as) and where


def is_open_at_all(reader: Agency, facts: Facts, rules: Rules) -> bool:
    """The same by the grants in use, with their versions, owners, parties and parts; of no time in particular."""
    source = rules.directory.agencies[facts.source]
    return is_covered(reader, source, facts, [one for one in rules.grants.grants if _stands(one, reader, source)])


def _stands(one: Grant, reader: Agency, source: Agency) -> bool:
    owned = one.owners is None or one.owner(source.id) is not None
    ended = source.id in one.without_sources or reader.id in one.without_readers
    return one.state is GrantState.IN_FORCE and owned and not ended and one.binds(reader) and one.binds(source)
