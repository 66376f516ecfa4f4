"""Fills a log in bulk: real events of 50 agencies, drawn up by the hub's own code and multiplied in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hub.directory import Agency
from hub.ingest import draft_of
from hub.lanes import coarsen
from hub.store import Connection, agencies, lanes
from hub.stored import Draft
from schemas import wire
from tests.benchmark import samples
from tests.benchmark.node import grant, police
from tests.support import events

AGENCIES = 50
COUNTIES = 58
WIDE, SPARSE = "us-ca-wide", "us-ca-sparse"
WIDE_SOURCES = 12  # times two types, times two counties: 48 of 400 lanes
CHUNK = 100_000
TYPES = ("alert.missing_child.issued", "alert.missing_child.updated", "alert.warning.issued", "case.trafficking.opened")

TEMPLATE = """
CREATE TEMP TABLE template (no int PRIMARY KEY, lane int, source text, type text, jurisdictions text[],
                            "time" timestamptz, lapses boolean, version smallint, cuts text, text text)
"""
# Ids differ in the columns and in the text, at the same length, so that the cuts stay true.
EVENTS = """
WITH made AS (
    INSERT INTO event (source, id, type, subject, lane, jurisdictions, audience, "time", digest, lapses,
                       projection_version, cuts, text)
    SELECT t.source, n.name, t.type, n.name, t.lane, t.jurisdictions, '{}', t."time", sha256(n.name::bytea), t.lapses,
           t.version, t.cuts, replace(t.text, %(slot)s, n.name)
      FROM (SELECT g AS number, 'filled00-bench-' || lpad(g::text, 10, '0') AS name
              FROM generate_series(%(first)s::int, %(last)s::int) AS g) AS n
      JOIN template t ON t.no = (hashint4(n.number) & 2147483647) %% %(templates)s
    RETURNING hub_id, lane
)
INSERT INTO log (position, event, lane) SELECT %(first)s - 1 + row_number() OVER (), hub_id, lane FROM made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """A county in which an agency publishes."""

    agency: int
    which: int

    @property
    def code(self) -> str:
        """California numbers its counties with odd FIPS codes."""
        return f"US-CA:06{2 * ((2 * self.agency + self.which) % COUNTIES) + 1:03d}"


def source(number: int) -> str:
    """The id of one of the agencies that publish."""
    return f"us-ca-source{number:02d}"


def members() -> list[Agency]:
    """All agencies that publish, and two readers that only read."""
    return [police(source(number)) for number in range(AGENCIES)] + [police(WIDE), police(SPARSE)]


def grants() -> str:
    """Every agency reads two types of twelve others, the wide reader too; the sparse one reads a single lane."""
    types = ("alert.missing_child.issued", "alert.warning.issued")
    written: list[str] = []
    for reader in [*(source(number) for number in range(AGENCIES)), WIDE]:
        first = len(written) % AGENCIES
        for step in range(WIDE_SOURCES):
            of = source((first + 4 * step) % AGENCIES)
            written.append(grant(len(written), source=of, reader=reader, types=types))
    only = County(agency=7, which=0).code
    written.append(grant(len(written), source=source(7), reader=SPARSE, types=types[1:], jurisdiction=only))
    return "".join(written)


def drafts() -> Iterator[Draft]:
    """One event for each lane: 50 agencies, four types, two counties each."""
    for number in range(AGENCIES):
        for which in (0, 1):
            for event_type in TYPES:
                yield draft_of(wire.decode(wire.encode(_event(event_type, number, which))))


def _event(event_type: str, number: int, which: int) -> events.Wire:
    kind, verb = event_type.rpartition(".")[0], event_type.rpartition(".")[2]
    make = {"alert.missing_child": events.alert, "alert.warning": events.warning, "case.trafficking": events.case}[kind]
    told = {"id": samples.SLOT, "subject": samples.SLOT, "source": source(number), "label": {"tlp": "green"}}
    made = make(verb, **told, jurisdictions=[County(agency=number, which=which).code])
    return made | {"defects": [_padding(2000 - len(wire.encode(made)))]}


def _padding(size: int) -> dict[str, object]:
    """Text that brings a short event to about 2 KB; half of it in either language."""
    words = ("flooded road near the river crossing " * 14)[: max(20, min(500, size // 2 - 60))]
    return {"code": "benchmark", "text": {"en": words, "es": words}}


def fill(conn: Connection, count: int) -> None:
    """Put `count` events into the log, spread evenly over the lanes, then tidy up as a week of service would."""
    conn.execute("SET synchronous_commit = off")
    conn.execute("SET statement_timeout = 0")
    conn.execute(TEMPLATE)
    made = [(number, *_template(conn, draft)) for number, draft in enumerate(drafts())]
    insert = "INSERT INTO template VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    conn.cursor().executemany(insert, made)
    conn.execute("ANALYZE template")
    for first in range(1, count + 1, CHUNK):
        last = min(count, first + CHUNK - 1)
        conn.execute(EVENTS, {"slot": samples.SLOT, "first": first, "last": last, "templates": len(made)})
    conn.execute("UPDATE lease SET position = %s WHERE name = 'sequencer'", (count,))
    for table in ("event", "log"):
        conn.execute(f"VACUUM (ANALYZE) {table}")
    conn.execute("CHECKPOINT")


def enrol(conn: Connection) -> None:
    """The agencies, so that lanes can refer to them."""
    for agency in members():
        agencies.enrol(conn, agency)


def _template(conn: Connection, draft: Draft) -> tuple[object, ...]:
    facts, is_coarse = coarsen(draft.facts)
    lane = lanes.add(conn, facts, is_coarse=is_coarse)
    places = list(draft.facts.jurisdictions)
    rest = (draft.time, draft.timing.lapses, draft.projection_version, draft.cuts, draft.text)
    return (lane, draft.source, draft.type, places, *rest)
