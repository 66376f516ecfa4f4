"""Rejections to their senders: `rejected.<agency>.v1`, numbered, so that a sender can tell a repeated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hub.store import rejections
from hub.workers import topics
from hub.workers.outlet import Outgoing

if TYPE_CHECKING:
    from hub.store import Connection
    from hub.workers.outlet import Outlet

BATCH = 200


def tell(conn: Connection, outlet: Outlet, told: int, prefix: str) -> int:
    """Send what was refused since number `told`, and note it after the broker's acknowledgement; the new number."""
    news = rejections.since(conn, told, limit=BATCH)
    if not news:
        return told
    outlet.send(
        Outgoing(
            topic=topics.rejected_topic(str(rejection["agency"]), prefix),
            partition=0,  # the only one
            key=str(rejection["no"]).encode(),
            value=orjson.dumps(rejection),
        )
        for rejection in news
    )
    rejections.note_told(conn, int(news[-1]["no"]))
    return int(news[-1]["no"])
