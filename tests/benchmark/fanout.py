"""`fanout`: one urgent alert to 18,000 subscribers, beside a bare asyncio client that posts as many to one sink."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import aiohttp
import uvloop

from hub.store import Connection
from tests.benchmark import machine, samples
from tests.benchmark.load import Connection as HttpConnection
from tests.benchmark.load import request
from tests.benchmark.node import Node, Stage, police, running, until
from tests.benchmark.report import Figure, Section, of_rounds, percentile, ratio
from tests.support import events

SUBSCRIBERS = 18_000
STREAMS, POLLS = 1000, 1000
WEBHOOKS = SUBSCRIBERS - STREAMS - POLLS
ROUNDS = 3
AT_ONCE = 256
PROCESSES = ("sequencer", "notary", "dispatcher", "sender", "gateway", "stream")
GRANT = """
[[grant]]
id = "fanout-to-ngos"
source = {{ agency = "{source}" }}
reader = {{ kind = "ngo", country = "US" }}
types = ["alert.*"]
jurisdictions = ["US"]
purpose = "locate-child"
max_tlp = "amber+strict"
clearance = "partner"
valid_from = 2020-01-01T00:00:00Z
valid_until = 2040-01-01T00:00:00Z
"""
# Past the triggers, which look at each agency by itself; the version is moved on by hand.
ENROL = """
INSERT INTO agency (id, name, kind, country, jurisdictions, languages)
SELECT 'us-ngo' || lpad(g::text, 5, '0'), 'ngo ' || g, 'ngo', 'US', ARRAY['US'], ARRAY['en']
  FROM generate_series(1, %s) AS g
"""
SUBSCRIBE = """
WITH made AS (
    INSERT INTO subscription (agency, name, channel, address, filter, language, desk, state, jurisdictions, created_by)
    SELECT 'us-ngo' || lpad(g::text, 5, '0'), 'bench', 'webhook', %s || g,
           '{"changes": ["cancelled", "located", "new", "updated"], "jurisdictions": [], "own": false,
             "status": "actual", "types": ["alert.*"]}', 'en', 'duty', 'enabled', ARRAY['US', 'MX'], 'bench'
      FROM generate_series(1, %s) AS g
    RETURNING id
)
INSERT INTO tally (subscription) SELECT id FROM made
"""


def measure(stage: Stage) -> Section:
    """The alert and the bare client by turns; then what each took."""
    taken: list[list[float]] = []
    bare: list[float] = []
    cpu_us: list[float] = []
    networks: dict[str, Any] = {"delivery_webhook_allow_networks": "127.0.0.0/8", "delivery_heartbeat_min": 0}
    with (
        sink() as port,
        _files(),
        running(
            stage,
            "fanout",
            PROCESSES,
            grants=GRANT.format(source=samples.PUBLISHER),
            members=[police(samples.PUBLISHER)],
            **networks,
        ) as node,
    ):
        with node.database() as conn:
            _subscribe(conn, f"http://127.0.0.1:{port}/")
        with _followers(node) as crowd:
            for round_ in range(-1, ROUNDS):
                before = _cpu_s(node)
                took = _alert(node, port, crowd)
                spent = _cpu_s(node) - before
                alone = _bare(port)
                if round_ >= 0:
                    taken.append(took)
                    bare.append(alone)
                    cpu_us.append(spent / SUBSCRIBERS * 1e6)
        entries = _entries(node)
    reference = f"a bare asyncio client's {SUBSCRIBERS} POSTs"
    figures = [
        of_rounds(
            f"fanout.{share}",
            "s",
            [percentile(one, float(share) / 100) for one in taken],
            ratio=ratio([percentile(one, float(share) / 100) for one in taken], bare),
            reference=reference,
            aim="<= 30 s" if share == "100" else "",
        )
        for share in ("50", "99", "100")
    ]
    figures.append(of_rounds("fanout.bare", "s", bare))
    figures.append(of_rounds("fanout.cpu", "us a delivery", cpu_us))
    figures.append(Figure(name="fanout.entries", unit="audit entries an alert", value=entries / (ROUNDS + 1)))
    conditions = [
        f"One urgent alert of 2 KB published over HTTP to {SUBSCRIBERS} agencies: {WEBHOOKS} with a webhook each, all "
        f"on one sink in a process of its own, {STREAMS} with an open stream and {POLLS} with an open long poll, in "
        "another. From before the publish until 50, 99 and 100 % have it, webhooks with both signatures. Policy, "
        "filters, disclosure entries, numbering and the state of each delivery are on; fsync on.",
        f"bare: aiohttp on uvloop, {AT_ONCE} at once, keep-alive, the same sink, unsigned, nothing stored.",
        "cpu: user and system time of the node's processes during the alert (PostgreSQL's own is not in it).",
    ]
    return Section(name="fanout", title="One alert to everybody", conditions=conditions, figures=figures)


@contextmanager
def sink(identity: str = "") -> Iterator[int]:
    """The port of a receiver in a process of its own; with an `identity`, over TLS, and closing after each answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmark.sink", str(port), *([identity] if identity else [])]
    )
    try:
        until(lambda: _is_there(port), what="the sink")
        yield port
    finally:
        child.terminate()
        child.wait()


