"""
What a person at an agency does from a terminal: get a token, publish an event, follow the feed.

Exit statuses: 0 fine; 1 the gateway refused; 2 the profile or the call cannot be used; 4 no answer, try again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.text import Text as Rich

from connectors import profile as profiles
from connectors.client import Gateway, GatewayError, Refused
from connectors.config import ConfigError
from connectors.spoken import LANG, say
from connectors.tokens import NoToken, TokenSource, Wanted
from schemas.fields import printable
from schemas.texts import Text

REFUSED, UNUSABLE, UNAVAILABLE = 1, 2, 4
POLL_S = 2.0
LONGEST_POLL_S = 30.0
MAX_EVENT_BYTES = 1_000_000  # the gateway's own limit is stricter and gives the better message

NEW = Text("committed", "registrado")
KNOWN = Text("was there already", "ya existía")
GONE = Text("Connection lost, trying again: {why}", "Conexión perdida, se intenta de nuevo: {why}")
TOO_LARGE = Text("{name}: more than 1 MB, not sent", "{name}: pasa de 1 MB, no se envió")
WITHHELD = Text("(no content for you)", "(sin contenido para usted)")

Command = TypeVar("Command", bound=Callable[..., Any])


def with_profile(command: Command) -> Command:
    """``--as PROFILE.toml``, or the environment variable PUENTE_PROFILE."""
    return click.option(
        "--as",
        "profile",
        envvar="PUENTE_PROFILE",
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=say("The agency's profile (or PUENTE_PROFILE).", "El perfil de la agencia (o PUENTE_PROFILE)."),
    )(command)


@click.command(
    help=say(
        """Print an access token of this agency.

        \b
        puente token --as sdpd.toml
        curl -H "Authorization: Bearer $(puente token --as sdpd.toml)" https://us.example.org/v1/me
        puente token --as sdpd.toml --scope feed:read --jurisdiction US-CA:06073
        puente token --as sdpd.toml --kafka        for the broker instead of the gateway""",
        """Imprime un token de acceso de esta agencia.

        \b
        puente token --as fge.toml
        curl -H "Authorization: Bearer $(puente token --as fge.toml)" https://mx.example.org/v1/me
        puente token --as fge.toml --scope feed:read --jurisdiction MX-BCN:02004
        puente token --as fge.toml --kafka         para el broker en lugar de la puerta de enlace""",
    )
)
@with_profile
@click.option("--kafka", is_flag=True, help=say("For the node's Kafka.", "Para el Kafka del nodo."))
@click.option("--scope", default="", help=say("Narrow to these scopes.", "Restringe a estos alcances."))
@click.option("--jurisdiction", multiple=True, help=say("Narrow to these places.", "Restringe a estos lugares."))
@click.option("--json", "as_json", is_flag=True, help=say("With its life and scope.", "Con su vigencia y alcance."))
def token(profile: Path, kafka: bool, scope: str, jurisdiction: tuple[str, ...], as_json: bool) -> None:
    """``puente token``"""
    with told():
        who = profiles.load(profile)
        source = TokenSource(who.kafka_identity() if kafka else who.identity, language=LANG)
        got = source.token(Wanted(scope=scope, jurisdictions=jurisdiction))
        content = {"access_token": got.value, "expires_in": got.life_s, "scope": got.scope}
        click.echo(json.dumps(content) if as_json else got.value)


@click.command(
    help=say(
        """Publish events: one JSON object per file, or one per line in .jsonl and .ndjson; - reads standard input.

        \b
        puente publish alert.json --as sdpd.toml
        jq -c '.[]' events.json | puente publish - --as sdpd.toml

        Safe to repeat: the hub knows each event by its id. Exit: 0 all committed, 1 some refused, 4 no answer.""",
        """Publica eventos: un objeto JSON por archivo, o uno por línea en .jsonl y .ndjson; - lee la entrada estándar.

        \b
        puente publish alerta.json --as fge.toml
        jq -c '.[]' eventos.json | puente publish - --as fge.toml

        Se puede repetir: el hub reconoce cada evento por su id. Salida: 0 todo registrado, 1 algo rechazado,
        4 sin respuesta.""",
    )
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@with_profile
def publish(files: tuple[str, ...], profile: Path) -> None:
    """``puente publish``"""
    refused = False
    with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
        for name, raw in _events(files):
            try:
                done = gateway.publish(raw)
            except Refused as problem:
                refused = True
                _explain(name, problem)
            else:
                click.echo(f"{name}: {done.id} {(KNOWN if done.already else NEW).in_(LANG)}")
    sys.exit(REFUSED if refused else 0)


@click.command(
    help=say(
        """Follow the feed of this agency; the cursor to go on from is printed at the end.

        \b
        puente tail --as shelter.toml
        puente tail --as shelter.toml --once --json > events.jsonl
        puente tail --as shelter.toml --after CURSOR""",
        """Sigue los eventos de esta agencia; al final imprime el cursor para continuar.

        \b
        puente tail --as albergue.toml
        puente tail --as albergue.toml --once --json > eventos.jsonl
        puente tail --as albergue.toml --after CURSOR""",
    )
)
@with_profile
@click.option("--json", "as_json", is_flag=True, help=say("One JSON object per line.", "Un objeto JSON por línea."))
@click.option("--after", help=say("Go on after this cursor.", "Continúa después de este cursor."))
@click.option("--once", is_flag=True, help=say("Stop when there is no more.", "Termina cuando no haya más."))
def tail(profile: Path, as_json: bool, after: str | None, once: bool) -> None:
    """``puente tail``"""
    console = Console()
    cursor = after
    try:
        with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
            for entries, reached in pages(gateway, after, once=once):
                cursor = reached
                for entry in entries:
                    if as_json:
                        click.echo(json.dumps(entry, ensure_ascii=False))
                    else:
                        console.print(line(entry, LANG), soft_wrap=True)
    except KeyboardInterrupt:
        pass
    finally:
        if cursor:
            click.echo(f"--after {cursor}", err=True)


def pages(gateway: Gateway, after: str | None, *, once: bool) -> Iterator[tuple[tuple[Mapping[str, Any], ...], str]]:
    """
    Each page with the cursor after it; waits where the feed ends, ever longer while nothing comes or nobody answers.

    Raises:
        GatewayError, NoToken: refused, or nobody answers and ``once`` is set.
    """
    wait_s = POLL_S
    while True:
        try:
            page = gateway.feed(after)
        except (GatewayError, NoToken) as error:
            if once or isinstance(error, Refused) or (isinstance(error, NoToken) and not error.transient):
                raise
            click.echo(GONE.format(why=error.text).in_(LANG), err=True)
        else:
            after = page.next
            yield page.events, page.next
            if page.more:
                continue
            if once:
                return
            wait_s = POLL_S if page.events else wait_s
        time.sleep(wait_s)
        wait_s = min(wait_s * 1.5, LONGEST_POLL_S)


def line(entry: Mapping[str, Any], language: str) -> Rich:
    """One entry of the feed for a person: when, what, from whom, where, and its headline if there is one."""
    event = entry.get("event") or {}
    headline = (event.get("data") or {}).get("headline") or {}
    said = headline.get(language) or headline.get("en") or headline.get("es") or ""
    if "data" not in event:
        said = WITHHELD.in_(language)
    told = Rich()
    told.append(printable(str(event.get("time", ""))), style="dim")
    told.append(f" {printable(str(event.get('type', '')))}", style="bold")
    places = ",".join(map(str, event.get("jurisdictions", ())))
    told.append(printable(f" {event.get('source', '')} {places} {event.get('subject', '')}"))
    told.append(f" [{entry.get('projection', '')}] ", style="dim")
    told.append(printable(said))
    told.append(f" {entry.get('id', '')}", style="dim")
    return told


def _events(files: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for name in files:
        by_line = name == "-" or Path(name).suffix in (".jsonl", ".ndjson")
        with click.open_file(name, "rb") as file:
            if not by_line:
                raw = file.read(MAX_EVENT_BYTES + 1)
                yield from _sized(name, raw)
                continue
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    yield from _sized(f"{name}:{number}", raw)


def _sized(name: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    if len(raw) > MAX_EVENT_BYTES:
        _fail(TOO_LARGE.format(name=name), UNUSABLE)
    yield name, raw


def _explain(name: str, problem: Refused) -> None:
    said = ". ".join(filter(None, (problem.text.in_(LANG), problem.detail)))
    click.echo(printable(f"{name}: {said}" if name else said), err=True)
    for one in problem.errors:
        said = f"  {one.get('path', '')} [{one.get('code', '')}] {one.get('detail', '')}"
        click.echo(printable(said), err=True)


@contextmanager
def told() -> Iterator[None]:
    """Every failure as one line and an exit status."""
    try:
        yield
    except ConfigError as error:
        for flaw in error.flaws:
            click.echo(f"{flaw.path}: {flaw.text.in_(LANG)}", err=True)
        sys.exit(UNUSABLE)
    except NoToken as error:
        _fail(error.text, UNAVAILABLE if error.transient else REFUSED)
    except Refused as error:
        _explain("", error)
        sys.exit(REFUSED)
    except GatewayError as error:
        _fail(error.text, UNAVAILABLE)


def _fail(text: Text, status: int) -> NoReturn:
    click.echo(printable(text.in_(LANG)), err=True)
    sys.exit(status)


__all__ = ["publish", "tail", "token"]
