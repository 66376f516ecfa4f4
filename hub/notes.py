"""Tell the source of an event something about it: a sighting, a question, or the answer to a question of its own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from hub.acks import Answer, send
from schemas import wire

if TYPE_CHECKING:
    from uuid import UUID

    from hub.ingest import Accepted
    from hub.reading import Asking
    from hub.store import Connection


def write(conn: Connection, asking: Asking, hub_id: UUID, kind: str, body: dict[str, Any]) -> Accepted:
    """
    Publish `note.<kind>` on the event `hub_id`; the same words twice are one note.

    Raises:
        NotVisible, Denied, Malformed, Stale: as for `hub.acks.acknowledge`.
    """
    said = hashlib.sha256(wire.encode({"body": body})).hexdigest()[:32]
    return send(conn, asking, hub_id, Answer(type=f"note.{kind}", id=f"note:{hub_id}:{kind}:{said}", data=body))