def _is_there(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _subscribe(conn: Connection, url: str) -> None:
    conn.execute("SET session_replication_role = replica")
    conn.execute("SET statement_timeout = 0")
    conn.execute(ENROL, (SUBSCRIBERS,))
    conn.execute(SUBSCRIBE, (url, WEBHOOKS))
    conn.execute("SET session_replication_role = origin")
    conn.execute("SELECT retrace(ARRAY['fanout-to-ngos'])")  # what the triggers would have done for each
    conn.execute("UPDATE subscribed SET version = version + 1")
    conn.execute("UPDATE directory SET version = version + 1")
    conn.execute("ANALYZE")


@contextmanager
def _files() -> Iterator[None]:
    """As many open files as may be, for processes that are started meanwhile too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _followers(node: Node) -> Iterator[subprocess.Popen[str]]:
    """The streams and long polls, all open."""
    port = node.environment["PUENTE_STREAM_PORT"]
    until(lambda: _is_there(int(port)), what="the stream process")
    command = [sys.executable, "-m", "tests.benchmark.followers", port, str(STREAMS), str(POLLS)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        tokens = (node.token(f"us-ngo{number:05}") for number in range(WEBHOOKS + 1, SUBSCRIBERS + 1))
        child.stdin.write("\n".join(tokens) + "\n\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.terminate()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def _alert(node: Node, port: int, crowd: subprocess.Popen[str]) -> list[float]:
    """Seconds from before the publish until each subscriber has it."""
    name = next(samples.numbers())
    body = json.dumps(events.alert(id=name, subject=name, data={"urgency": "Immediate"})).encode()
    with closing(HttpConnection(node.port)) as http:
        began = time.clock_gettime(time.CLOCK_MONOTONIC)
        assert http.ask(request("POST", "/v1/events", node.headers(samples.PUBLISHER), body)).status == 201
    until(lambda: _count(port) >= WEBHOOKS, what="everybody has it", wait_s=120, pause_s=0.1)
    came = {path: at - began for at, path in reversed(_times(port))}
    assert len(came) == WEBHOOKS
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    crowd.stdin.write("round\n")
    crowd.stdin.flush()
    followed = [at - began for at in json.loads(crowd.stdout.readline())]
    with node.database() as conn:
        until(
            lambda: conn.execute("SELECT 1 FROM delivery WHERE state = 'due' LIMIT 1").fetchone() is None,
            what="all is written down",
        )
    return [*came.values(), *followed]


def _count(port: int) -> int:
    with closing(HttpConnection(port)) as http:
        return int(http.ask(request("GET", "/count", {})).body)


def _times(port: int) -> list[tuple[float, str]]:
    with closing(HttpConnection(port)) as http:
        found: list[tuple[float, str]] = json.loads(http.ask(request("GET", "/times", {})).body)
        return found


def _bare(port: int) -> float:
    async def post_all() -> float:
        places = iter(range(SUBSCRIBERS))
        connector = aiohttp.TCPConnector(limit=AT_ONCE, limit_per_host=AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def some() -> None:
                for place in places:
                    async with session.post(f"http://127.0.0.1:{port}/{place}", data=b"x" * 300) as answer:
                        await answer.read()

            began = time.perf_counter()
            await asyncio.gather(*(some() for _ in range(AT_ONCE)))
            return time.perf_counter() - began

    took = uvloop.run(post_all())
    _times(port)
    return took


def _cpu_s(node: Node) -> float:
    return sum(machine.cpu_s(pid) for pid in node.fleet.pids().values())


def _entries(node: Node) -> int:
    with node.database() as conn:
        row = conn.execute("SELECT count(*) FROM audit WHERE action = 'disclose'").fetchone()
    return int(str(row[0])) if row else 0
