"""What of `puente grant` only looks: list, show, effect, matrix."""

from __future__ import annotations

import json
from pathlib import Path

import click

from connectors.admin import grant_views
from connectors.admin.asking import as_json, at, every, gateway, show
from connectors.agency_cli import with_profile
from connectors.spoken import say

STATES = ("proposed", "in_force", "suspended", "revoked", "withdrawn", "superseded")


@click.command(
    "list",
    help=say(
        """List the grants that your agency is a side of; operators and auditors see all.

        \b
        puente grant list --as ana.toml
        puente grant list --state proposed --reader us-ca-shelter --json --as ana.toml""",
        """Lista los permisos en que participa su agencia; operadores y auditores ven todos.

        \b
        puente grant list --as ana.toml
        puente grant list --state proposed --source mx-bcn-fge --json --as ana.toml""",
    ),
)
@click.option("--state", type=click.Choice(STATES))
@click.option("--agreement")
@click.option("--source", help=say("Which cover this agency as a source.", "Que incluyen a esta agencia como fuente."))
@click.option("--reader", help=say("Which cover it as a reader.", "Que la incluyen como lectora."))
@with_profile
@as_json
def list_(profile: Path, as_json: bool, **filters: str | None) -> None:
    """``puente grant list``"""
    narrowed = {name: value for name, value in filters.items() if value}
    with gateway(profile) as opened:
        found = list(every(opened, "/v1/grants", "grants", **narrowed))
    rows = found if as_json else [grant_views.row(one) for one in found]
    show(rows, grant_views.COLUMNS, as_json=as_json)


@click.command(
    "show",
    help=say(
        """Show a grant with all its versions, who approved them, and whose approval is missing.

        \b
        puente grant show us-ca-sdpd-to-shelter --as ana.toml""",
        """Muestra un permiso con todas sus versiones, quién las aprobó y qué aprobación falta.

        \b
        puente grant show mx-bcn-fge-a-comision --as ana.toml""",
    ),
)
@click.argument("grant_id")
@with_profile
@as_json
def show_(grant_id: str, profile: Path, as_json: bool) -> None:
    """``puente grant show``"""
    with gateway(profile) as opened:
        found = opened.ask("GET", at("grants", grant_id)).body
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        grant_views.print_grant(found)


@click.command(
    help=say(
        """What changes if a grant is approved: who gains or loses what, counted on the last 30 days' events.

        \b
        puente grant effect us-ca-sdpd-to-shelter --as beto.toml""",
        """Qué cambia si se aprueba: quién gana o pierde qué, contado en los eventos de los últimos 30 días.

        \b
        puente grant effect mx-bcn-fge-a-comision --as beto.toml""",
    )
)
@click.argument("grant_id")
@with_profile
@as_json
def effect(grant_id: str, profile: Path, as_json: bool) -> None:
    """``puente grant effect``"""
    with gateway(profile) as opened:
        found = opened.ask("GET", f"{at('grants', grant_id)}/effect").body
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        grant_views.print_effect(found)


@click.command(
    help=say(
        """Reader × source × type × jurisdiction of what is in force, as a table or as CSV.

        \b
        puente grant matrix --as ana.toml
        puente grant matrix --reader us-ca-shelter --csv --as olga.toml > grants.csv""",
        """Lector × fuente × tipo × jurisdicción de lo vigente, como tabla o CSV.

        \b
        puente grant matrix --as ana.toml
        puente grant matrix --source mx-bcn-fge --csv --as olga.toml > permisos.csv""",
    )
)
@click.option("--reader", help=say("Of this reader alone.", "Solo de este lector."))
@click.option("--source", help=say("Of this source alone.", "Solo de esta fuente."))
@click.option("--csv", "as_csv", is_flag=True, help=say("As CSV.", "Como CSV."))
@with_profile
@as_json
def matrix(reader: str | None, source: str | None, as_csv: bool, profile: Path, as_json: bool) -> None:
    """``puente grant matrix``"""
    narrowed = {name: value for name, value in (("reader", reader), ("source", source)) if value}
    with gateway(profile) as opened:
        if as_csv:
            click.echo(opened.text("/v1/grants/matrix", query=narrowed | {"format": "csv"}), nl=False)
            return
        rows = opened.ask("GET", "/v1/grants/matrix", query=narrowed).body["rows"]
    show(rows, grant_views.MATRIX, as_json=as_json)
