"""Read one's own rejections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.principal import READ_REJECTIONS
from hub.reading import require_scope
from hub.store import rejections

if TYPE_CHECKING:
    from hub.reading import Asking
    from hub.store import Connection


def read_rejections(conn: Connection, asking: Asking, *, after: int, limit: int) -> list[dict[str, Any]]:
    """
    What this agency sent and the hub refused, oldest first, behind number `after`.

    Raises:
        Denied: the token has no right to it.
    """
    require_scope(conn, asking, READ_REJECTIONS)
    return rejections.since(conn, after, limit=limit, agency=asking.principal.agency.id)
