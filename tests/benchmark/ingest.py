"""`ingest`: Kafka to log, beside writing the same validated events straight into the same tables."""

from __future__ import annotations

import itertools
import time
from contextlib import closing

from hub.ingest import draft_of
from hub.lanes import coarsen
from hub.store import Connection, agencies, connect, lanes
from hub.store.migrate import migrate
from schemas import registry, wire
from tests.benchmark import machine, samples
from tests.benchmark.latency import producer
from tests.benchmark.node import Node, Stage, police, running, until
from tests.benchmark.report import Section, of_rounds, ratio

ROUNDS = 3
EVENTS = 6000  # a round
BATCH = 500

EVENT = """
INSERT INTO event (source, id, type, subject, lane, jurisdictions, audience, "time", digest, public_until,
                   active_until, lapses, projection_version, cuts, text)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING hub_id
"""
PENDING = "INSERT INTO pending (event, lane, is_kept, closes) VALUES (%s, %s, %s, %s)"
AUDIT = """
INSERT INTO audit (agency, client, action, is_allowed, reason, policy, events)
VALUES (%s, 'bare', 'publish', true, 'bare', 'bare', %s)
"""


def measure(stage: Stage) -> Section:
    """The topic is filled while the worker is paused; the clock runs until every event has its position."""
    ours: list[float] = []
    bare: list[float] = []
    events = samples.bodies()
    url = stage.server.create_database("bench_bare")
    migrate(url)
    with running(stage, "ingest", ("sequencer", "ingest")) as node, connect(url, name="benchmark") as conn:
        lane = _lane(conn)
        for round_ in range(-1, ROUNDS):  # the first one warms
            filled = [body for _, body in itertools.islice(events, EVENTS if round_ >= 0 else BATCH)]
            rate = _ours(node, filled)
            with machine.paused(node.fleet.pids().values()):
                bodies = [body for _, body in itertools.islice(events, len(filled))]
                bare_rate = _bare(conn, lane, bodies)
            if round_ >= 0:
                ours.append(rate)
                bare.append(bare_rate)
    figures = [
        of_rounds("ingest", "events/s", ours, ratio=ratio(ours, bare), reference="bare executemany", aim=">= 0.5"),
        of_rounds("ingest.bare", "events/s", bare),
    ]
    conditions = [
        f"{EVENTS} events of 2 KB a round, one topic, one worker; from the moment the worker may run until all have "
        "their position: decoding, validation, policy, projections, audit, offsets and the sequencer included; fsync "
        "on. The relay is off.",
        f"bare: the same decoding, validation and projections (they make the columns), then three `executemany` into "
        f"event, pending and audit, {BATCH} events a transaction, fsync on; no Kafka, no policy, no conflicts, no "
        "positions. Our processes are paused meanwhile.",
    ]
    return Section(name="ingest", title="Kafka ingest", conditions=conditions, figures=figures)


def _ours(node: Node, bodies: list[bytes]) -> float:
    """Events per second from a filled topic into the log."""
    topic = wire.in_topic(samples.PUBLISHER, node.told.kafka.topic_prefix)
    with node.database() as conn:
        before = _logged(conn)
        with (
            machine.paused([node.fleet.pids()["ingest"]]),
            closing(producer(node, linger_ms=5, batch_size=262_144)) as to,
        ):
            sent = [to.send(topic, body) for body in bodies]
            for future in sent:
                future.get(timeout=30)
        took = until(lambda: _logged(conn) >= before + len(bodies), what="all are in the log", wait_s=120)
    return len(bodies) / took


def _logged(conn: Connection) -> int:
    row = conn.execute("SELECT position FROM lease WHERE name = 'sequencer'").fetchone()
    return int(str(row[0])) if row else 0


def _lane(conn: Connection) -> int:
    agencies.enrol(conn, police(samples.PUBLISHER))
    facts, is_coarse = coarsen(draft_of(wire.decode(next(samples.bodies())[1])).facts)
    return lanes.add(conn, facts, is_coarse=is_coarse)


def _bare(conn: Connection, lane: int, bodies: list[bytes]) -> float:
    """Events per second written by the shortest code that fills the same columns."""
    began = time.perf_counter()
    for start in range(0, len(bodies), BATCH):
        rows = [_columns(body, lane) for body in bodies[start : start + BATCH]]
        cursor = conn.cursor()
        with conn.transaction():
            cursor.executemany(EVENT, rows, returning=True)
            ids = [result.fetchone() for result in cursor.results()]
            keys = [row[0] for row in ids if row is not None]
            closing_ = registry.closes(str(rows[0][2]))
            cursor.executemany(PENDING, [(key, lane, True, closing_) for key in keys])
            cursor.executemany(AUDIT, [(samples.PUBLISHER, [key]) for key in keys])
    return len(bodies) / (time.perf_counter() - began)


def _columns(body: bytes, lane: int) -> tuple[object, ...]:
    draft = draft_of(wire.decode(body))
    timing, facts = draft.timing, draft.facts
    identity = (draft.source, draft.id, draft.type, draft.subject, lane)
    about = (list(facts.jurisdictions), list(facts.audience or ()), draft.time, draft.digest)
    times = (timing.public_until, timing.active_until, timing.lapses)
    return (*identity, *about, *times, draft.projection_version, draft.cuts, draft.text)
