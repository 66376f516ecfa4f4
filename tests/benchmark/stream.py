"""`stream`: how soon an event is at everybody who follows, what a stream weighs, beside nginx with nchan."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from hub.directory import Agency, Kind
from tests.benchmark import machine, samples
from tests.benchmark.load import Connection as HttpConnection
from tests.benchmark.load import request
from tests.benchmark.node import Node, Stage, police, running, until
from tests.benchmark.report import Figure, Section, of_rounds, percentile, ratio
from tests.support import events

AGENCIES = 100
FEW, MANY = 100, 5000
ROUNDS = 3
EVENTS = 10  # a round
PAUSE_S = 0.3
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")  # Debian: nginx, libnginx-mod-nchan
PROCESSES = ("sequencer", "notary", "gateway", "stream")
GRANT = """
[[grant]]
id = "stream-to-ngos"
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
NCHAN = """
load_module {module};
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/nchan.pid; error_log {folder}/nchan.log warn;
events {{ worker_connections 10000; }}
http {{
  access_log off; nchan_shared_memory_size 64m; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /pub {{ nchan_publisher; nchan_channel_id a; nchan_message_buffer_length 10; }}
    location = /sse {{ nchan_subscriber eventsource; nchan_channel_id a; nchan_subscriber_first_message newest; }}
  }}
}}
"""


@dataclass(slots=True)
class Server:
    """Something that streams: its port, its process, what a client asks for, and how an event is published."""

    port: int
    pid: int
    asks: Callable[[int], bytes]
    publish: Callable[[], None]


