"""A whole node for one figure: the product's own processes on a database and under a topic prefix of their own."""

from __future__ import annotations

import os
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kafka.admin import KafkaAdminClient

from hub import launch, main
from hub.directory import Agency, Kind, publishing
from hub.embedded import kafka, postgres
from hub.embedded.install import kafka_jars
from hub.fleet import Fleet
from hub.grant_rows import load_grants
from hub.principal import ANYWHERE, SCOPES
from hub.settings import Settings, load_settings
from hub.store import Connection, access, agencies, connect
from hub.store import grants as stored_grants
from hub.workers import reconciler
from hub.workers.access import Care, look
from tests.benchmark import samples
from tests.benchmark.load import Connection as HttpConnection
from tests.benchmark.load import request

NODE = "us"
READER = "us-ca-chp"
READY_S = 30.0
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

[rates]                 # never what is measured
reads_per_s = 1e6
publishes_per_s = 1e6
urgent_per_s = 1e6
tokens_per_s = 1e6
"""
GRANT = """
[[grant]]
id = "{id}"
source = {{ agency = "{source}" }}
reader = {{ agency = "{reader}" }}
types = [{types}]
jurisdictions = ["{jurisdiction}"]
purpose = "locate-child"
max_tlp = "amber+strict"
clearance = "enforcement"
valid_from = 2020-01-01T00:00:00Z
valid_until = 2040-01-01T00:00:00Z
"""


def grant(number: int, *, source: str, reader: str, types: Sequence[str], jurisdiction: str = "US") -> str:
    """One grant of a grants file."""
    quoted = ", ".join(f'"{one}"' for one in types)
    return GRANT.format(id=f"grant-{number}", source=source, reader=reader, types=quoted, jurisdiction=jurisdiction)


def usual_grants() -> str:
    """Twenty grants, of which one opens the publisher's alerts to the reader."""
    others = (grant(n, source=f"us-ca-other{n}", reader=READER, types=["alert.*"]) for n in range(1, 20))
    return "".join([*others, grant(0, source=samples.PUBLISHER, reader=READER, types=["alert.*"])])


