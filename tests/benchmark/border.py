"""`border`: how soon an alert is readable on the other side, how many cross, and how an outage is caught up with."""

from __future__ import annotations

import itertools
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hub.batches import Batch, Record, accept_batch
from hub.grant_rows import load_grants
from hub.main import limits
from hub.picture import Picture
from hub.store import agencies, connect
from hub.store import grants as stored_grants
from hub.store.migrate import migrate
from tests.benchmark import machine, samples
from tests.benchmark.countries import PUBLISHER, READER, Countries, countries
from tests.benchmark.latency import Reader
from tests.benchmark.load import Connection, drive, request
from tests.benchmark.node import GRANT, Node, Stage, police, until
from tests.benchmark.report import Figure, Section, of_rounds, percentile

ROUNDS = 3
EVENTS = 60  # a round
WARM = 10
DELAY_S = 0.075  # each way: 150 ms from here to there and back
CAUGHT_UP = 100_000
LOCALLY = 10_000  # of which the time of as many is worked out
SUSTAINED_S = 20.0
BATCH = 500
# Ids differ in the columns and in the text, at the same length, so that the cuts stay true.
MULTIPLY = """
WITH model AS (SELECT * FROM event WHERE id = %(model)s), made AS (
    INSERT INTO event (source, id, type, subject, lane, jurisdictions, audience, "time", digest, lapses,
                       projection_version, cuts, text)
    SELECT m.source, n.name, m.type, n.name, m.lane, m.jurisdictions, m.audience, m."time", sha256(n.name::bytea),
           m.lapses, m.projection_version, m.cuts, replace(m.text, %(model)s, n.name)
      FROM model m CROSS JOIN (SELECT 'multiply-bench-' || lpad(g::text, 10, '0') AS name
                                 FROM generate_series(1, %(count)s) AS g) n
    RETURNING hub_id, lane
), placed AS (
    INSERT INTO log (position, event, lane)
    SELECT (SELECT position FROM lease WHERE name = 'sequencer') + row_number() OVER (), hub_id, lane FROM made
    RETURNING position
)
UPDATE lease SET position = (SELECT max(position) FROM placed) WHERE name = 'sequencer'
"""


def measure(stage: Stage) -> Section:
    """Latency without and with a delay on the wire, then the rate, then an outage."""
    figures: list[Figure] = []
    for way, delay_s in (("near", 0.0), ("far", DELAY_S)):
        with countries(stage, f"border{way}", delay_s=delay_s) as both:
            _open(both)
            figures += _latency(way, both)
            if way == "near":
                figures += _sustained(both)
                figures += _caught_up(stage, both)
    conditions = [
        f"Two nodes on this machine (gateway, sequencer, notary, border worker, checkpoint each), TLS, {ROUNDS} rounds "
        f"of {EVENTS} alerts of 2 KB, one at a time: from before the publish over HTTP at the one gateway until the "
        "other gateway's feed has the event, asked every 2 ms. far: a relay that delays by 75 ms either way.",
        f"sustained: {SUSTAINED_S:.0f} s of publishing by 8 connections; events readable over there from the first "
        "publish to the last arrival, both sides and the load on these cores.",
        f"catch-up: {CAUGHT_UP} events in the log while the border worker is away; then the time until all are in the "
        f"other log, as a multiple of the time that ingest needs for as many ({LOCALLY} through `accept_batch`, "
        f"{BATCH} a transaction, without Kafka). Memory: the worker's and the checkpoint's resident set.",
    ]
    return Section(name="border", title="Across the border", conditions=conditions, figures=figures)


def _open(both: Countries) -> None:
    """One grant to the fiscalía, told to the other side."""
    written = GRANT.format(id="us-bench-to-fge", source=PUBLISHER, reader=READER, types='"alert.*"', jurisdiction="US")
    held = load_grants(tomllib.loads(written), written.encode())
    with both.us.database() as conn:
        stored_grants.replace_imported(conn, held.grants, bytes.fromhex(held.digest))
    with both.mx.database() as conn:
        until(
            lambda: bool(conn.execute("SELECT 1 FROM released_grant").fetchone()),
            what="the grant is known over there",
        )


