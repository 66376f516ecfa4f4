"""Take the rules of another node: its keys, agencies, limits and grants. They open its own events alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from marshmallow import ValidationError

from hub import peers
from hub.border.envelope import Kind
from hub.border_rows import load_grant, load_showing
from hub.crossed import notice_of
from hub.errors import BorderRefused
from hub.limits import load_limits
from hub.store import arrivals, events, peer_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from hub.border.envelope import Sealed
    from hub.store import Connection
    from hub.store.arrivals import Coming

AT_ONCE = 500
Result = tuple["UUID | None", str]

APPLIED, NARROWED, MALFORMED = "applied", "narrowed", "refused:malformed"


def apply(conn: Connection, coming: Coming, sealed: Sealed, at: datetime) -> Result:
    """Apply one rule in the caller's transaction; what became of it, for the receipt."""
    try:
        body = orjson.loads(sealed.body)
        with conn.transaction():
            return None, _APPLY[sealed.head.kind](conn, coming, body, at)
    except (ValidationError, orjson.JSONDecodeError, TypeError, KeyError):
        return None, MALFORMED
    except BorderRefused as error:
        return None, f"refused:{error.code}"


def _keys(conn: Connection, coming: Coming, body: Any, at: datetime) -> str:
    peers.renew(conn, coming.peer, str(body["anchor"]), at)
    return APPLIED


def _directory(conn: Connection, coming: Coming, body: Any, at: datetime) -> str:
    del at
    told = load_showing(body, coming.prefix, coming.country, coming.peer)
    refused = peer_rules.show(conn, coming.peer, told.shown)
    peer_rules.hide(conn, coming.peer, told.gone)
    peer_rules.note_directory(conn, coming.peer, told.version)
    return NARROWED if refused else APPLIED


def _limits(conn: Connection, coming: Coming, body: Any, at: datetime) -> str:
    del at
    load_limits(body, b"")
    peer_rules.put_limits(conn, coming.peer, body)
    return APPLIED


def _grant(conn: Connection, coming: Coming, body: Any, at: datetime) -> str:
    del at
    grant_id, standing = load_grant(body, coming.peer)
    peer_rules.put_grant(conn, coming.peer, grant_id, list(zip(standing, body["standing"], strict=True)))
    return APPLIED


_APPLY: dict[Kind, Callable[[Connection, Coming, Any, datetime], str]] = {
    Kind.KEYS: _keys,
    Kind.DIRECTORY: _directory,
    Kind.LIMITS: _limits,
    Kind.GRANT: _grant,
}


def empty_uncovered(conn: Connection, peer: str) -> int:
    """
    Of copies that no grant of their node opens to anybody here any more, keep no more than that they exist.

    They are unreadable from the moment their grant ended; this is so that nothing lies about. Should they be released
    again, their node sends them again.
    """
    emptied = 0
    while found := arrivals.uncovered(conn, peer, limit=AT_ONCE):
        rows = events.by_hub_ids(conn, found)
        left = [notice_of(rows[one]) for one in found]
        arrivals.empty(conn, found, [text for text, _ in left], [cuts for _, cuts in left])
        emptied += len(found)
    return emptied
