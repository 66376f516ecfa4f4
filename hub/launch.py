"""Start what a node needs and keep it running: embedded services, gateway processes, workers."""

from __future__ import annotations

import json
import os
import shutil
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols

from hub import keys, main, main_border, main_live
from hub.embedded import kafka, postgres
from hub.embedded.errors import PortInUse
from hub.embedded.install import kafka_jars
from hub.fleet import AT_THE_BORDER, BY_MAIL, MEMBERS, Fleet
from hub.settings import Settings, SettingsError, is_loopback
from hub.store import answers
from hub.store.migrate import migrate
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
ENDING_S = 4  # a worker that has not ended by then is killed; without a limit its parent would wait for good


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the database and the broker of a node are."""

    database_url: str
    bootstrap: str


def up(told: Settings, console: Console, language: str, stopping: Callable[[], bool]) -> None:
    """Run a whole node until told to stop."""
    with ExitStack() as stack:
        services = start_services(told, console, language, stack)
        environment = prepare(told, services, os.environ)
        fleet = Fleet(told.state_dir / "run", environment)
        further = (AT_THE_BORDER if told.border.url else ()) + (BY_MAIL if told.mail.smtp_host else ())
        fleet.start((*MEMBERS, *further))
        stack.callback(fleet.stop)
        ready = Text("Node {node}: {url}/docs   health: {health}", "Nodo {node}: {url}/docs   salud: {health}")
        port, management = environment["PUENTE_GATEWAY_PORT"], environment["PUENTE_GATEWAY_MANAGEMENT_PORT"]
        url = f"{'https' if told.gateway.certificate_file else 'http'}://{told.gateway.host}:{port}"
        health = f"http://{told.gateway.management_host}:{management}/health/ready"
        console.print(ready.format(node=told.node.id, url=url, health=health).in_(language))
        fleet.keep(stopping)


def start_services(
    told: Settings, console: Console, language: str, stack: ExitStack, *, jvm: Sequence[str] = kafka.JVM
) -> Services:
    """Configured services as they are; embedded ones where none are configured, ended with `stack`."""
    url, bootstrap = told.database.url, told.kafka.bootstrap
    if not url:
        server = postgres.start(told.state_dir)
        stack.callback(server.stop)
        url = database(server, told.node.id)
    if not bootstrap:
        jars = kafka_jars(console=console, language=language)
        broker = kafka.start(told.state_dir, [broker_node(told)], jars=jars, jvm=jvm)
        stack.callback(broker.stop)
        bootstrap = broker.bootstrap(told.node.id)
    return Services(database_url=url, bootstrap=bootstrap)


def database(server: postgres.RunningPostgres, node: str) -> str:
    """The URL of the node's own database, made if it is not there."""
    name = f"puente_{node}"
    return server.url(name) if name in server.databases() else server.create_database(name)


@contextmanager
def own_database(config: Path | None) -> Iterator[str]:
    """The node's database: the configured one, the running node's, or the embedded server's, up for so long."""
    told = main.configured(config)
    running = told.database.url or main.settings(config).database.url
    if told.database.url or (running and answers(running)):
        yield running
        return
    server = postgres.start(told.state_dir)
    try:
        yield database(server, told.node.id)
    finally:
        server.stop()


def broker_node(told: Settings) -> kafka.KafkaNode:
    """What the embedded broker must know of a node."""
    main.issuer(told)  # writes jwks.json
    return kafka.KafkaNode(
        id=told.node.id,
        issuer=told.node.issuer,
        audience=f"{told.node.id}/kafka",
        jwks_file=told.state_dir / "jwks.json",
    )