def _latency(way: str, both: Countries) -> Iterator[Figure]:
    events = samples.bodies()
    headers = both.us.headers(PUBLISHER)
    rounds: list[list[float]] = []
    with closing(Connection(both.us.port)) as http, closing(Reader(both.mx, READER)) as reader:
        for round_ in range(-1, ROUNDS):
            took = []
            for name, body in itertools.islice(events, EVENTS if round_ >= 0 else WARM):
                began = time.perf_counter()
                assert http.ask(request("POST", "/v1/events", headers, body)).status == 201
                reader.wait_for(name)
                took.append((time.perf_counter() - began) * 1000)
            if round_ >= 0:
                rounds.append(took)
    for share in (0.5, 0.99):
        yield of_rounds(f"border.{way}.p{share * 100:.0f}", "ms", [percentile(one, share) for one in rounds])


def _sustained(both: Countries) -> Iterator[Figure]:
    headers = both.us.headers(PUBLISHER)
    before = _logged(both.mx)
    began = time.perf_counter()
    requests = (request("POST", "/v1/events", headers, body) for _, body in samples.bodies())
    done = drive(both.us.port, requests, seconds=SUSTAINED_S)
    until(lambda: _logged(both.mx) - before >= done.done, what="all have crossed", wait_s=300)
    took = time.perf_counter() - began
    yield Figure(name="border.sustained", unit="events/s", value=done.done / took)
    yield Figure(name="border.sustained.published", unit="events/s", value=done.per_s)


def _caught_up(stage: Stage, both: Countries) -> Iterator[Figure]:
    before_mb = _resident_mb(both)
    with both.us.database() as conn, machine.paused([both.us.fleet.pids()["border"]]):
        conn.execute("SET statement_timeout = 0")
        row = conn.execute("SELECT id FROM event ORDER BY accepted_at DESC LIMIT 1").fetchone()
        assert row is not None
        conn.execute(MULTIPLY, {"model": row[0], "count": CAUGHT_UP})
        held = _logged(both.mx)
    most_mb = before_mb
    began = time.perf_counter()
    while _logged(both.mx) - held < CAUGHT_UP:
        most_mb = max(most_mb, _resident_mb(both))
        if time.perf_counter() - began > 1800:
            raise TimeoutError("an outage is not caught up with")
        time.sleep(0.5)
    took = time.perf_counter() - began
    locally = _ingest_s(stage, both.us) * CAUGHT_UP / LOCALLY
    yield Figure(
        name="border.catch-up", unit="s", value=took, ratio=took / locally, reference=f"local ingest of {CAUGHT_UP}"
    )
    yield Figure(name="border.catch-up.rate", unit="events/s", value=CAUGHT_UP / took)
    yield Figure(name="border.memory.before", unit="MB", value=before_mb)
    yield Figure(name="border.memory.most", unit="MB", value=most_mb)
    yield Figure(name="border.memory.after", unit="MB", value=_resident_mb(both))


def _ingest_s(stage: Stage, node: Node) -> float:
    """Seconds that the ingest worker's use case takes for `LOCALLY` events of the same kind."""
    url = stage.server.create_database("bench_locally")
    migrate(url)
    with connect(url, name="benchmark") as conn:
        agencies.enrol(conn, police(PUBLISHER))
        picture = Picture.unread(limits(node.told))
        picture.refresh(conn)
        bodies = [body for _, body in itertools.islice(samples.bodies(), LOCALLY)]
        began = time.perf_counter()
        for first in range(0, LOCALLY, BATCH):
            records = [Record(first + n, body) for n, body in enumerate(bodies[first : first + BATCH])]
            batch = Batch(
                topic="in", partition=0, agency=PUBLISHER, records=records, start=first, end=first + len(records)
            )
            assert accept_batch(conn, picture, batch, datetime.now(UTC)).stored == len(records)
        return time.perf_counter() - began


def _logged(node: Node) -> int:
    with node.database() as conn:
        row = conn.execute("SELECT position FROM lease WHERE name = 'sequencer'").fetchone()
    return int(str(row[0])) if row else 0


def _resident_mb(both: Countries) -> float:
    """What the sender over here and the checkpoint over there hold."""
    pids = [both.us.fleet.pids()["border"], both.mx.fleet.pids()["checkpoint"]]
    return sum(_kb(each) for pid in pids for each in machine.tree(pid)) / 1024


def _kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
