"""
The commands of an agency's machine: ``puente connector`` here, and beside it token, publish, ack and tail.

Exit statuses of ``connector``: 0 fine; 1 something was refused; 2 the configuration or the call cannot be used;
3 a source could not be read, wholly or in part; 4 the broker has not acknowledged; 5 the state folder cannot be used;
70 the Kafka client died or this program failed, and only a new process helps.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.text import Text as Rich

from connectors import check as dry_run
from connectors import config as configs
from connectors import status as statuses
from connectors.ack_cli import ack
from connectors.agency_cli import publish, tail, token
from connectors.config import Config, ConfigError
from connectors.credentials import KafkaToken
from connectors.event_cli import note, recall, relabel
from connectors.journal import Journal, JournalError
from connectors.publisher import Publisher, Stuck
from connectors.runner import Runner, place_of
from connectors.spoken import LANG, say
from connectors.status import Status
from connectors.stopping import Stop
from connectors.tokens import NoToken, TokenSource
from schemas import wire
from schemas.flaws import Flaw
from schemas.texts import Text

REFUSED, UNUSABLE, UNKNOWN, UNPUBLISHED, NO_STATE, DEAD = 1, 2, 3, 4, 5, 70
SILENT_AFTER_S = 120.0  # without an attempt, a connector is taken to be down

NEVER_RAN = Text("This connector has never run here.", "Este conector nunca se ha ejecutado aquí.")
SILENT = Text("silent (is it running?)", "en silencio (¿está en marcha?)")

FAULT = Text(
    "This program failed ({place}); please report it. Nothing is lost: start it again.",
    "Este programa falló ({place}); por favor repórtelo. Nada se ha perdido: inícielo de nuevo.",
)

CONFIG = click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help=say("Replace one value of the file.", "Reemplaza un valor del archivo."),
)


@click.group(help=say("Turn a source into events and publish them.", "Convierte una fuente en eventos y los publica."))
def connector() -> None:
    """``puente connector``"""


@connector.command(
    "run",
    help=say(
        """Read the source, publish what is new, and go on until stopped.

        \b
        puente connector run config/connectors/table-us-ca-sdpd.toml
        puente connector run CONFIG --once          one reading, then exit
        puente connector run CONFIG --set kafka.bootstrap='["broker.example:9093"]'

        Exit: 0 fine, 1 something refused, 2 bad configuration, 3 source unknown, 4 not acknowledged,
        5 state folder unusable, 70 restart me.""",
        """Lee la fuente, publica lo nuevo y sigue hasta que se le detenga.

        \b
        puente connector run config/connectors/table-mx-bcn-fge.toml
        puente connector run CONFIG --once          una lectura y termina
        puente connector run CONFIG --set kafka.bootstrap='["broker.example:9093"]'

        Salida: 0 bien, 1 algo rechazado, 2 configuración inválida, 3 fuente desconocida, 4 sin confirmación,
        5 carpeta de estado inutilizable, 70 reinícieme.""",
    ),
)
@CONFIG
@click.option("--once", is_flag=True, help=say("Read once and exit.", "Lee una vez y termina."))
@SET
def run(config: Path, once: bool, overrides: tuple[str, ...]) -> None:
    """``puente connector run``"""
    _log_to_stderr()
    settings = _loaded(config, overrides)
    stop = Stop()
    stop.on_signals()
    try:
        sys.exit(_run(settings, stop, once=once))
    except (JournalError, OSError) as error:
        _fail(error.text if isinstance(error, JournalError) else str(error.strerror), NO_STATE)
    except NoToken as error:
        _fail(error.text, UNUSABLE)
    except Stuck as error:
        _fail(error, DEAD)
    except Exception as error:  # the interpreter would exit with 1, which here means that something was refused
        _fail(FAULT.format(place=place_of(error)), DEAD)


def _run(settings: Config, stop: Stop, *, once: bool) -> int:
    kafka, oauth = _publishing(settings)
    topic = wire.in_topic(settings.agency, kafka.topic_prefix)
    tokens = TokenSource(oauth, language=LANG)
    credential = KafkaToken(tokens)
    publisher = Publisher(kafka, topic, credential, stop=stop)
    try:
        with Journal(settings.state_dir, settings.name) as journal:
            runner = Runner(settings, configs.open_source(settings), journal, publisher, topic)
            credential.keep()
            if once:
                return exit_status(runner.once(stop))
            runner.run(stop)
            return 0
    finally:
        publisher.close()
        credential.close()
        tokens.close()


def exit_status(status: Status) -> int:
    """What ``run --once`` tells its caller; the worst wins."""
    if status.state == "unpublished":
        return UNPUBLISHED
    if status.state == "unknown":
        return UNKNOWN
    return REFUSED if status.tally.refused or status.tally.set_aside else 0


@connector.command(
    "check",
    help=say(
        """Show what would be published and what would be refused, without publishing.

        \b
        puente connector check config/connectors/table-us-ca-sdpd.toml
        puente connector check CONFIG new-sheet.xlsx other.csv
        puente connector check CONFIG --json | jq .

        Exit: 0 everything would be published, 1 something would not, 2 bad configuration.""",
        """Muestra qué se publicaría y qué se rechazaría, sin publicar.

        \b
        puente connector check config/connectors/table-mx-bcn-fge.toml
        puente connector check CONFIG hoja-nueva.xlsx otra.csv
        puente connector check CONFIG --json | jq .

        Salida: 0 todo se publicaría, 1 algo no, 2 configuración inválida.""",
    ),
)
@CONFIG
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help=say("One JSON object per line.", "Un objeto JSON por línea."))
@SET
def check(config: Path, files: tuple[Path, ...], as_json: bool, overrides: tuple[str, ...]) -> None:
    """``puente connector check``"""
    settings = _loaded(config, overrides)
    try:
        source = configs.open_source(settings, files)
    except ConfigError as error:
        _refuse(error.flaws)
    if as_json:
        summary = dry_run.as_lines(settings, source, sys.stdout)
    else:
        summary = dry_run.as_text(settings, source, Console(), LANG)
    sys.exit(0 if summary.is_fine else REFUSED)


@connector.command(
    "status",
    help=say(
        """Say how a connector is doing: last success, lag, class of error.

        \b
        puente connector status config/connectors/table-us-ca-sdpd.toml
        puente connector status CONFIG --json

        Exit: 0 ok, 1 it never ran here, 3 unknown or silent, 4 not acknowledged.""",
        """Dice cómo está un conector: último éxito, retraso, clase de error.

        \b
        puente connector status config/connectors/table-mx-bcn-fge.toml
        puente connector status CONFIG --json

        Salida: 0 bien, 1 nunca se ejecutó aquí, 3 desconocido o en silencio, 4 sin confirmación.""",
    ),
)
@CONFIG
@click.option("--json", "as_json", is_flag=True, help=say("As one JSON object.", "Como un objeto JSON."))
@SET
def status(config: Path, as_json: bool, overrides: tuple[str, ...]) -> None:
    """``puente connector status``"""
    settings = _loaded(config, overrides)
    content = statuses.read(settings.state_dir)
    if content is None:
        _fail(NEVER_RAN, REFUSED)
    now = datetime.now(UTC)
    content["lag_s"] = _age_s(content.get("last_success"), now)
    age_s = _age_s(content.get("last_attempt"), now)
    silent = content["state"] != "stopped" and (age_s is None or age_s > max(SILENT_AFTER_S, 3 * settings.poll_s))
    content["silent"] = silent
    if as_json:
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        _show(content)
    states = {"unknown": UNKNOWN, "unpublished": UNPUBLISHED}
    sys.exit(UNKNOWN if silent else states.get(content["state"], 0))


def _show(content: dict[str, Any]) -> None:
    console = Console()
    good = content["state"] == "ok" and not content["silent"]
    state = SILENT.in_(LANG) if content["silent"] else content["state"]
    console.print(Rich(f"{content['connector']}: {state}", style="green" if good else "red"))
    for name in ("agency", "topic", "last_attempt", "last_success", "lag_s"):
        console.print(Rich(f"  {name}: {content[name]}"))
    for name in ("tally", "totals"):
        console.print(Rich(f"  {name}: " + ", ".join(f"{key} {count}" for key, count in content[name].items())))
    fault = content["fault"]
    if fault:
        console.print(
            Rich(f"  {fault['where']} [{fault['code']}] {fault['text'][LANG]} ({fault['since']})", style="red")
        )


def _age_s(at: str | None, now: datetime) -> float | None:
    return round((now - datetime.fromisoformat(at)).total_seconds(), 1) if at else None


def _loaded(path: Path, overrides: tuple[str, ...]) -> Config:
    try:
        return configs.load(path, overrides)
    except ConfigError as error:
        _refuse(error.flaws)


def _publishing(settings: Config) -> tuple[configs.KafkaSettings, configs.Identity]:
    try:
        return configs.publishing(settings)
    except ConfigError as error:
        _refuse(error.flaws)


def _refuse(flaws: tuple[Flaw, ...]) -> NoReturn:
    for flaw in flaws:
        click.echo(f"{flaw.path}: {flaw.text.in_(LANG)}", err=True)
    sys.exit(UNUSABLE)


def _fail(why: object, status: int) -> NoReturn:
    click.echo(why.in_(LANG) if isinstance(why, Text) else str(why), err=True)
    sys.exit(status)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for name in ("kafka", "httpx", "httpcore"):  # their ordinary lines say nothing to an operator
        logging.getLogger(name).setLevel(logging.WARNING)


__all__ = ["ack", "connector", "note", "publish", "recall", "relabel", "tail", "token"]
