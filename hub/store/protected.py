"""What consents of another node open to agencies of this one: rows of their own, beside the events they belong to."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row, tuple_row

from hub.apart import Held
from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from hub.protected import Widened
    from hub.store import Connection


def admit(conn: Connection, peer: str, readers: Collection[str]) -> None:
    """Whose pages are looked through for it. With new ones every picture of the rules is stale."""
    if readers:
        conn.execute(
            """
            INSERT INTO protected_reader (peer, reader) SELECT %s, unnest(%s::text[])
                ON CONFLICT (peer, reader) DO NOTHING
            """,
            (peer, sorted(readers)),
        )


def put(conn: Connection, opened: Sequence[tuple[UUID, Sequence[Widened]]]) -> None:
    """What consents open of each event; every reader has it in rows of its own."""
    conn.cursor().executemany(
        """
        INSERT INTO protected_copy (peer, event, reader, projection, consents, purposes, text, valid_until, fresh_s)
        SELECT a.peer, e.hub_id, %s, %s, %s::text[], %s::text[], %s, %s, %s
          FROM event e JOIN agency a ON a.id = e.source WHERE e.hub_id = %s
            ON CONFLICT (event, reader, projection, consents) DO NOTHING
        """,
        [
            (
                reader,
                one.projection,
                array(one.consents),
                array(one.purposes),
                one.text,
                one.valid_until,
                one.fresh_s,
                event,
            )
            for event, widened in opened
            for one in widened
            for reader in one.readers
        ],
    )


def drop(conn: Connection, events: Collection[UUID]) -> Mapping[tuple[UUID, str], set[str]]:
    """Everything of these events; which consents had opened something of each to each reader."""
    had: defaultdict[tuple[UUID, str], set[str]] = defaultdict(set)
    rows = conn.cursor(row_factory=tuple_row).execute(
        "DELETE FROM protected_copy WHERE event = ANY(%s::uuid[]) RETURNING event, reader, consents",
        (array(events),),
        binary=True,
    )
    for event, reader, consents in rows.fetchall():
        had[event, reader].update(consents)
    return had


def end(conn: Connection, peer: str, consent: UUID) -> None:
    """Everything that this consent has a part in is gone."""
    conn.execute("DELETE FROM protected_copy WHERE peer = %s AND %s::text = ANY(consents)", (peer, consent))


def dismiss(conn: Connection, peer: str) -> None:
    """Whom nothing is open to any more: nobody looks for it on their pages. The last thing in a change."""
    conn.execute(
        """
        DELETE FROM protected_reader r
         WHERE r.peer = %s
           AND NOT EXISTS (SELECT FROM protected_copy c WHERE c.peer = r.peer AND c.reader = r.reader)
        """,
        (peer,),
    )


def offer(conn: Connection, opened: Sequence[tuple[UUID, int, str]]) -> None:
    """These events, in the log by now, come once more to a reader, each with its lane; others are read when they do."""
    conn.cursor().executemany(
        """
        INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_reader)
        SELECT l.event, %s, false, false, true, %s FROM log l WHERE l.event = %s
        """,
        [(lane, reader, event) for event, lane, reader in opened],
    )


def _held(**row: Any) -> Held:
    return Held(**row | {name: tuple(row[name]) for name in ("consents", "purposes")})


def held(conn: Connection, reader: str, events: Collection[UUID]) -> Mapping[UUID, list[Held]]:
    """What is kept for a reader of these events, and how well we know how things stand at their origin."""
    rows = (
        conn.cursor(row_factory=kwargs_row(_held))
        .execute(
            """
            SELECT c.event, c.consents, c.purposes, c.projection, c.text, c.valid_until, c.fresh_s,
                   extract(epoch FROM clock_timestamp() - x.current_at)::float8 AS age_s, p.state = 'open' AS is_open
              FROM protected_copy c JOIN crossing x ON x.peer = c.peer JOIN peer p ON p.node = c.peer
             WHERE c.reader = %s AND c.event = ANY(%s::uuid[])
            """,
            (reader, array(events)),
        )
        .fetchall()
    )
    found: defaultdict[UUID, list[Held]] = defaultdict(list)
    for row in rows:
        found[row.event].append(row)
    return found


def forget_ended(conn: Connection) -> int:
    """What nobody is shown any more since its consents have run out; how many."""
    return conn.execute("DELETE FROM protected_copy WHERE valid_until <= clock_timestamp()").rowcount
