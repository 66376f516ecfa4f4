"""LISTEN: hear of a change at once. A notification can be lost with its connection, so whoever waits also looks."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from hub.store import Connection


def listen(conn: Connection, channel: str) -> None:
    """Hear of what is notified on `channel` from now on."""
    conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def wait(conn: Connection, *, most_s: float) -> bool:
    """Whether there was a notification; returns with the first one, and after `most_s` seconds without."""
    return any(True for _ in conn.notifies(timeout=most_s, stop_after=1))


def heard(conn: Connection, *, most_s: float) -> frozenset[str]:
    """The channels on which something was notified; returns soon after the first one, and after `most_s` without."""
    return frozenset(one.channel for one in conn.notifies(timeout=most_s, stop_after=1))


def wait_or(conn: Connection, descriptor: int, *, most_s: float) -> None:
    """Returns with a notification, when `descriptor` can be read, and after `most_s` seconds without either."""
    if _heard(conn):  # what came while the connection was used for something else
        return
    waiting = select.poll()
    waiting.register(conn.pgconn.socket, select.POLLIN)
    waiting.register(descriptor, select.POLLIN)
    waiting.poll(most_s * 1000)
    _heard(conn)


def _heard(conn: Connection) -> bool:
    return bool(list(conn.notifies(timeout=0)))
