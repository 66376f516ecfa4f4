"""The ledger: every place where an acknowledged event must be, each holding each of them exactly once and in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition

from hub.store import Connection
from hub.workers import topics
from tests.proof.facts import Fact

BOOTSTRAP_MS = 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one place holds, compared with what it must hold."""

    place: str
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    misordered: int = 0

    @property
    def is_clean(self) -> bool:
        """Nothing wrong here."""
        return not (self.lost or self.doubled or self.foreign or self.misordered)


def compare(place: str, expected: Collection[Fact], seen: Sequence[Fact], *, ordered: bool = True) -> Entry:
    """Count what is missing, there more than once, there without being expected, and behind its successor."""
    counts = Counter(seen)
    wanted = set(expected)
    return Entry(
        place=place,
        lost=len(wanted - counts.keys()),
        doubled=sum(count - 1 for count in counts.values()),
        foreign=len(counts.keys() - wanted),
        misordered=descents(seen) if ordered else 0,
    )


def descents(seen: Sequence[Fact]) -> int:
    """How often a fact stands behind a later one of its subject."""
    highest: dict[str, int] = {}
    found = 0
    for fact in seen:
        found += fact.number < highest.get(fact.subject, 0)
        highest[fact.subject] = max(fact.number, highest.get(fact.subject, 0))
    return found


def in_database(conn: Connection, expected: Collection[Fact]) -> list[Entry]:
    """The event table, the log with its positions, and the audit, which shows each effect that was had."""
    stored = _ids(conn, "SELECT id FROM event")
    logged = _ids(conn, "SELECT e.id FROM log l JOIN event e ON e.hub_id = l.event ORDER BY l.position")
    audited = _ids(
        conn,
        """
        SELECT e.id FROM audit a CROSS JOIN LATERAL unnest(a.events) AS named (event)
          JOIN event e ON e.hub_id = named.event WHERE a.action = 'publish' AND a.is_allowed
        """,
    )
    return [
        compare("event", expected, stored, ordered=False),
        compare("log", expected, logged),
        compare("audit", expected, audited, ordered=False),
    ]


def _ids(conn: Connection, query: str) -> list[Fact]:
    return [Fact.of(str(row[0])) for row in conn.execute(query.encode()).fetchall()]


def gaps(conn: Connection) -> int:
    """Positions that the log lacks, up to its newest."""
    return _number(conn, "SELECT coalesce(max(position), 0) - count(*) FROM log")


def records_read(conn: Connection) -> int:
    """How many records the node has read from its agencies' topics, those that came twice included."""
    return _number(conn, "SELECT coalesce(sum(next_offset), 0) FROM kafka_offset")


def unfinished(conn: Connection) -> dict[str, int]:
    """What should not be there at the end: events without a position, and rejections."""
    return {
        "pending": _number(conn, "SELECT count(*) FROM pending"),
        "rejections": _number(conn, "SELECT count(*) FROM rejection"),
    }


def _number(conn: Connection, query: str) -> int:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return int(str(row[0]))


def wrong_states(conn: Connection, last: Mapping[str, int], closed: Collection[str]) -> int:
    """Subjects that do not stand at their newest event, or are open instead of closed."""
    rows = conn.execute(
        "SELECT s.subject, e.id, s.is_closed FROM subject_state s JOIN event e ON e.hub_id = s.event"
    ).fetchall()
    held = {str(subject): (Fact.of(str(event)), is_closed) for subject, event, is_closed in rows}
    wanted = {subject: (Fact(subject, number), subject in closed) for subject, number in last.items()}
    return sum(held.get(subject) != state for subject, state in wanted.items()) + len(held.keys() - wanted.keys())


def in_topics(login: dict[str, Any], prefix: str, expected: Collection[Fact]) -> Entry:
    """The relay's topics, read back from the beginning; a subject must keep to one partition."""
    logs = read_back(login, list(topics.shared_topics(prefix)))
    entry = compare("topics", expected, [fact for records in logs.values() for fact in records], ordered=False)
    homes = {(fact.subject, partition) for partition, records in logs.items() for fact in records}
    strays = len(homes) - len({subject for subject, _ in homes})
    return replace(entry, misordered=sum(descents(records) for records in logs.values()) + strays)


def read_back(login: dict[str, Any], names: Sequence[str]) -> dict[TopicPartition, list[Fact]]:
    """Every record of these topics as the fact it carries, by partition."""
    consumer = KafkaConsumer(
        **(login | {"bootstrap_timeout_ms": BOOTSTRAP_MS}), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        wanted = [TopicPartition(name, part) for name in names for part in consumer.partitions_for_topic(name) or ()]
        ends = consumer.end_offsets(wanted)
        consumer.assign(wanted)
        consumer.seek_to_beginning(*wanted)
        read: dict[TopicPartition, list[Fact]] = {partition: [] for partition in wanted}
        while any(consumer.position(partition) < ends[partition] for partition in wanted):
            for partition, records in consumer.poll(timeout_ms=1000).items():
                read[partition] += [_fact(record) for record in records]
        return read
    finally:
        consumer.close()


def _fact(record: Any) -> Fact:
    return Fact.of(orjson.loads(record.value)["id"])
