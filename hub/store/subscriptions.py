"""Subscriptions and their tallies; the version by which processes know that one has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from psycopg.rows import dict_row

from hub.filter_rows import FILTER, written
from hub.store import array
from hub.subscribing import Channel, Quiet, Reason, State, Subscription, Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from hub.filters import Filter
    from hub.store import Connection

_COLUMNS = """s.id, s.agency, s.name, s.channel, s.address, s.filter, s.language, s.desk, s.quiet_from, s.quiet_until,
       s.quiet_zone, s.digest_at, s.state, s.reason, s.jurisdictions, s.purpose, s.created_by, s.created_at,
       s.generation, s.rotated_at, s.nonce, s.version, s.part"""
_TALLY = "t.seq, t.told_at, t.failing_since, t.outcome, t.bounced_at"

_filters: dict[str, Filter] = {}  # the same text is the same filter: many subscribers want the same


def _filter(text: str) -> Filter:
    if text not in _filters:
        if len(_filters) > 10_000:
            _filters.clear()
        _filters[text] = FILTER.load(orjson.loads(text))
    return _filters[text]


def _text(wanted: Filter) -> str:
    return orjson.dumps(written(wanted), option=orjson.OPT_SORT_KEYS).decode()


def _row(columns: Mapping[str, Any]) -> dict[str, Any]:
    """These columns as the table has them."""
    row = dict(columns)
    if "filter" in row:
        row["filter"] = _text(row["filter"])
    if "quiet" in row:
        quiet: Quiet | None = row.pop("quiet")
        hours = (None, None, None) if quiet is None else (quiet.begins, quiet.ends, quiet.zone)
        row |= dict(zip(("quiet_from", "quiet_until", "quiet_zone"), hours, strict=True))
    return row


def _subscription(row: dict[str, Any]) -> Subscription:
    begins, ends, zone = (row.pop(name) for name in ("quiet_from", "quiet_until", "quiet_zone"))
    return Subscription(
        **row
        | {
            "channel": Channel(row["channel"]),
            "filter": _filter(row["filter"]),
            "quiet": None if zone is None else Quiet(begins=begins, ends=ends, zone=zone),
            "state": State(row["state"]),
            "reason": None if row["reason"] is None else Reason(row["reason"]),
            "jurisdictions": tuple(row["jurisdictions"]),
        }
    )


def _both(row: dict[str, Any]) -> tuple[Subscription, Tally]:
    tally = Tally(*(row.pop(name) for name in ("seq", "told_at", "failing_since", "outcome", "bounced_at")))
    return _subscription(row), tally


def version(conn: Connection) -> int:
    """Moves on with every change of any subscription."""
    row = conn.execute("SELECT version FROM subscribed").fetchone()
    return int(str(row[0])) if row else 0


def told(conn: Connection, channels: tuple[Channel, ...]) -> list[Subscription]:
    """Every subscription by one of these channels to which something may go."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(
            f"SELECT {_COLUMNS} FROM subscription s WHERE s.state <> 'disabled' AND s.channel = ANY(%s)",  # noqa: S608
            ([str(channel) for channel in channels],),
        )
        .fetchall()
    )
    return [_subscription(row) for row in rows]


def calling(conn: Connection, agencies: Collection[str], channels: tuple[Channel, ...]) -> list[Subscription]:
    """What these agencies are told by right now, by one of these channels: nobody is called by what is paused."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(
            f"""
            SELECT {_COLUMNS} FROM unnest(%s::text[]) AS a (id) JOIN subscription s ON s.agency = a.id
             WHERE s.state = 'enabled' AND s.channel = ANY(%s) ORDER BY s.id
            """,  # noqa: S608 - a constant list of columns
            (array(agencies), [str(channel) for channel in channels]),
        )
        .fetchall()
    )
    return [_subscription(row) for row in rows]


def by_channel(conn: Connection, channel: Channel) -> list[Subscription]:
    """Every subscription by this channel, whatever its state."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(f"SELECT {_COLUMNS} FROM subscription s WHERE s.channel = %s", (str(channel),))  # noqa: S608
        .fetchall()
    )
    return [_subscription(row) for row in rows]


def has_topic(conn: Connection, agency: str) -> bool:
    """Whether an agency is told by Kafka already; two that ask at once take turns by the agency's row."""
    conn.execute("SELECT 1 FROM agency WHERE id = %s FOR NO KEY UPDATE", (agency,))
    return conn.execute("SELECT 1 FROM subscription WHERE agency = %s AND channel = 'kafka'", (agency,)).rowcount > 0


