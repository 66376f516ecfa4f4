"""Nodes that are trusted, their keys, and how far what crosses to and from each of them has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import kwargs_row

from hub.border.anchor import Anchor, BorderKey
from hub.jwk import coordinates, of_pem, pem_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A node as its anchor was pinned here."""

    node: str
    country: str
    prefix: str
    url: str
    authority: str
    anchor: str
    state: str
    reason: str | None
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How far both directions have come; the members are the table's."""

    peer: str
    stream: UUID
    out_seq: int
    position: int
    receipted: int
    receipted_at: datetime | None
    sent_at: datetime | None
    their_policy: str | None
    their_rules: int | None
    skew_ms: int | None
    failed_at: datetime | None
    failure: str | None
    in_stream: UUID | None
    in_seq: int
    heard_at: datetime | None


_PEER = "SELECT node, country, prefix, url, authority, anchor, state, reason, imported_at FROM peer"


def all_peers(conn: Connection) -> list[Peer]:
    """Every one, removed ones too, in order."""
    return conn.cursor(row_factory=kwargs_row(Peer)).execute(f"{_PEER} ORDER BY node").fetchall()


def peer(conn: Connection, node: str) -> Peer | None:
    """One, whatever its state."""
    return conn.cursor(row_factory=kwargs_row(Peer)).execute(f"{_PEER} WHERE node = %s", (node,)).fetchone()


def locked(conn: Connection, node: str) -> Peer | None:
    """The same, held until the transaction ends."""
    found = conn.cursor(row_factory=kwargs_row(Peer))
    return found.execute(f"{_PEER} WHERE node = %s FOR NO KEY UPDATE", (node,)).fetchone()


def keys_of(conn: Connection, node: str) -> dict[str, BorderKey]:
    """The pinned keys of a peer by their `kid`, ended ones too."""
    rows = conn.execute(
        "SELECT kid, public_pem, valid_from, valid_until FROM peer_key WHERE peer = %s", (node,)
    ).fetchall()
    return {str(row[0]): _key(*row) for row in rows}


def _key(kid: Any, pem: Any, valid_from: Any, valid_until: Any) -> BorderKey:
    public = of_pem(pem)
    assert public is not None  # noqa: S101 - only anchors that were checked are pinned
    x, y = coordinates(public)
    return BorderKey(kid=kid, x=x, y=y, valid_from=valid_from, valid_until=valid_until)


def pin(conn: Connection, anchor: Anchor, signed: str) -> None:
    """Trust a node as its anchor says, and lay the rows that crossing needs; in a transaction."""
    conn.execute(
        """
        INSERT INTO peer (node, country, prefix, url, authority, anchor) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (node) DO UPDATE SET (country, prefix, url, authority, anchor, state, reason, imported_at)
           = (excluded.country, excluded.prefix, excluded.url, excluded.authority, excluded.anchor,
              CASE peer.state WHEN 'stopped' THEN 'stopped' ELSE 'open' END,
              CASE peer.state WHEN 'stopped' THEN peer.reason END, clock_timestamp())
        """,
        (anchor.node, anchor.country, anchor.prefix, anchor.url, anchor.authority, signed),
    )
    replace_keys(conn, anchor)
    conn.execute("INSERT INTO crossing (peer) VALUES (%s) ON CONFLICT (peer) DO NOTHING", (anchor.node,))
    conn.execute("INSERT INTO lease (name) VALUES (%s) ON CONFLICT (name) DO NOTHING", (lease_of(anchor.node),))


def renew(conn: Connection, anchor: Anchor, signed: str) -> None:
    """Put the keys of a newer anchor in the place of those that are pinned; nothing else of it counts."""
    conn.execute("UPDATE peer SET anchor = %s WHERE node = %s", (signed, anchor.node))
    replace_keys(conn, anchor)


def replace_keys(conn: Connection, anchor: Anchor) -> None:
    """The keys of an anchor, and no others."""
    conn.execute("DELETE FROM peer_key WHERE peer = %s", (anchor.node,))
    for key in anchor.keys:
        conn.execute(
            "INSERT INTO peer_key (peer, kid, public_pem, valid_from, valid_until) VALUES (%s, %s, %s, %s, %s)",
            (anchor.node, key.kid, pem_of(key.public), key.valid_from, key.valid_until),
        )


def lease_of(node: str) -> str:
    """The name of the lease by which one worker leads what crosses to a node."""
    return f"border:{node}"


def set_state(conn: Connection, node: str, state: str, reason: str | None) -> None:
    """Open, stop or remove."""
    conn.execute("UPDATE peer SET state = %s, reason = %s WHERE node = %s", (state, reason, node))


_CROSSING = """
SELECT peer, stream, out_seq, position, receipted, receipted_at, sent_at, their_policy, their_rules, skew_ms, failed_at,
       failure, in_stream, in_seq, heard_at
  FROM crossing WHERE peer = %s
"""


def crossing(conn: Connection, node: str) -> Crossing | None:
    """How far a peer is."""
    return conn.cursor(row_factory=kwargs_row(Crossing)).execute(_CROSSING, (node,)).fetchone()


def note_failure(conn: Connection, node: str, code: str, at: datetime) -> None:
    """What stands in the way of sending."""
    conn.execute("UPDATE crossing SET failed_at = %s, failure = %s WHERE peer = %s", (at, code, node))


def note_sent(conn: Connection, node: str, at: datetime) -> None:
    """A batch was sent and answered: nothing stands in the way."""
    conn.execute("UPDATE crossing SET sent_at = %s, failed_at = NULL, failure = NULL WHERE peer = %s", (at, node))


