"""Two nodes that trust each other, as processes on one machine; between them TLS, and a delay where one is wanted."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trustme

from hub import border_keys, launch, main, main_border, peers
from hub.border import anchor as anchors
from hub.directory import Agency, Kind
from hub.fleet import Fleet
from hub.settings import load_settings
from hub.signing import seal
from hub.store import agencies, connect
from tests.benchmark.load import HOST
from tests.benchmark.node import ESCALATION, HUB_TOML, LIMITS, Node, Stage, answers, police, until

PROCESSES = ("sequencer", "notary", "border", "checkpoint", "gateway")
PUBLISHER, READER = "us-ca-sdpd", "mx-bcn-fge"
BORDER_TOML = """
[node]
id = "{node}"
country = "{country}"
issuer = "https://{node}.puente.invalid"
state_dir = "{state}"
{rest}
[border]
url = "https://{host}:{advertised}"
port = {port}
certificate_file = "server.pem"
key_file = "server.key"
authority_file = "authority.pem"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Countries:
    """Node `us`, which publishes, and node `mx`, which reads."""

    us: Node
    mx: Node


def fiscalia() -> Agency:
    """A prosecutor over there."""
    return Agency(id=READER, name="FGE (benchmark)", kind=Kind.PROSECUTOR, country="MX", jurisdictions=("MX",))


@contextmanager
def countries(stage: Stage, name: str, *, delay_s: float = 0.0) -> Iterator[Countries]:
    """Both, ended with the block; `delay_s` each way between a sender and the other's checkpoint."""
    authority = trustme.CA()
    with ExitStack() as stack:
        ports = {node: _free_port() for node in ("us", "mx")}
        reached = {node: stack.enter_context(_delayed(port, delay_s)) for node, port in ports.items()}
        nodes = {
            node: _prepare(stage, f"{name}_{node}", node, authority, port=ports[node], advertised=reached[node])
            for node in ports
        }
        with nodes["us"].database() as conn:
            agencies.enrol(conn, police(PUBLISHER))
        with nodes["mx"].database() as conn:
            agencies.enrol(conn, fiscalia())
        _trust(nodes["us"], nodes["mx"])
        _trust(nodes["mx"], nodes["us"])
        for node in nodes.values():
            stack.callback(node.fleet.stop)
            node.fleet.start(PROCESSES)
        for node in nodes.values():
            until(partial(answers, node.port), what="the gateway answers")
            until(partial(_has_met, node), what="the nodes have told each other who they are", wait_s=60)
        yield Countries(us=nodes["us"], mx=nodes["mx"])


def _prepare(stage: Stage, name: str, node: str, authority: trustme.CA, *, port: int, advertised: int) -> Node:
    folder = stage.folder / name
    (folder / "config").mkdir(parents=True)
    config = folder / "config" / "hub.toml"
    rest = HUB_TOML.partition("\n[gateway]")[2]
    config.write_text(
        BORDER_TOML.format(
            node=node,
            country=node.upper(),
            state=folder,
            rest=f"[gateway]{rest}",
            host=HOST,
            port=port,
            advertised=advertised,
        )
    )
    shutil.copy(LIMITS, config.with_name("limits.toml"))
    shutil.copy(ESCALATION, config.with_name("escalation.toml"))
    _certify(config.parent, authority)
    variables = {"PUENTE_CONFIG": str(config)}
    services = launch.Services(database_url=stage.server.create_database(f"bench_{name}"), bootstrap="127.0.0.1:1")
    environment = launch.prepare(load_settings(config, variables), services, {**os.environ, **variables})
    fleet = Fleet(folder / "run", environment)
    return Node(told=load_settings(config, environment), environment=environment, fleet=fleet)


def _certify(folder: Path, authority: trustme.CA) -> None:
    issued = authority.issue_cert(HOST)
    issued.private_key_pem.write_to_path(folder / "server.key")
    (folder / "server.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(folder / "authority.pem")


def _trust(truster: Node, trusted: Node) -> None:
    """As `puente peer export` and `puente peer import` do."""
    told, at = trusted.told, main.now()
    held = border_keys.first(told.state_dir, at)
    own = main_border.own_anchor(told, held, at).anchor
    signed = seal(border_keys.signing(held, at).signing, own.payload, anchors.TYPE)
    with truster.database() as conn:
        peers.trust(conn, truster.told.node.id, peers.read(signed, at), at)


def _has_met(node: Node) -> bool:
    with connect(node.told.database.url, name="benchmark") as conn:
        row = conn.execute(
            "SELECT EXISTS (SELECT FROM shown_agency WHERE is_known) AND EXISTS (SELECT FROM peer_limits)"
        ).fetchone()
    return bool(row and row[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _delayed(port: int, delay_s: float) -> Iterator[int]:
    """A port at which what is sent reaches `port` that much later, either way; `port` itself without a delay."""
    if not delay_s:
        yield port
        return
    loop = asyncio.new_event_loop()
    made = _free_port()
    ready = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(lambda r, w: _carry(r, w, port, delay_s), HOST, made)
        ready.set()
        with suppress(asyncio.CancelledError):
            await server.serve_forever()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with suppress(RuntimeError):  # stopped
            loop.run_until_complete(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, delay_s: float) -> None:
    try:
        there_reader, there_writer = await asyncio.open_connection(HOST, port)
    except ConnectionError:  # not up yet, or no longer
        writer.close()
        return
    await asyncio.gather(_pass(reader, there_writer, delay_s), _pass(there_reader, writer, delay_s))


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while came := await source.read(65_536):
            loop.call_later(delay_s, target.write, came)
    loop.call_later(delay_s, target.close)