def prepare(told: Settings, services: Services, environment: Mapping[str, str]) -> dict[str, str]:
    """Migrate, settle the ports, and give the environment that the node's processes are started with."""
    migrate(services.database_url)
    metrics = told.state_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    gateway = told.gateway
    settled = {
        "PUENTE_DATABASE_URL": services.database_url,
        "PUENTE_KAFKA_BOOTSTRAP": services.bootstrap,
        "PUENTE_GATEWAY_PORT": str(free_port(gateway.host, gateway.port)),
        "PUENTE_GATEWAY_MANAGEMENT_PORT": str(free_port(gateway.management_host, gateway.management_port)),
    }
    stream = replace(told.stream, port=free_port(told.stream.host, told.stream.port))
    settled |= {
        "PUENTE_STREAM_PORT": str(stream.port),
        "PUENTE_STREAM_URL": replace(told, stream=stream).stream_url,
    }
    if told.border.url:
        main_border.own_anchor(
            told, main_border.signer(told).held(), main.now()
        )  # its first key, and no surprise later
        settled["PUENTE_BORDER_PORT"] = str(free_port(told.border.host, told.border.port))
    keys.write(main.running_file(told), json.dumps(settled).encode(), mode=0o600)
    return {**environment, **settled, METRICS_VARIABLE: str(metrics.absolute())}


def free_port(host: str, port: int) -> int:
    """
    `port`, or any free one for 0.

    Raises:
        PortInUse: another program listens there.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(port) from error
        return int(probe.getsockname()[1])


def serve_gateway(told: Settings) -> None:
    """Serve the API until told to stop; refuses to leave loopback without TLS."""
    gateway = told.gateway
    _require_tls(gateway.host, gateway.certificate_file)
    os.environ.setdefault(METRICS_VARIABLE, str((told.state_dir / "metrics").absolute()))
    Granian(
        "hub.main:gateway_app",
        factory=True,
        address=gateway.host,
        port=gateway.port,
        interface=Interfaces.WSGI,
        workers=gateway.processes,
        blocking_threads=gateway.threads,
        respawn_failed_workers=True,
        workers_kill_timeout=ENDING_S,
        ssl_cert=_file(told, gateway.certificate_file),
        ssl_key=_file(told, gateway.key_file),
        log_access=False,
    ).serve()


def serve_stream(told: Settings) -> None:
    """Serve streams and long polls until told to stop; refuses to leave loopback without TLS."""
    _require_tls(told.stream.host, told.stream.certificate_file)
    os.environ.setdefault(METRICS_VARIABLE, str((told.state_dir / "metrics").absolute()))
    main_live.run_stream(told)


def serve_management(told: Settings) -> None:
    """Serve health and metrics until told to stop."""
    gateway = told.gateway
    _require_tls(gateway.management_host, "")
    os.environ.setdefault(METRICS_VARIABLE, str((told.state_dir / "metrics").absolute()))
    Granian(
        "hub.main_management:management_app",
        factory=True,
        address=gateway.management_host,
        port=gateway.management_port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=2,
        workers_kill_timeout=ENDING_S,
        log_access=False,
    ).serve()


def serve_checkpoint(told: Settings) -> None:
    """Take the other node's batches until told to stop; with TLS or not at all."""
    main_border.require_border(told)
    border = told.border
    os.environ.setdefault(METRICS_VARIABLE, str((told.state_dir / "metrics").absolute()))
    Granian(
        "hub.main_border:checkpoint_app",
        factory=True,
        address=border.host,
        port=border.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=1,
        blocking_threads=main_border.THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=ENDING_S,
        ssl_cert=told.file(border.certificate_file),
        ssl_key=told.file(border.key_file),
        ssl_protocol_min=SSLProtocols.tls13,
        ssl_ca=_file(told, border.client_authority_file),
        ssl_client_verify=bool(border.client_authority_file),
        log_access=False,
    ).serve()


def _require_tls(host: str, certificate: str) -> None:
    if not certificate and not is_loopback(host):
        text = Text("{host} is not loopback: TLS is required", "{host} no es loopback: se requiere TLS")
        raise SettingsError([text.format(host=host)])


def _file(told: Settings, name: str) -> Path | None:
    return told.file(name) if name else None