def police(agency_id: str, **told: object) -> Agency:
    """A law-enforcement agency of the whole country that may publish everything."""
    made: dict[str, object] = {
        "name": f"{agency_id} (benchmark)",
        "kind": Kind.LAW_ENFORCEMENT,
        "country": "US",
        "jurisdictions": ("US",),
    }
    made |= told
    return Agency(id=agency_id, publishes=publishing(("*",), made["jurisdictions"]), **made)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The services that all figures share."""

    folder: Path
    server: postgres.RunningPostgres
    broker: kafka.RunningKafka
    config: Path

    def settings(self, environment: Mapping[str, str]) -> Settings:
        """The node's settings under these variables."""
        return load_settings(self.config, environment)

    def allow_bulk(self) -> None:
        """Let gigabytes be loaded without a checkpoint after each one."""
        with connect(self.server.url("postgres"), name="benchmark") as conn:
            conn.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
            conn.execute("SELECT pg_reload_conf()")


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """PostgreSQL, durable, and Kafka; ended with the block."""
    config = folder / "config" / "hub.toml"
    config.parent.mkdir()
    config.write_text(HUB_TOML.format(state=folder))
    shutil.copy(LIMITS, config.with_name("limits.toml"))
    shutil.copy(ESCALATION, config.with_name("escalation.toml"))
    told = load_settings(config, {})
    with ExitStack() as stack:
        server = postgres.start(folder)
        stack.callback(server.stop)
        broker = kafka.start(folder, [launch.broker_node(told)], jars=kafka_jars())
        stack.callback(broker.stop)
        yield Stage(folder=folder, server=server, broker=broker, config=config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A running node; `environment` is what its processes were started with."""

    told: Settings
    environment: Mapping[str, str]
    fleet: Fleet

    @property
    def port(self) -> int:
        """The gateway's."""
        return int(self.environment["PUENTE_GATEWAY_PORT"])

    def token(self, agency: str, audience: str = "") -> str:
        """An access token of `agency`, from the node's own issuer; for its API, unless told otherwise."""
        claims = {
            "client_id": f"{agency}.main",
            "agency": agency,
            "jurisdictions": list(ANYWHERE),
            "scope": " ".join(SCOPES),
            "epoch": 1,
        }
        return main.issuer(self.told).issue(
            claims, audience=audience or f"{self.told.node.id}/api", ttl_s=300, at=datetime.now(UTC)
        )

    def headers(self, agency: str) -> dict[str, str]:
        """What a request of `agency` carries."""
        return {"Authorization": f"Bearer {self.token(agency)}", "Content-Type": "application/json"}

    def database(self) -> AbstractContextManager[Connection]:
        """A connection to the node's database."""
        return connect(self.told.database.url, name="benchmark")


@contextmanager
def running(
    stage: Stage,
    name: str,
    processes: Sequence[str],
    *,
    grants: str = "",
    members: Sequence[Agency] = (),
    url: str = "",
    **settings: object,
) -> Iterator[Node]:
    """
    A node with these processes and agencies, ended with the block.

    `settings` are variables like `gateway_token_cache=0`; `url` names a database that is there already.
    """
    written = grants or usual_grants()
    variables = {f"PUENTE_{key.upper()}": str(value) for key, value in settings.items()}
    variables |= {"PUENTE_CONFIG": str(stage.config), "PUENTE_KAFKA_TOPIC_PREFIX": f"{name}."}
    services = launch.Services(
        database_url=url or stage.server.create_database(f"bench_{name}"), bootstrap=stage.broker.bootstrap(NODE)
    )
    environment = launch.prepare(stage.settings(variables), services, {**os.environ, **variables})
    node = Node(
        told=stage.settings(environment),
        environment=environment,
        fleet=Fleet(stage.folder / f"run-{name}", environment),
    )
    with node.database() as conn:
        for agency in members or (police(samples.PUBLISHER), police(READER)):
            agencies.enrol(conn, agency)
        held = load_grants(tomllib.loads(written), written.encode())
        stored_grants.replace_imported(conn, held.grants, bytes.fromhex(held.digest))
        if {"relay", "ingest", "sender"} & set(processes):
            follow_directory(node, conn)
    node.fleet.start(processes)
    try:
        _wait_until_ready(node, processes)
        yield node
    finally:
        node.fleet.stop()


def follow_directory(node: Node, conn: Connection) -> None:
    """Make topics and rules, as the reconciler would: it need not run where it is not measured."""
    told, kafka = node.told, main.kafka_settings(node.told)
    worker = reconciler.Reconciler(
        database_url=told.database.url, kafka=kafka, node=NODE, prefix=told.kafka.topic_prefix
    )
    wanted = reconciler.wanted_by(access.enrolled(conn), worker)
    with KafkaAdminClient(**kafka) as admin:
        until(lambda: look(admin, wanted, Care()), what="the broker follows the directory", wait_s=120)


def _wait_until_ready(node: Node, processes: Sequence[str]) -> None:
    with node.database() as conn:
        for name in {"sequencer", "reconciler", "relay"} & set(processes):
            until(lambda name=name: _leads(conn, name), what=f"{name} leads")  # type: ignore[misc]
    if "gateway" in processes:
        until(lambda: answers(node.port), what="the gateway answers")


def _leads(conn: Connection, name: str) -> bool:
    row = conn.execute("SELECT until > clock_timestamp() FROM lease WHERE name = %s", (name,)).fetchone()
    return bool(row and row[0])


def answers(port: int) -> bool:
    """Whether a gateway serves there."""
    try:
        connection = HttpConnection(port)
    except OSError:
        return False
    try:
        return connection.ask(request("GET", "/.well-known/jwks.json", {})).status == 200
    except OSError:
        return False
    finally:
        connection.close()


def until(holds: Callable[[], bool], *, what: str, wait_s: float = READY_S, pause_s: float = 0.02) -> float:
    """
    Seconds until `holds()`.

    Raises:
        TimeoutError: it did not within `wait_s`; `what` names it.
    """
    began = time.perf_counter()
    while not holds():
        if time.perf_counter() - began > wait_s:
            raise TimeoutError(f"not within {wait_s} s: {what}")
        time.sleep(pause_s)
    return time.perf_counter() - began
