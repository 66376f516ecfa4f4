"""What an agency's subscriptions are, what they have told, and what one would: what ``puente subscribe`` looks up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.admin.asking import as_json, at, every, gateway, show, tell
from connectors.admin.subscription_terms import wanted, with_filter
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "id": "id",
    "name": say("name", "nombre"),
    "channel": say("by", "por"),
    "state": say("state", "estado"),
    "seq": say("told", "avisos"),
}
WHOLE = {
    **COLUMNS,
    "reason": say("why", "por qué"),
    "told_at": say("last arrived", "último que llegó"),
    "failing_since": say("failing since", "falla desde"),
    "outcome": say("last outcome", "último resultado"),
    "address": say("address", "dirección"),
    "filter": say("filter", "filtro"),
    "language": say("language", "idioma"),
    "desk": say("desk", "puesto"),
    "quiet": say("quiet hours", "horas de silencio"),
    "digest_at": say("digest at", "resumen a las"),
    "created_by": say("made by", "hecha por"),
    "created_at": say("made at", "hecha el"),
    "public_key": say("public key", "clave pública"),
}
PAST = {
    "id": say("event", "evento"),
    "type": say("type", "tipo"),
    "subject": say("subject", "asunto"),
    "accepted_at": say("accepted", "aceptado"),
    "urgent": say("urgent", "urgente"),
}
DELIVERIES = {
    "no": "no.",
    "kind": say("what", "qué"),
    "seq": say("number", "número"),
    "event": say("event", "evento"),
    "state": say("state", "estado"),
    "tries": say("tries", "intentos"),
    "outcome": say("outcome", "resultado"),
    "ended_at": say("ended", "terminó"),
}


@click.command(
    "list",
    help=say(
        """List the agency's subscriptions, and how it goes with them.

        \b
        puente subscribe list --as cvpd.toml""",
        """Lista las suscripciones de la agencia y cómo les va.

        \b
        puente subscribe list --as fge.toml""",
    ),
)
@with_profile
@as_json
def list_(profile: Path, as_json: bool) -> None:
    """``puente subscribe list``"""
    with gateway(profile) as opened:
        found = list(every(opened, "/v1/subscriptions", "subscriptions"))
    show(found, COLUMNS, as_json=as_json)


@click.command(
    "show",
    help=say(
        """Show one subscription.

        \b
        puente subscribe show 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Muestra una suscripción.

        \b
        puente subscribe show 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    ),
)
@click.argument("subscription")
@with_profile
@as_json
def show_(subscription: str, profile: Path, as_json: bool) -> None:
    """``puente subscribe show``"""
    with gateway(profile) as opened:
        print_one(opened.ask("GET", at("subscriptions", subscription)).body, as_json=as_json)


def print_one(one: Mapping[str, Any], *, as_json: bool) -> None:
    """A subscription whole."""
    if as_json:
        click.echo(json.dumps(one, ensure_ascii=False))
    else:
        tell(one, WHOLE)


@click.command(
    help=say(
        """Say what a filter would have told in the last 30 days, at most 500 events of it, by the rights of today.

        \b
        puente subscribe preview --type 'alert.*' --jurisdiction US-CA --urgency Immediate --as cvpd.toml""",
        """Dice qué habría avisado un filtro en los últimos 30 días, hasta 500 eventos, con los derechos de hoy.

        \b
        puente subscribe preview --type 'alert.*' --jurisdiction MX-BCN --urgency Immediate --as fge.toml""",
    )
)
@with_filter
@with_profile
@as_json
def preview(profile: Path, as_json: bool, **told: Any) -> None:
    """``puente subscribe preview``"""
    with gateway(profile) as opened:
        found = opened.ask("POST", "/v1/subscriptions/preview", body={"filter": wanted(told)}).body
    show(found["events"], PAST, as_json=as_json)
    if found["more"]:
        click.echo(say("there was more", "hubo más"), err=True)


@click.command(
    help=say(
        """List what was told of late and what became of it, the newest first.

        \b
        puente subscribe deliveries 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Lista los últimos avisos y qué pasó con ellos, primero los más nuevos.

        \b
        puente subscribe deliveries 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    )
)
@click.argument("subscription")
@click.option("--last", type=click.IntRange(1, 500), default=50, show_default=True, help=say("How many.", "Cuántos."))
@with_profile
@as_json
def deliveries(subscription: str, last: int, profile: Path, as_json: bool) -> None:
    """``puente subscribe deliveries``"""
    with gateway(profile) as opened:
        path = f"{at('subscriptions', subscription)}/deliveries"
        found = opened.ask("GET", path, query={"limit": str(last)}).body["deliveries"]
    show(found, DELIVERIES, as_json=as_json)
