"""Kafka offsets, stored with the effects of the records they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.store import Connection


class Overtaken(Exception):
    """Another worker has moved this partition on; what this one holds is old."""


def next_offset(conn: Connection, topic: str, partition: int) -> int:
    """Where to go on reading; 0 for a partition never read."""
    row = conn.execute(
        "SELECT next_offset FROM kafka_offset WHERE topic = %s AND partition = %s", (topic, partition)
    ).fetchone()
    return int(str(row[0])) if row else 0


def move(conn: Connection, topic: str, partition: int, *, start: int, end: int) -> None:
    """
    Count the records [start, end) as done.

    Raises:
        Overtaken: the stored offset is not `start`; a zombie after a rebalance must not write.
    """
    done = conn.execute(
        """
        INSERT INTO kafka_offset AS k (topic, partition, next_offset) VALUES (%s, %s, %s)
        ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset WHERE k.next_offset = %s
        """,
        (topic, partition, end, start),
    )
    if done.rowcount != 1:
        raise Overtaken
