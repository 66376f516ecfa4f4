"""A node to be mistreated: durable PostgreSQL, Kafka, every process of the node, and a second sequencer in waiting."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hub import launch, main
from hub.embedded import kafka, postgres
from hub.embedded.install import kafka_jars
from hub.fleet import Fleet
from hub.grant_rows import load_grants
from hub.settings import Settings, load_settings
from hub.store import Connection, connect, grants
from tests.proof.keeper import Keeper
from tests.proof.premises import enrol_police

NODE = "us"
LIMITS = Path("config/limits.toml")
ESCALATION = Path("config/escalation.toml")
HUB_TOML = """
[node]
state_dir = "{state}"

[gateway]
port = 0
management_port = 0

[stream]
port = 0

[rates]                  # after an outage everybody comes back at once, all from one address
publishes_per_s = 500
urgent_per_s = 500
tokens_per_s = 100
"""
GRANTS_TOML = """
[[grant]]
id = "{kind}-to-all-police"
source = {{ country = "US" }}
reader = {{ kind = "law_enforcement", country = "US" }}
types = ["{kind}.*"]
jurisdictions = ["US"]
purpose = "{purpose}"
max_tlp = "amber+strict"
clearance = "enforcement"
valid_from = 2020-01-01T00:00:00Z
valid_until = 2040-01-01T00:00:00Z
"""
PURPOSES = {"alert": "locate-child", "case": "trafficking-investigation"}
LEADS = re.compile(r"leads with fence (\d+)")


@dataclass(slots=True, kw_only=True)
class Stage:
    """The running node. Whatever starts a process is called from the main thread (see `hub.embedded.process.spawn`)."""

    folder: Path
    told: Settings
    server: postgres.RunningPostgres
    broker: kafka.RunningKafka
    environment: Mapping[str, str]
    fleet: Fleet
    standby: Keeper

    @property
    def gateway(self) -> str:
        """Where the gateway answers."""
        return f"http://127.0.0.1:{self.environment['PUENTE_GATEWAY_PORT']}"

    @property
    def database_url(self) -> str:
        """The node's database."""
        return self.environment["PUENTE_DATABASE_URL"]

    @property
    def bootstrap(self) -> str:
        """The node's listener at the broker; the same after a restart."""
        return self.broker.bootstrap(NODE)

    def database(self) -> AbstractContextManager[Connection]:
        """A connection to the node's database."""
        return connect(self.database_url, name="proof")

    def login(self) -> dict[str, Any]:
        """The settings with which a kafka-python client connects as the node itself."""
        return main.kafka_settings(load_settings(Path(self.environment[main.CONFIG_VARIABLE]), self.environment))

    def watch(self) -> None:
        """Start again what has died."""
        self.fleet.watch()
        self.standby.watch()

    def sequencers(self) -> dict[Path, int]:
        """The process ids of both sequencers, by the log each writes."""
        running = {self.fleet.folder / "sequencer.log": self.fleet.pids().get("sequencer")}
        running[self.standby.log] = self.standby.pid()
        return {log: pid for log, pid in running.items() if pid is not None}

    def leader(self) -> tuple[int, int] | None:
        """The sequencer that took the lease last: its process id and its fence; None while it is not running."""
        fences = {log: max(map(int, LEADS.findall(log.read_text("utf-8"))), default=0) for log in self.sequencers()}
        running = self.sequencers()
        with self.database() as conn:
            row = conn.execute("SELECT fence FROM lease WHERE name = 'sequencer'").fetchone()
        for log, fence in fences.items():
            if row is not None and fence == row[0] and log in running:
                return running[log], fence
        return None

    def gateway_processes(self) -> tuple[int | None, list[int]]:
        """The gateway's parent process and its workers."""
        parent = self.fleet.pids().get("gateway")
        return parent, children(parent) if parent is not None else []

    def restart_broker(self) -> None:
        """Kill the broker and start it again on the same ports."""
        self.broker.child.kill()
        self.broker.child.wait()
        self.broker = _broker(self.folder, self.told, self.broker.ports[NODE])

    def restart_database(self) -> None:
        """Shut the server down at once, without a checkpoint or a word to its clients, and start it again."""
        self.server.child.send_signal(signal.SIGQUIT)
        self.server.child.wait()
        self.server = postgres.start(self.folder)

    def leftovers(self) -> int:
        """How many processes of this node are alive, whoever started them."""
        ours = f"{main.CONFIG_VARIABLE}={self.environment[main.CONFIG_VARIABLE]}".encode()
        return sum(ours in _environment(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit())

    def end(self) -> None:
        """End everything that is left."""
        self.fleet.stop()
        self.standby.stop()
        self.broker.stop()
        self.server.stop()

    def enrol(self, agency_id: str) -> Path:
        """A police agency that may publish and read; gives the file of its client key."""
        key = self.folder / "agencies" / f"{agency_id}.pem"
        with self.database() as conn:
            enrol_police(conn, agency_id, key, ("alert.*", "case.trafficking.*"))
        return key


def children(parent: int) -> list[int]:
    """The processes that `parent` has started; Linux only."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text("ascii").split())
    except OSError:  # it ended meanwhile
        pass
    return found


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return []


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A node with its services in `folder`; everything is ended with the block."""
    config = folder / "config" / "hub.toml"
    config.parent.mkdir()
    config.write_text(HUB_TOML.format(state=folder))
    shutil.copy(LIMITS, config.with_name("limits.toml"))
    shutil.copy(ESCALATION, config.with_name("escalation.toml"))
    told = load_settings(config, {})
    with ExitStack() as stack:
        server = postgres.start(folder)
        stack.callback(server.stop)
        broker = _broker(folder, told, 0)
        stack.callback(broker.stop)
        services = launch.Services(database_url=launch.database(server, NODE), bootstrap=broker.bootstrap(NODE))
        environment = launch.prepare(told, services, {**os.environ, main.CONFIG_VARIABLE: str(config)})
        made = Stage(
            folder=folder,
            told=told,
            server=server,
            broker=broker,
            environment=environment,
            fleet=Fleet(told.state_dir / "run", environment),
            standby=Keeper(
                command=[sys.executable, "-m", "hub.cli", "sequencer"],
                folder=folder / "standby",
                environment=environment,
            ),
        )
        stack.callback(made.end)
        with made.database() as conn:
            open_to_all(conn)
        made.fleet.start()
        made.standby.start()
        yield made


def _broker(folder: Path, told: Settings, port: int) -> kafka.RunningKafka:
    return kafka.start(folder, [replace(launch.broker_node(told), port=port)], jars=kafka_jars())


def open_to_all(conn: Connection, *kinds: str) -> None:
    """All police may read events of these kinds, by default of all, and nothing else."""
    written = "".join(GRANTS_TOML.format(kind=kind, purpose=PURPOSES[kind]) for kind in kinds or PURPOSES)
    grants.replace_imported(conn, load_grants(tomllib.loads(written), written.encode()).grants, bytes(32))