@dataclass(slots=True)
class Listeners:
    """All clients of one round, in one process: when each block of data came."""

    opened: int = 0
    came: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One stream, read and not looked into."""

    def __init__(self, of: Listeners, asks: bytes) -> None:
        self._of, self._asks, self._is_open = of, asks, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        transport.write(self._asks)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """An event, or the answer's head."""
        if not self._is_open and data.startswith(b"HTTP/1.1 200"):
            self._is_open = True
            self._of.opened += 1
        elif b"data: {" in data:
            self._of.came.append(time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What so many streams weighed, and what an event to all of them took; `ms` from its publish to each arrival."""

    kb: float
    cpu_us: float
    ms: Sequence[float]


def measure(stage: Stage) -> Section:
    """Ours with few and many streams; then many at the others, by turns."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        return _section(stage)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _section(stage: Stage) -> Section:
    members = [police(samples.PUBLISHER), *(_ngo(number) for number in range(AGENCIES))]
    found: dict[str, list[Round]] = {}
    settings: dict[str, Any] = {"stream_most_per_agency": "200", "gateway_processes": "1"}
    grants = GRANT.format(source=samples.PUBLISHER)
    for _ in range(ROUNDS):
        with running(
            stage, f"stream{len(found.get('few', []))}", PROCESSES, grants=grants, members=members, **settings
        ) as node:
            ours = _ours(node)
            found.setdefault("few", []).append(_round(ours, FEW))
            found.setdefault("many", []).append(_round(ours, MANY))
        for other, opened in (("bare", _bare), ("nchan", _nchan)):
            with opened(stage.folder) as server:
                if server is not None:
                    found.setdefault(other, []).append(_round(server, MANY))
    return Section(name="stream", title="Streams", conditions=_CONDITIONS, figures=list(_figures(found)))


_CONDITIONS = [
    f"{FEW} and {MANY} streams of {AGENCIES} agencies under one grant, {EVENTS} events of 2 KB a round, one at a time: "
    "from before the POST at the gateway until each client has it; all clients in one process, all on these cores. "
    "Policy, redaction, disclosure entries and sealed cursors are on.",
    "memory: growth of Pss a stream, without the kernel's buffers. cpu: the stream process's user and system time over "
    "deliveries, between the first event and the last, the pauses between them included.",
    "bare: aiohttp on uvloop, the same item to everybody, nobody is asked, nothing is stored: what policy, audit and "
    "cursors add is the difference. nchan: nginx with nchan, one worker, from memory, no tokens.",
]


def _figures(found: dict[str, list[Round]]) -> Iterator[Figure]:
    for name, streams in (("few", FEW), ("many", MANY)):
        for share in (50, 99):
            values = [percentile(one.ms, share / 100) for one in found[name]]
            yield of_rounds(f"stream.{streams}.p{share}", "ms", values)
    many = found["many"]
    nchan, bare = found.get("nchan", []), found["bare"]
    why = "" if nchan else "nginx with nchan is not installed"
    for name, unit, aim in (("kb", "KB a stream", "<= 1.5"), ("cpu_us", "us a delivery", "<= 1")):
        ours = [getattr(one, name) for one in many]
        against = {"ratio": ratio(ours, [getattr(one, name) for one in nchan])} if nchan else {"why": why}
        label = "memory" if name == "kb" else "cpu"
        yield of_rounds(f"stream.{label}", unit, ours, reference="nchan", aim=aim, **against)
        yield of_rounds(
            f"stream.{label}.bare",
            unit,
            [getattr(one, name) for one in bare],
            ratio=ratio(ours, [getattr(one, name) for one in bare]),
            reference="it, ours",
        )
        if nchan:
            yield of_rounds(f"stream.{label}.nchan", unit, [getattr(one, name) for one in nchan])


def _round(server: Server, streams: int) -> Round:
    return uvloop.run(_listen(server, streams))


async def _listen(server: Server, streams: int) -> Round:
    loop, of = asyncio.get_running_loop(), Listeners()
    before_kb = _pss_kb(server.pid)
    opened = []
    for first in range(0, streams, 50):
        made = (
            loop.create_connection(partial(Client, of, server.asks(number)), "127.0.0.1", server.port)
            for number in range(first, min(first + 50, streams))
        )
        opened += [transport for transport, _ in await asyncio.gather(*made)]
        await asyncio.sleep(0.02)
    await _until(lambda: of.opened >= streams, "all streams are open")
    await asyncio.sleep(2)  # what opening them has left behind
    kb = (_pss_kb(server.pid) - before_kb) / streams
    took, cpu = await _events(server, of, streams)
    for transport in opened:
        transport.abort()
    await asyncio.sleep(2)
    return Round(kb=kb, cpu_us=cpu / (EVENTS * streams) * 1e6, ms=took)


async def _events(server: Server, of: Listeners, streams: int) -> tuple[list[float], float]:
    await asyncio.to_thread(server.publish)  # warm
    await _until(lambda: len(of.came) >= streams, "the first event is everywhere")
    took: list[float] = []
    before_s = _cpu_s(server.pid)
    for _ in range(EVENTS):
        await asyncio.sleep(PAUSE_S)
        of.came.clear()
        began = time.monotonic()
        await asyncio.to_thread(server.publish)
        await _until(lambda: len(of.came) >= streams, "an event is everywhere")
        took += [1000 * (at - began) for at in of.came[:streams]]
    return took, _cpu_s(server.pid) - before_s


async def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within 60 s: {what}")
        await asyncio.sleep(0.005)


def _ngo(number: int) -> Agency:
    return Agency(id=f"us-ngo{number:03}", name="ngo", kind=Kind.NGO, country="US", jurisdictions=("US",))


def _ours(node: Node) -> Server:
    tokens = [node.token(f"us-ngo{number:03}") for number in range(AGENCIES)]

    def asks(number: int) -> bytes:
        head = {"Authorization": f"Bearer {tokens[number % AGENCIES]}", "Accept": "text/event-stream"}
        return request("GET", "/v1/stream", head)

    names = samples.numbers()

    def publish() -> None:
        name = next(names)
        body = json.dumps(events.alert(id=name, subject=name)).encode()
        with closing(HttpConnection(node.port)) as http:
            assert http.ask(request("POST", "/v1/events", node.headers(samples.PUBLISHER), body)).status == 201

    port = int(node.environment["PUENTE_STREAM_PORT"])
    until(lambda: _is_open(port), what="the stream process")
    return Server(port, node.fleet.pids()["stream"], asks, publish)


@contextmanager
def _bare(_folder: Path) -> Iterator[Server]:
    port = _free()
    child = subprocess.Popen([sys.executable, "-m", "tests.benchmark.bare_stream", str(port)])
    with _ended(child, port):
        yield _other(port, child.pid)


@contextmanager
def _nchan(folder: Path) -> Iterator[Server | None]:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if nginx is None or not MODULE.exists():
        yield None
        return
    port, own = _free(), folder / "nchan"
    own.mkdir(exist_ok=True)
    own.chmod(0o777)
    conf = own / "nginx.conf"
    conf.write_text(NCHAN.format(module=MODULE, folder=own, port=port))
    child = subprocess.Popen([nginx, "-p", str(own), "-c", str(conf)])
    with _ended(child, port):
        yield _other(port, child.pid)


@contextmanager
def _ended(child: subprocess.Popen[bytes], port: int) -> Iterator[None]:
    try:
        until(lambda: _is_open(port), what="it serves")
        yield
    finally:
        child.terminate()
        child.wait()


def _other(port: int, pid: int) -> Server:
    """One of the others: everybody may ask, and what is posted is what comes, as long as an item of ours."""
    item = b"{" + b"x" * 1900 + b"}"
    numbers = itertools.count()

    def publish() -> None:
        with closing(HttpConnection(port)) as http:
            body = item + str(next(numbers)).encode()
            assert http.ask(request("POST", "/pub", {"Content-Type": "application/json"}, body)).status in (201, 202)

    return Server(port, pid, lambda _: request("GET", "/sse", {"Accept": "text/event-stream"}), publish)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _pss_kb(pid: int) -> int:
    return sum(_pss_of(each) for each in machine.tree(pid))


def _pss_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _cpu_s(pid: int) -> float:
    return machine.cpu_s(pid)
