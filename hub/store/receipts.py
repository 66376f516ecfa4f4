"""What the other side answered: of each envelope what became of it, and the receipts as they were signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hub.store import Connection


def settle(conn: Connection, peer: str, outcomes: Sequence[tuple[int, str]], at: datetime) -> None:
    """Mark envelopes as answered: what became of each, by its sequence."""
    conn.execute(
        """
        UPDATE departure d SET receipted_at = coalesce(d.receipted_at, %s), outcome = a.outcome
          FROM unnest(%s::bigint[], %s::text[]) AS a (seq, outcome) WHERE d.peer = %s AND d.seq = a.seq
        """,
        (at, [seq for seq, _ in outcomes], [outcome for _, outcome in outcomes], peer),
    )


def place(conn: Connection, peer: str, places: Sequence[tuple[int, int]]) -> None:
    """Note where events stand over there, by the sequence that they went with."""
    conn.execute(
        """
        UPDATE departure d SET place = a.place
          FROM unnest(%s::bigint[], %s::bigint[]) AS a (seq, place) WHERE d.peer = %s AND d.seq = a.seq
        """,
        ([seq for seq, _ in places], [position for _, position in places], peer),
    )


def reopen(conn: Connection, peer: str, seq: int) -> None:
    """The other side asks again from a sequence on."""
    conn.execute("UPDATE departure SET receipted_at = NULL WHERE peer = %s AND seq >= %s", (peer, seq))


def placed(conn: Connection, peer: str) -> int:
    """The sequence up to which every event that was stored over there has its place."""
    row = conn.execute(
        """
        SELECT coalesce((SELECT min(seq) - 1 FROM departure
                          WHERE peer = %(peer)s AND seq > 0 AND place IS NULL AND outcome IN ('stored', 'narrowed')),
                        (SELECT receipted FROM crossing WHERE peer = %(peer)s))
        """,
        {"peer": peer},
    ).fetchone()
    return int(str(row[0])) if row and row[0] is not None else 0


def note(conn: Connection, peer: str, *, receipted: int, policy: str, rules: int, skew_ms: int, at: datetime) -> None:
    """What the newest receipt says of the other side."""
    conn.execute(
        """
        UPDATE crossing SET receipted = %s, their_policy = %s, their_rules = %s, skew_ms = %s, receipted_at = %s,
                            failed_at = NULL, failure = NULL
         WHERE peer = %s
        """,
        (receipted, policy, rules, skew_ms, at, peer),
    )


def keep(conn: Connection, peer: str, *, is_ours: bool, first: int, last: int, signed: str) -> None:
    """Keep a receipt as it was signed; the same batch answered again keeps the first answer."""
    conn.execute(
        """
        INSERT INTO receipt (peer, is_ours, first, last, signed) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (peer, is_ours, first, last) DO NOTHING
        """,
        (peer, is_ours, first, last, signed),
    )