def add(conn: Connection, wanted: Mapping[str, Any]) -> tuple[Subscription, Tally]:
    """A new subscription, with these columns."""
    row = _row(wanted)
    names = ", ".join(row)
    places = ", ".join(f"%({name})s" for name in row)
    made = conn.execute(
        f"INSERT INTO subscription ({names}) VALUES ({places}) RETURNING id",  # noqa: S608 - names of ours
        row,
    ).fetchone()
    assert made is not None  # noqa: S101 - RETURNING gives the row
    conn.execute("INSERT INTO tally (subscription) VALUES (%s)", (made[0],))
    found = one(conn, made[0])
    assert found is not None  # noqa: S101 - it was made just now
    return found


def one(conn: Connection, subscription: object, *, lock: bool = False) -> tuple[Subscription, Tally] | None:
    """One subscription with its tally; `lock` holds it until the transaction ends."""
    row = (
        conn.cursor(row_factory=dict_row)
        .execute(
            f"SELECT {_COLUMNS}, {_TALLY} FROM subscription s JOIN tally t ON t.subscription = s.id WHERE s.id = %s"  # noqa: S608
            + (" FOR NO KEY UPDATE OF s" if lock else ""),
            (subscription,),
        )
        .fetchone()
    )
    return None if row is None else _both(row)


def some(conn: Connection, ids: Collection[UUID]) -> dict[UUID, Subscription]:
    """These subscriptions, by id."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(f"SELECT {_COLUMNS} FROM subscription s WHERE s.id = ANY(%s::uuid[])", (array(ids),))  # noqa: S608
        .fetchall()
    )
    return {row["id"]: _subscription(row) for row in rows}


def of_agency(conn: Connection, agency: str, *, after: UUID | None, limit: int) -> list[tuple[Subscription, Tally]]:
    """An agency's subscriptions in order of their ids, which is that of their making."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(
            f"""
            SELECT {_COLUMNS}, {_TALLY} FROM subscription s JOIN tally t ON t.subscription = s.id
             WHERE s.agency = %s AND s.id > coalesce(%s::uuid, '00000000-0000-0000-0000-000000000000'::uuid)
             ORDER BY s.id LIMIT %s
            """,  # noqa: S608 - constants only
            (agency, after, limit),
        )
        .fetchall()
    )
    return [_both(row) for row in rows]


def count(conn: Connection, agency: str) -> int:
    """How many an agency has."""
    row = conn.execute("SELECT count(*) FROM subscription WHERE agency = %s", (agency,)).fetchone()
    return int(str(row[0])) if row else 0


def change(conn: Connection, subscription: UUID, columns: Mapping[str, Any]) -> None:
    """Put these columns in the place of the present ones; its version moves on."""
    row = _row(columns)
    assigned = ", ".join(f"{name} = %({name})s" for name in row)
    conn.execute(
        f"UPDATE subscription SET {assigned}, version = version + 1 WHERE id = %(id)s",  # noqa: S608 - names of ours
        row | {"id": subscription},
    )


def prove(conn: Connection, subscription: UUID) -> bool:
    """Its receiver has answered; whether that was still to come."""
    done = conn.execute(
        """
        UPDATE subscription SET (state, reason, version) = ('enabled', NULL, version + 1)
         WHERE id = %s AND state = 'pending'
        """,
        (subscription,),
    )
    return done.rowcount == 1


_FORGET = """
UPDATE tally SET (failing_since, failed_days, failed_on, bounced_at) = (NULL, 0, NULL, NULL) WHERE subscription = %s
"""


def forget_failures(conn: Connection, subscription: UUID) -> None:
    """Whoever enables it again says that what was wrong is mended."""
    conn.execute(_FORGET, (subscription,))


def remove(conn: Connection, subscription: UUID) -> None:
    """With everything that waits to be told."""
    conn.execute("DELETE FROM subscription WHERE id = %s", (subscription,))


def disable(conn: Connection, subscription: UUID, reason: Reason) -> bool:
    """Tell it nothing any more, what waits included; whether it was not disabled before."""
    done = conn.execute(
        """
        UPDATE subscription SET (state, reason, version) = ('disabled', %s, version + 1)
         WHERE id = %s AND state <> 'disabled'
        """,
        (str(reason), subscription),
    )
    return done.rowcount == 1


def failing(conn: Connection, before: datetime, *, days: int) -> list[Subscription]:
    """
    Enabled webhooks at which nothing has arrived since before then, although something was sent on so many days.

    No mailbox: a relay says itself when there is none (`hub.mail_ends`).
    """
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(
            f"""
            SELECT {_COLUMNS} FROM subscription s JOIN tally t ON t.subscription = s.id
             WHERE s.state = 'enabled' AND s.channel = 'webhook' AND t.failing_since < %s AND t.failed_days >= %s
            """,  # noqa: S608 - constants only
            (before, days),
        )
        .fetchall()
    )
    return [_subscription(row) for row in rows]