def known_kids(conn: Connection, node: str) -> frozenset[str]:
    """Which keys of ours a peer has said that it knows; before its first word on them, none."""
    rows = conn.execute("SELECT id FROM sent_rule WHERE peer = %s AND what = 'keys' AND id LIKE 'known:%%'", (node,))
    return frozenset(str(row[0]).removeprefix("known:") for row in rows.fetchall())


def note_known(conn: Connection, node: str, kids: Collection[str]) -> None:
    """A peer has taken the keys that it was sent."""
    conn.execute(
        """
        INSERT INTO sent_rule (peer, what, id, digest)
        SELECT %s, 'keys', 'known:' || kid, '' FROM unnest(%s::text[]) AS kid
            ON CONFLICT (peer, what, id) DO NOTHING
        """,
        (node, list(kids)),
    )


# What was numbered before is kept under numbers below all others, so that a stream may count from 1 again. All of it
# moves further than it is wide: no row takes a number that another has not left yet.
_SHELVE = """
UPDATE {table} SET {columns}
  FROM (SELECT greatest(max({last}), 0) - min({first}) + 1 AS by FROM {table} WHERE peer = %s) AS shelf
 WHERE peer = %s
"""
_SHELVED = {
    "departure": ("seq", "seq"),
    "arrival": ("seq", "seq"),
    "receipt": ("first", "last"),
}


# What either side was told and will be told again; what consents opened is to come again too, or has ended meanwhile.
_TOLD = ("lane_release", "sent_rule", "shown_agency", "protected_copy", "protected_reader")


def start_over(conn: Connection, node: str, at: datetime) -> None:
    """Both directions from the beginning: a new stream out, and whatever stream begins at 1 in; in a transaction."""
    conn.execute(
        "UPDATE departure SET receipted_at = %s, outcome = 'superseded' WHERE peer = %s AND receipted_at IS NULL",
        (at, node),
    )
    for table, (first, last) in _SHELVED.items():
        moved = ", ".join(f"{column} = {column} - shelf.by" for column in dict.fromkeys((first, last)))
        conn.execute(_SHELVE.format(table=table, columns=moved, first=first, last=last), (node, node))
    for table in _TOLD:
        conn.execute(f"DELETE FROM {table} WHERE peer = %s", (node,))  # noqa: S608 - constants only
    conn.execute(
        """
        UPDATE crossing SET stream = uuidv7(), out_seq = 0, out_hash = decode(repeat('00', 32), 'hex'), position = 0,
                            receipted = 0, in_stream = NULL, in_seq = 0, in_hash = decode(repeat('00', 32), 'hex'),
                            failed_at = NULL, failure = NULL, current_at = NULL
         WHERE peer = %s
        """,
        (node,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """What has not crossed: events not looked at yet, envelopes without a receipt, and how old the oldest is."""

    peer: str
    events: int
    unreceipted: int
    oldest_s: float


# The oldest of both: what waits in the log for its turn, and what was made and has no receipt.
_LAG = """
SELECT c.peer, greatest(0, coalesce((SELECT max(position) FROM log), 0) - c.position) AS events,
       c.out_seq - c.receipted AS unreceipted,
       greatest(0, extract(epoch FROM clock_timestamp() - least(
           (SELECT e.accepted_at FROM log l JOIN event e ON e.hub_id = l.event
             WHERE l.position > c.position ORDER BY l.position LIMIT 1),
           (SELECT d.made_at FROM departure d WHERE d.peer = c.peer AND d.receipted_at IS NULL
             ORDER BY d.seq LIMIT 1))))::float8 AS oldest_s
  FROM crossing c WHERE c.peer = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A border at a glance; ages by the database's clock, None for what never was."""

    peer: str
    state: str
    failure: str | None
    skew_s: float | None
    receipt_age_s: float | None
    heard_age_s: float | None
    key_left_s: float | None


_STANDING = """
SELECT p.node AS peer, p.state, c.failure, c.skew_ms / 1000.0::float8 AS skew_s,
       extract(epoch FROM clock_timestamp() - c.receipted_at)::float8 AS receipt_age_s,
       extract(epoch FROM clock_timestamp() - c.heard_at)::float8 AS heard_age_s,
       extract(epoch FROM (SELECT max(k.valid_until) FROM peer_key k WHERE k.peer = p.node)
                          - clock_timestamp())::float8 AS key_left_s
  FROM peer p JOIN crossing c ON c.peer = p.node WHERE p.state <> 'removed' ORDER BY p.node
"""


def standing(conn: Connection) -> list[Standing]:
    """Every border that is not closed."""
    return conn.cursor(row_factory=kwargs_row(Standing)).execute(_STANDING).fetchall()


def lag(conn: Connection, node: str) -> Lag:
    """How far what goes to a peer is behind."""
    found = conn.cursor(row_factory=kwargs_row(_lag)).execute(_LAG, (node,)).fetchone()
    return found or Lag(peer=node, events=0, unreceipted=0, oldest_s=0.0)


def _lag(**row: Any) -> Lag:
    return Lag(**row | {"oldest_s": row["oldest_s"] or 0.0})


def show(conn: Connection, agency: str, *, is_shown: bool) -> bool | None:
    """Show an agency of ours to the other side, or hide it; whether that changed it, None when there is none."""
    row = conn.execute(
        """
        WITH held AS (SELECT id, is_shown FROM agency WHERE id = %s AND peer IS NULL FOR UPDATE)
        UPDATE agency a SET is_shown = %s FROM held WHERE a.id = held.id RETURNING held.is_shown <> a.is_shown
        """,
        (agency, is_shown),
    ).fetchone()
    return None if row is None else bool(row[0])
