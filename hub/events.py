"""Read one event by the hub's own id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import NotVisible
from hub.policy import Decision
from hub.principal import READ
from hub.reading import Asking, Shown, decide, require_scope, show
from hub.store import audit, events
from schemas.texts import Text

if TYPE_CHECKING:
    from uuid import UUID

    from hub.store import Connection

NOTHING = Decision(False, Text("no such event", "no existe tal evento"))
UNCOVERED = Decision(False, Text("no grant covers it", "ningún permiso lo cubre"))


def unseen(conn: Connection, hub_id: UUID) -> Decision:
    """Why the database showed no such event: for the audit, which tells the two apart although no answer does."""
    return UNCOVERED if events.exists(conn, hub_id) else NOTHING


def read_event(conn: Connection, asking: Asking, hub_id: UUID) -> Shown:
    """
    One event as this reader may see it.

    Raises:
        NotVisible: missing or forbidden, which look alike; the attempt is on record.
        Denied: the token has no right to read events.
        Stale: the picture has changed.
    """
    require_scope(conn, asking, READ)
    asking.require_current(conn)
    row = events.by_hub_id(conn, hub_id, asking.principal.agency.id)
    shown = show(conn, asking, [row], "event") if row is not None else []
    if not shown:
        refusal = unseen(conn, hub_id) if row is None else decide(asking, row, asking.reach())
        audit.record(
            conn, asking.principal, "event.read", refusal, policy=asking.view.rules.version, subject=str(hub_id)
        )
        raise NotVisible
    return shown[0]
