"""Commands that run a node: all of it, or each process alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from hub import launch, main, main_border, main_delivery, main_mail, main_outflow, main_rules
from hub.cli.config import with_config
from hub.cli.language import LANGUAGE, say
from hub.settings import Settings
from hub.store.migrate import migrate as apply_migrations


def _told(config: Path | None) -> Settings:
    if config is not None:
        os.environ[main.CONFIG_VARIABLE] = str(config)
    return main.settings()


@click.command(
    help=say(
        "Run a whole node: embedded services where none are configured, migrations, every process.\n\n\b\n"
        "Example: puente up --config config/hub.toml",
        "Pone en marcha un nodo completo: servicios integrados donde no hay otros, migraciones y procesos.\n\n\b\n"
        "Ejemplo: puente up --config config/hub.toml",
    )
)
@with_config
def up(config: Path | None) -> None:
    """Stays until Ctrl-C and leaves no process behind."""
    main.log_to_stderr()
    if config is not None:
        os.environ[main.CONFIG_VARIABLE] = str(config)
    told = main.configured(config)  # not what the node settled when it ran last: its services are not there any more
    main.limits(told)  # a mistake in a file shows here, not in every log
    main_rules.ladders(told)
    launch.up(told, Console(stderr=True), LANGUAGE, main.until_told())


@click.command(help=say("Bring the database to the present layout.", "Lleva la base de datos al esquema actual."))
@with_config
def migrate(config: Path | None) -> None:
    """Needs `database.url`; `up` does it by itself."""
    for name in apply_migrations(main.database_url(_told(config))):
        click.echo(name)


@click.command(help=say("Serve the HTTP API alone.", "Sirve solo la API HTTP."))
@with_config
def gateway(config: Path | None) -> None:
    """Granian serves it (2.2 times gunicorn's rate here: docs/figures.md)."""
    launch.serve_gateway(_told(config))


@click.command(
    help=say(
        "Serve the checkpoint alone: where the other node's batches arrive.",
        "Sirve solo el puesto de control: adonde llegan los lotes del otro nodo.",
    )
)
@with_config
def checkpoint(config: Path | None) -> None:
    """With TLS, and only where a border is configured."""
    launch.serve_checkpoint(_told(config))


@click.command(
    help=say("Serve streams and long polls alone.", "Sirve solo los flujos de eventos y las consultas que esperan.")
)
@with_config
def stream(config: Path | None) -> None:
    """One process holds thousands of them."""
    main.log_to_stderr()
    launch.serve_stream(_told(config))


@click.command(help=say("Serve health and metrics alone.", "Sirve solo salud y métricas."))
@with_config
def management(config: Path | None) -> None:
    """On a port that agencies never reach."""
    launch.serve_management(_told(config))


def _worker(name: str, run: Callable[[Settings], None], about: str) -> click.Command:
    @click.command(name=name, help=about)
    @with_config
    def command(config: Path | None) -> None:
        main.log_to_stderr()
        run(_told(config))

    return command


ingest = _worker(
    "ingest", main.run_ingest, say("Run the Kafka ingest worker alone.", "Ejecuta solo la ingesta de Kafka.")
)
sequencer = _worker("sequencer", main.run_sequencer, say("Run the sequencer alone.", "Ejecuta solo el secuenciador."))
notary = _worker("notary", main.run_notary, say("Run the audit's notary alone.", "Ejecuta solo el notario."))
reconciler = _worker(
    "reconciler",
    main.run_reconciler,
    say(
        "Run the reconciler of broker rules and topics alone; a second one takes over within two seconds.",
        "Ejecuta solo el conciliador de reglas y temas de Kafka; un segundo lo releva en dos segundos.",
    ),
)
relay = _worker("relay", main.run_relay, say("Run the relay to Kafka alone.", "Ejecuta solo el relevo a Kafka."))
outflow = _worker(
    "outflow",
    main_outflow.run_outflow,
    say("Run the writer of agencies' own topics alone.", "Ejecuta solo la escritura de los temas de las agencias."),
)
border = _worker(
    "border",
    main_border.run_border,
    say("Run the worker that sends to the other node alone.", "Ejecuta solo el envío al otro nodo."),
)
dispatcher = _worker(
    "dispatcher",
    main_delivery.run_dispatcher,
    say("Run the worker that queues for subscriptions alone.", "Ejecuta solo la cola de las suscripciones."),
)
sender = _worker(
    "sender",
    main_delivery.run_sender,
    say(
        "Run one sender of webhooks alone; run as many as you like, on any machine.",
        "Ejecuta solo un envío de webhooks; puede haber varios, en cualquier máquina.",
    ),
)
mailer = _worker(
    "mailer",
    main_mail.run_mailer,
    say(
        "Run one sender of mails alone, where [mail] names a relay; a second one may run beside it.",
        "Ejecuta solo un envío de correos, si [mail] indica un relevo; puede haber otro a la vez.",
    ),
)
keeper = _worker(
    "keeper",
    main.run_keeper,
    say(
        "Call the next desk where nobody acknowledges, and warn of what ends soon.",
        "Llama a la siguiente mesa cuando nadie confirma y avisa de lo que termina pronto.",
    ),
)
