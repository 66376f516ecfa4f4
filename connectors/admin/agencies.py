"""``puente agency``: who takes part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connectors.admin.agency_keys import key
from connectors.admin.asking import as_json, at, changed, every, gateway, reason, said, show
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "id": "id",
    "name": say("name", "nombre"),
    "kind": say("kind", "tipo"),
    "jurisdictions": say("jurisdictions", "jurisdicciones"),
    "standing": say("standing", "situación"),
}


@click.group(help=say("Register agencies and end what they may do.", "Registra agencias y termina lo que pueden."))
def agency() -> None:
    """``puente agency``"""


def _described(command: Any) -> Any:
    """What may be said of an agency, by name and place."""
    options = (
        click.option("--identifier", "identifiers", multiple=True, help=say("e.g. ori:CA0371100", "p. ej. cct:…")),
        click.option("--language", "languages", multiple=True, type=click.Choice(["en", "es"])),
        click.option("--duty-phone", help=say("Of the desk, +1…", "De la guardia, +52…")),
        click.option("--duty-email", help=say("Of the desk.", "De la guardia.")),
    )
    for option in options:
        command = option(command)
    return command


@agency.command(
    help=say(
        """Register an agency. It publishes and reads nothing until rights and grants are approved.

        \b
        puente agency register us-ca-sdpd --name "San Diego Police" --kind law_enforcement \\
            --jurisdiction US-CA:06073 --identifier ori:CA0371100 --as olga.toml""",
        """Registra una agencia. No publica ni lee nada hasta que se aprueben derechos y permisos.

        \b
        puente agency register mx-bcn-fge --name "FGE Baja California" --kind prosecutor \\
            --jurisdiction MX-BCN --language es --as olga.toml""",
    )
)
@click.argument("agency_id")
@click.option("--name", required=True)
@click.option("--kind", required=True, help=say("e.g. law_enforcement, ngo", "p. ej. prosecutor, ngo"))
@click.option("--jurisdiction", "jurisdictions", multiple=True, required=True)
@_described
@with_profile
def register(agency_id: str, profile: Path, **told: Any) -> None:
    """``puente agency register``"""
    with gateway(profile) as opened:
        opened.ask("POST", "/v1/agencies", body={"id": agency_id, **said(told)})
    click.echo(say(f"{agency_id} registered", f"{agency_id} registrada"))


@agency.command(
    help=say(
        """Change what the directory says of an agency; its own administrators may, too.

        \b
        puente agency amend us-ca-sdpd --duty-phone +16195550100 --as ana.toml""",
        """Cambia lo que el directorio dice de una agencia; también pueden sus propios administradores.

        \b
        puente agency amend mx-bcn-fge --duty-phone +526645550100 --as ana.toml""",
    )
)
@click.argument("agency_id")
@click.option("--name")
@click.option("--jurisdiction", "jurisdictions", multiple=True)
@_described
@with_profile
def amend(agency_id: str, profile: Path, **told: Any) -> None:
    """``puente agency amend``"""
    with gateway(profile) as opened:
        changed(opened, "PATCH", at("agencies", agency_id), said(told))
    click.echo(say(f"{agency_id} changed", f"{agency_id} cambió"))


@agency.command(
    "list",
    help=say(
        """List the agencies of the node.

        \b
        puente agency list --as olga.toml
        puente agency list --json --as olga.toml | jq .duty_phone""",
        """Lista las agencias del nodo.

        \b
        puente agency list --as olga.toml
        puente agency list --json --as olga.toml | jq .duty_phone""",
    ),
)
@with_profile
@as_json
def list_(profile: Path, as_json: bool) -> None:
    """``puente agency list``"""
    with gateway(profile) as opened:
        show(list(every(opened, "/v1/agencies", "agencies")), COLUMNS, as_json=as_json)


def _standing(name: str, standing: str, about: str) -> None:
    @agency.command(name, help=about)
    @click.argument("agency_id")
    @reason
    @with_profile
    def command(agency_id: str, reason: str, profile: Path) -> None:
        with gateway(profile) as opened:
            body = {"standing": standing, "reason": reason}
            changed(opened, "PUT", at("agencies", agency_id), body, below="/standing")
        click.echo(f"{agency_id}: {standing}")


_standing(
    "suspend",
    "suspended",
    say(
        """Suspend an agency: every token of it is void at once.

        \b
        puente agency suspend us-ca-sdpd --reason "keys were lost" --as olga.toml""",
        """Suspende una agencia: todos sus tokens dejan de valer al instante.

        \b
        puente agency suspend mx-bcn-fge --reason "claves perdidas" --as olga.toml""",
    ),
)
_standing(
    "reinstate",
    "active",
    say(
        """Let a suspended agency act again, with new tokens.

        \b
        puente agency reinstate us-ca-sdpd --reason "new keys are in place" --as olga.toml""",
        """Permite que una agencia suspendida actúe de nuevo, con tokens nuevos.

        \b
        puente agency reinstate mx-bcn-fge --reason "hay claves nuevas" --as olga.toml""",
    ),
)
_standing(
    "retire",
    "retired",
    say(
        """Retire an agency for good; what it published stays.

        \b
        puente agency retire us-ca-sdpd --reason "merged with the county" --as olga.toml""",
        """Da de baja una agencia; lo que publicó permanece.

        \b
        puente agency retire mx-bcn-fge --reason "se fusionó" --as olga.toml""",
    ),
)

agency.add_command(key)
