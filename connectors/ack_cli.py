"""``puente ack``: tell an event's originator what became of it here, and what this agency has yet to acknowledge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text as Rich

from connectors import profile as profiles
from connectors.admin.receipts import DUE, OVERDUE, Clock
from connectors.agency_cli import line, told, with_profile
from connectors.client import Gateway
from connectors.spoken import LANG, say
from schemas.ack import REASONS, STATES

MOST = "500"  # as many as the gateway gives


@click.command(
    help=say(
        """Tell the originator of EVENT (the hub's id) what became of it here; or list what has yet to be acknowledged,
        and until when, in this terminal's time zone.

        \b
        puente ack 019ec1f0-7c3a-7e55-8c1b-0242ac120002 acknowledged --as fge.toml
        puente ack 019ec1f0-7c3a-7e55-8c1b-0242ac120002 declined --reason not-ours --as fge.toml
        puente ack --due --as fge.toml""",
        """Informa al emisor de EVENT (id del hub) qué pasó con él aquí; o enumera lo que falta por confirmar y hasta
        cuándo, en la zona horaria de esta terminal.

        \b
        puente ack 019ec1f0-7c3a-7e55-8c1b-0242ac120002 acknowledged --as fge.toml
        puente ack 019ec1f0-7c3a-7e55-8c1b-0242ac120002 declined --reason not-ours --as fge.toml
        puente ack --due --as fge.toml""",
    )
)
@click.argument("event", required=False)
@click.argument("state", required=False, type=click.Choice(STATES))
@click.option("--reason", type=click.Choice(REASONS), help=say("Why it was declined.", "Por qué se rechazó."))
@click.option("--due", is_flag=True, help=say("List what waits for an answer.", "Enumera lo que espera respuesta."))
@click.option("--json", "as_json", is_flag=True, help=say("That as JSON lines.", "Eso como líneas JSON."))
@with_profile
def ack(event: str | None, state: str | None, reason: str | None, *, due: bool, as_json: bool, profile: Path) -> None:
    """``puente ack``"""
    if due:
        if event is not None or reason is not None:
            raise click.UsageError(say("--due takes no event", "--due no lleva evento"))
        _list(profile, as_json=as_json)
        return
    if event is None or state is None or as_json:
        raise click.UsageError(say("give EVENT and STATE, or --due", "dé EVENT y STATE, o --due"))
    if state == "declined" and reason is None:
        raise click.UsageError(say("declined needs --reason", "declined requiere --reason"))
    with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
        gateway.acknowledge(event, state, reason=reason)
    click.echo(f"{event}: {state}")


def _list(profile: Path, *, as_json: bool) -> None:
    with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
        found = gateway.ask("GET", "/v1/acks/due", query={"limit": MOST}).body["due"]
    console = Console()
    for entry in found:
        if as_json:
            click.echo(json.dumps(entry, ensure_ascii=False))
        else:
            console.print(waiting(entry, Clock(datetime.now(UTC), None), LANG), soft_wrap=True)


def waiting(entry: Mapping[str, Any], clock: Clock, language: str) -> Rich:
    """One event for a person: until when it is to be acknowledged, and what it is."""
    until = entry["ack_required_by"]
    is_late = datetime.fromisoformat(until) <= clock.now
    told_of = Rich((OVERDUE if is_late else DUE).format(at=clock.shows(until)).in_(language), style="bold")
    return told_of.append("  ").append_text(line(entry, language))


__all__ = ["ack"]
