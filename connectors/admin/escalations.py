"""``puente escalation``: who is called when no acknowledgement comes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from connectors.admin import asking
from connectors.agency_cli import with_profile
from connectors.spoken import LANG, say
from schemas.fields import printable
from schemas.texts import Text

WITHIN = Text(
    "{agency} acknowledges {type} ({urgency}) within {within}; ladder {ladder}",
    "{agency} confirma {type} ({urgency}) en {within}; escalera {ladder}",
)
NOT_ASKED = Text(
    "{agency} need not acknowledge {type} ({urgency})", "{agency} no tiene que confirmar {type} ({urgency})"
)
DESK = Text("desk {desk}", "mesa {desk}")
ISSUER = Text("issuer, desk {desk}", "emisor, mesa {desk}")
URGENCIES = {"urgent": Text("urgent", "urgente"), "routine": Text("routine", "ordinario")}


@click.group(
    help=say("Who is called when no acknowledgement comes.", "A quién se llama cuando no llega una confirmación.")
)
def escalation() -> None:
    """``puente escalation``"""


@escalation.command(
    help=say(
        """Play a ladder through: when which desk would be called, by which way, and what is missing.

        \b
        puente escalation show alert.missing_child.issued --as sdpd.toml
        puente escalation show alert.missing_child.issued --agency us-ca-sheriff --as sdpd.toml

        Exit: 0 nothing is missing, 1 something is.""",
        """Recorre una escalera: cuándo se llamaría a qué mesa, por qué vía, y qué falta.

        \b
        puente escalation show alert.missing_child.issued --as fge.toml
        puente escalation show alert.missing_child.issued --agency mx-bcn-clb --as fge.toml

        Salida: 0 no falta nada, 1 falta algo.""",
    )
)
@click.argument("event_type", metavar="TYPE")
@click.option(
    "--urgency",
    type=click.Choice(["urgent", "routine"]),
    default="urgent",
    show_default=True,
    help=say("Of the event.", "Del evento."),
)
@click.option("--agency", help=say("Another one than the profile's.", "Otra que la del perfil."))
@with_profile
@asking.as_json
def show(event_type: str, urgency: str, agency: str | None, profile: Path, as_json: bool) -> None:
    """``puente escalation show``"""
    query = {"type": event_type, "urgency": urgency} | ({"agency": agency} if agency else {})
    with asking.gateway(profile) as opened:
        found = opened.ask("GET", "/v1/escalations", query=query).body
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in told(found, LANG):
            click.echo(printable(line))
    if found["warnings"]:
        raise SystemExit(1)


def told(found: Mapping[str, Any], language: str) -> Iterator[str]:
    """The plan in words, a line a step."""
    said = {"agency": found["agency"], "type": found["type"], "urgency": URGENCIES[found["urgency"]]}
    if found["ladder"] is None:
        yield NOT_ASKED.format(**said).in_(language)
        return
    within = clock(found["ack_within_s"])
    yield WITHIN.format(**said, within=within, ladder=found["ladder"]).in_(language)
    for call in found["calls"]:
        who = (ISSUER if call["of"] == "issuer" else DESK).format(desk=call["desk"]).in_(language)
        yield f"  {call['step']}  +{clock(call['at_s'])}  {who}  {', '.join(call['channels']) or '-'}"
    for warning in found["warnings"]:
        yield f"  ! {warning[language]}"


def clock(seconds: int) -> str:
    """Hours, minutes and seconds."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
