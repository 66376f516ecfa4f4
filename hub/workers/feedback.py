"""Rejections to their senders: `rejected.<agency>.v1`, numbered, so that a sender can tell a repeated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hub.store import rejections

if TYPE_CHECKING:
    from kafka import KafkaProducer

    from hub.store import Connection

BATCH = 200
ACK_TIMEOUT_S = 8.0


def tell(conn: Connection, producer: KafkaProducer, told: int, prefix: str) -> int:
    """Send what was refused since number `told`, and note it after the broker's acknowledgement; the new number."""
    news = rejections.since(conn, told, limit=BATCH)
    if not news:
        return told
    pending = []
    for rejection in news:
        topic = f"{prefix}rejected.{rejection['agency']}.v1"
        pending.append(producer.send(topic, orjson.dumps(rejection), key=str(rejection["no"]).encode()))
    for future in pending:
        future.get(timeout=ACK_TIMEOUT_S)
    rejections.note_told(conn, int(news[-1]["no"]))
    return int(news[-1]["no"])
