"""Two nodes on this machine that share nothing: a database, a broker, keys and processes each, and TLS between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from hub import keys, launch, main, signing
from hub.demo import neighbours
from hub.directory import Credential
from hub.embedded import kafka
from hub.embedded.install import kafka_jars
from hub.errors import Unavailable
from hub.fleet import AT_THE_BORDER, MEMBERS, Fleet
from hub.main import CONFIG_VARIABLE
from hub.principal import ANYWHERE, SCOPES
from hub.settings import Settings, load_settings
from hub.store import agencies, connect, grants
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import ExitStack

    from rich.console import Console

    from hub.demo.cast import Player
    from hub.grants import GrantSet

PATIENCE_S = 300.0  # with anything: the demo is right on a slow machine too, only later
WATCH_S = 0.2
JVM = (*kafka.JVM, "-XX:TieredStopAtLevel=1")  # what runs for a minute never earns back what its compiler takes
ENDED = 124  # as timeout(1) has it
NOT_ENDED = Text("{command} did not end within {seconds} s", "{command} no terminó en {seconds} s")
STARTING = Text(
    "Starting node {node}: its own PostgreSQL, Apache Kafka, gateway and workers",
    "Iniciando el nodo {node}: su propio PostgreSQL, Apache Kafka, puerta de enlace y procesos",
)
NOT_READY = Text("node {node} does not become ready; see {logs}", "el nodo {node} no llega a estar listo; vea {logs}")


@dataclass(frozen=True, slots=True)
class Node:
    """A running node of the demo."""

    told: Settings
    fleet: Fleet
    environment: dict[str, str]
    grants: GrantSet

    @property
    def id(self) -> str:
        """`us` or `mx`."""
        return self.told.node.id

    @property
    def url(self) -> str:
        """The gateway."""
        return f"http://{self.told.gateway.host}:{self.environment['PUENTE_GATEWAY_PORT']}"

    @property
    def health(self) -> str:
        """Readiness, on the management port."""
        port = self.environment["PUENTE_GATEWAY_MANAGEMENT_PORT"]
        return f"http://{self.told.gateway.management_host}:{port}/health/ready"

    @property
    def bootstrap(self) -> str:
        """The node's listener at the broker."""
        return self.environment["PUENTE_KAFKA_BOOTSTRAP"]

    def client_key(self, agency: str) -> Path:
        """The private key an agency of the demo signs its assertions with."""
        return (self.told.state_dir / "agencies" / f"{agency}.pem").absolute()


class Interrupted(Exception):
    """Somebody wants the demo to end."""


@dataclass(frozen=True, slots=True)
class Running:
    """Both nodes, kept running for as long as nobody wants them to stop."""

    nodes: Mapping[str, Node]
    stopping: Callable[[], bool]

    def keep(self) -> None:
        """
        Start again what has died; to be called in every wait.

        Raises:
            Interrupted: the wait has lost its purpose.
        """
        if self.stopping():
            raise Interrupted
        for node in self.nodes.values():
            node.fleet.watch()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """
        Run one of an agency's commands, and keep the nodes running meanwhile.

        From this thread, since what another one starts ends with it (hub/embedded/process.py).

        Raises:
            Interrupted: before it ended.
        """
        command = [sys.executable, "-m", "hub.cli", *arguments]
        deadline = time.monotonic() + PATIENCE_S
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            try:
                while time.monotonic() < deadline:
                    self.keep()
                    with suppress(subprocess.TimeoutExpired):
                        out, err = child.communicate(timeout=WATCH_S)
                        return subprocess.CompletedProcess(command, child.returncode, out, err)
            finally:
                child.kill()
        words = NOT_ENDED.format(command=" ".join(arguments[:2]), seconds=int(PATIENCE_S))
        return subprocess.CompletedProcess(command, ENDED, "", words)


def set_up(folder: Path, console: Console, language: str, stack: ExitStack, stopping: Callable[[], bool]) -> Running:
    """Start services and both nodes; everything ends with `stack`."""
    configs = {node: folder / f"{node}.toml" for node in ("us", "mx")}
    state = Path(load_settings(configs["us"], {}).node.state_dir)
    shutil.rmtree(state, ignore_errors=True)  # every demo tells the same story; what was fetched is kept elsewhere
    state.mkdir(parents=True)
    kafka_jars(console=console, language=language)
    nodes = {}
    for node, config in configs.items():
        console.print(STARTING.format(node=node).in_(language))
        variables = neighbours.settle(state / node)
        told = load_settings(config, variables)
        services = launch.start_services(told, console, language, stack, jvm=JVM)
        variables |= {CONFIG_VARIABLE: str(config.absolute())}
        environment = launch.prepare(told, services, os.environ | variables)
        fleet = Fleet(told.state_dir / "run", environment)
        fleet.start((*MEMBERS, *AT_THE_BORDER))
        stack.callback(fleet.stop)
        nodes[node] = Node(told, fleet, environment, main.grants(folder / f"{node}-grants.toml"))
    running = Running(nodes, stopping)
    for one in nodes.values():
        _wait_until_ready(one, running)
    return running


def _wait_until_ready(node: Node, running: Running) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        running.keep()
        try:
            if (
                httpx.get(node.health, timeout=2).status_code == 200
                and httpx.get(f"{node.url}/openapi.json").is_success
            ):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise Unavailable(NOT_READY.format(node=node.id, logs=node.fleet.folder))


def enrol(nodes: Mapping[str, Node], cast: Sequence[Player]) -> None:
    """
    Enrol every player at its node, with a client key of its own, and put the node's grants in force.

    By the database, which the demo has started a moment ago and owns: on a node that others rely on, people do this
    through the API, one proposing and another one confirming.
    """
    for node in nodes.values():
        with connect(node.environment["PUENTE_DATABASE_URL"], name="puente-demo") as conn:
            for player in cast:
                if player.node != node.id:
                    continue
                agencies.enrol(conn, player.agency)
                credential = Credential(
                    client_id=player.agency.id,
                    agency=player.agency.id,
                    public_key_pem=signing.public_pem(keys.client_key(node.client_key(player.agency.id))),
                    scopes=frozenset(SCOPES),
                    jurisdictions=ANYWHERE,
                )
                if agencies.credential(conn, credential.client_id) != credential:
                    agencies.give_credential(conn, credential)
            grants.replace_imported(conn, node.grants.grants, bytes.fromhex(node.grants.digest))
