"""The audit's Merkle log: leaves, complete subtrees, signed heads, and the entries as the one text that was hashed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import psycopg

from hub.merkle import STRIDE, Edge, Head, Line, Node, cover, fold
from hub.store import array
from hub.store.log import Deposed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from hub.store import Connection
    from hub.store.log import Leader

T = TypeVar("T")

# How long a number that was passed over is waited for at least: longer than any statement may run (see `hub.store`).
SETTLED_MS = 60_000


class Torn(Exception):
    """A hash of the tree is not there, which only somebody past the triggers can have brought about."""


def add_leaves(
    conn: Connection, leader: Leader, *, most: int, lease_ms: int, settled_ms: int = SETTLED_MS
) -> tuple[int, list[bytes]]:
    """
    Give leaves to at most `most` committed entries that have none and renew the lease: the first index, the hashes.

    Raises:
        Deposed: the lease has another holder, another fence, or has run out.
    """
    try:
        rows = conn.execute(
            "SELECT leaf_index, leaf_hash FROM add_leaves(%s, %s, %s, %s, %s)",
            (leader.holder, leader.fence, most, lease_ms, settled_ms),
            binary=True,
        ).fetchall()
    except psycopg.Error as error:
        if error.sqlstate == "PU001":
            raise Deposed from error
        raise
    return (_is(int, rows[0][0]) if rows else 0), [_is(bytes, digest) for _, digest in rows]


def add_nodes(conn: Connection, completed: Mapping[Node, bytes]) -> None:
    """Keep subtrees that have become complete."""
    conn.cursor().executemany(
        "INSERT INTO audit_node (height, index, hash) VALUES (%s, %s, %s)",
        [(node.height, node.place, digest) for node, digest in completed.items()],
    )


def add_head(conn: Connection, head: Head, signed: str) -> None:
    """Keep a signed head."""
    conn.execute(
        "INSERT INTO tree_head (size, root, at, signed) VALUES (%s, %s, %s, %s)",
        (head.size, head.root, head.at, signed),
    )


def newest_head(conn: Connection) -> tuple[Head, str] | None:
    """The head of the largest tree that was signed, and its signature."""
    row = conn.execute(
        "SELECT size, root, at, signed FROM tree_head ORDER BY size DESC LIMIT 1", binary=True
    ).fetchone()
    if row is None:
        return None
    size, root, at, signed = row
    return Head(size=_is(int, size), root=_is(bytes, root), at=_is(datetime, at)), str(signed)


def signed_heads(conn: Connection, first: int, past: int, *, most: int) -> list[str]:
    """Signed heads of trees of `first` to `past` leaves, at most `most`, spread evenly; the largest is among them."""
    rows = conn.execute(
        """
        SELECT h.signed
          FROM generate_series(%(past)s::bigint, %(first)s::bigint, %(step)s::bigint) AS s (size)
         CROSS JOIN LATERAL (SELECT size, signed FROM tree_head
                              WHERE size <= s.size AND size > s.size + %(step)s::bigint AND size >= %(first)s::bigint
                              ORDER BY size DESC LIMIT 1) h
         ORDER BY h.size
        """,
        {"first": first, "past": past, "step": -max(1, -(-(past - first + 1) // most))},
    ).fetchall()
    return [str(signed) for (signed,) in rows]


def nodes(conn: Connection, wanted: Collection[Node]) -> dict[Node, bytes]:
    """
    The hashes of complete subtrees, folded from those that are stored: at most 256 rows each.

    Raises:
        Torn: one that should be stored is not.
    """
    found: dict[Node, bytes] = {}
    for height in {node.height - node.height % STRIDE for node in wanted}:
        here = [node for node in wanted if node.height - node.height % STRIDE == height]
        spans = [(node.place << node.height - height, node.place + 1 << node.height - height) for node in here]
        stored = _stored(conn, height, spans)
        for node, (first, past) in zip(here, spans, strict=True):
            hashes = [stored[index] for index in range(first, past) if index in stored]
            if len(hashes) != past - first:
                raise Torn
            found[node] = _folded(hashes)
    return found


def _stored(conn: Connection, height: int, spans: Iterable[tuple[int, int]]) -> dict[int, bytes]:
    """Hashes at a stored height, by their index there."""
    firsts, pasts = zip(*spans, strict=True)
    table = "audit_node n ON n.height = %(height)s AND" if height else "audit_leaf n ON"
    rows = conn.execute(
        f"""
        SELECT n.index, n.hash FROM unnest(%(firsts)s::bigint[], %(pasts)s::bigint[]) AS s (first, past)
          JOIN {table} n.index >= s.first AND n.index < s.past
        """,  # noqa: S608 - constants only
        {"height": height, "firsts": array(firsts), "pasts": array(pasts)},
        binary=True,
    ).fetchall()
    return {_is(int, index): _is(bytes, digest) for index, digest in rows}


def _folded(hashes: list[bytes]) -> bytes:
    """The root over a power of two of hashes, level by level."""
    while len(hashes) > 1:
        hashes = [fold(hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def edge(conn: Connection, size: int) -> Edge:
    """The tree of the first `size` leaves, as far as growing it needs."""
    covered = cover(0, size)
    known = nodes(conn, covered)
    return Edge(size, tuple(known[node] for node in covered))


_LINE = "l.index, l.hash, audit_line(a, l.salt) FROM audit_leaf l LEFT JOIN audit a ON a.no = l.no"


def lines(conn: Connection, first: int, past: int) -> list[Line]:
    """The leaves `first` to `past - 1` with their entries, in order."""
    rows = conn.execute(
        f"SELECT {_LINE} WHERE l.index >= %s AND l.index < %s ORDER BY l.index",
        (first, past),
        binary=True,
    ).fetchall()
    return [_line(row) for row in rows]


def lines_of(conn: Connection, agency: str | None, *, after: int, past: int, limit: int) -> list[Line]:
    """Entries of one agency, or (None) of all, behind leaf `after` and before leaf `past`."""
    rows = conn.execute(
        f"SELECT {_LINE} WHERE l.index > %(after)s AND l.index < %(past)s {_of(agency)}"
        " ORDER BY l.index LIMIT %(limit)s",
        {"agency": agency, "after": after, "past": past, "limit": limit},
        binary=True,
    ).fetchall()
    return [_line(row) for row in rows]


def line_of(conn: Connection, agency: str | None, no: int) -> Line | None:
    """One entry by its number, if it has its leaf; unless it is this agency's (None: anybody's) it is not there."""
    row = conn.execute(
        f"SELECT {_LINE} WHERE l.no = %(no)s {_of(agency)}",
        {"agency": agency, "no": no},
        binary=True,
    ).fetchone()
    return None if row is None else _line(row)


def _of(agency: str | None) -> str:
    return "" if agency is None else "AND l.agency = %(agency)s"  # an index each, so a statement each


def _line(row: tuple[object, ...]) -> Line:
    index, digest, text = row
    return Line(_is(int, index), _is(bytes, digest), None if text is None else str(text))


@dataclass(frozen=True, slots=True)
class Looked:
    """Some of the audit, looked through up to number `last`; `leafless` are those that never came by the notary."""

    last: int
    leafless: list[int]


def look_through(conn: Connection, after: int, *, limit: int) -> Looked | None:
    """Look for entries without a leaf behind number `after` that the notary has passed; None at the end."""
    row = conn.execute(
        """
        SELECT max(p.no), coalesce(array_agg(p.no ORDER BY p.no) FILTER (
                   WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.no = p.no)
                     AND NOT EXISTS (SELECT FROM audit_gap g WHERE p.no BETWEEN g.first AND g.last)), '{}')
          FROM (SELECT a.no FROM audit a
                 WHERE a.no > %s AND a.no <= (SELECT position FROM lease WHERE name = 'notary')
                 ORDER BY a.no LIMIT %s) p
        """,
        (after, limit),
        binary=True,
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return Looked(_is(int, row[0]), _is(list, row[1]))


def oldest_leafless_s(conn: Connection) -> float:
    """Seconds the oldest entry has waited for its leaf; 0 when none waits."""
    row = conn.execute(
        """
        SELECT extract(epoch FROM clock_timestamp() - a.at)::float8
          FROM audit a WHERE a.no > (SELECT position FROM lease WHERE name = 'notary') ORDER BY a.no LIMIT 1
        """
    ).fetchone()
    return float(str(row[0])) if row else 0.0


def _is(kind: type[T], value: object) -> T:
    assert isinstance(value, kind)  # noqa: S101 - the column's type
    return value
