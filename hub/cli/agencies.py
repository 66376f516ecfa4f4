"""Commands that enrol agencies on this node."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hub import keys, main, tokens
from hub.cli.config import with_config
from hub.cli.language import say
from hub.directory import Agency, Credential, Kind, Standing, publishing
from hub.principal import ANYWHERE, SCOPES
from hub.settings import Settings
from hub.store import agencies, connect, rules
from schemas.places import is_jurisdiction


@click.group(help=say("Enrol and list agencies.", "Registra y lista agencias."))
def agency() -> None:
    """Works on the database of the settings file."""


@agency.command(
    help=say(
        "Enrol an agency, or change it, and give it a client key.\n\n"
        'Example: puente agency add us-ca-sdpd --name "San Diego Police (sample)" --kind law_enforcement '
        "--jurisdiction US-CA:06073 --publishes 'alert.*' --key sdpd.pem",
        "Registra o modifica una agencia y le da una clave de cliente.\n\n"
        'Ejemplo: puente agency add mx-bcn-fge --name "FGE Baja California (muestra)" --kind prosecutor '
        "--jurisdiction MX-BCN --publishes 'alert.*' --key fge.pem",
    )
)
@click.argument("agency_id")
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), required=True)
@click.option("--jurisdiction", "jurisdictions", multiple=True, required=True)
@click.option("--publishes", multiple=True, help=say("types, e.g. 'alert.*'", "tipos, p. ej. 'alert.*'"))
@click.option("--language", "languages", multiple=True, default=("en",))
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    help=say("client key (PEM); made if it is not there", "clave del cliente (PEM); se crea si no existe"),
)
@with_config
def add(agency_id: str, key_file: Path | None, config: Path | None, **told: object) -> None:
    """The key's private half never leaves its file; the hub stores the public one."""
    settings = main.settings(config)
    enrolled = _agency(agency_id, settings, **told)
    with connect(main.database_url(settings), name="puente-cli") as conn:
        agencies.enrol(conn, enrolled)
        if key_file is not None:
            agencies.give_credential(conn, _credential(agency_id, key_file))
    click.echo(say(f"{agency_id} enrolled", f"{agency_id} registrada"))


def _agency(agency_id: str, settings: Settings, **told: object) -> Agency:
    jurisdictions = tuple(str(code) for code in told["jurisdictions"])  # type: ignore[attr-defined]
    unknown = [code for code in jurisdictions if not is_jurisdiction(code)]
    if unknown:
        raise click.BadParameter(say(f"unknown jurisdiction {unknown[0]}", f"jurisdicción desconocida {unknown[0]}"))
    if not agency_id.startswith(f"{settings.node.id}-"):
        raise click.BadParameter(
            say(
                f"this node enrols agencies whose id starts with {settings.node.id}-",
                f"este nodo registra agencias cuyo id empieza con {settings.node.id}-",
            )
        )
    return Agency(
        id=agency_id,
        name=str(told["name"]),
        kind=Kind(str(told["kind"])),
        country=settings.node.country,
        jurisdictions=jurisdictions,
        publishes=publishing(told["publishes"], jurisdictions),  # type: ignore[arg-type]
        languages=tuple(told["languages"]),  # type: ignore[arg-type]
    )


def _credential(agency_id: str, key_file: Path) -> Credential:
    pem = keys.client_key(key_file)
    return Credential(
        client_id=agency_id,
        agency=agency_id,
        public_key_pem=tokens.public_pem(pem),
        scopes=frozenset(SCOPES),
        jurisdictions=ANYWHERE,
    )


@agency.command(name="list", help=say("List agencies.", "Lista las agencias."))
@with_config
def list_(config: Path | None) -> None:
    """Everyone enrolled on this node."""
    with connect(main.database_url(main.settings(config)), name="puente-cli") as conn:
        enrolled = rules.directory(conn).agencies
    table = Table("id", say("name", "nombre"), say("kind", "tipo"), say("jurisdictions", "jurisdicciones"), "")
    for one in sorted(enrolled.values(), key=lambda each: each.id):
        table.add_row(one.id, one.name, one.kind.value, " ".join(one.jurisdictions), one.standing.value)
    Console().print(table)


@agency.command(help=say("Suspend an agency at once, or reinstate it.", "Suspende una agencia, o la reincorpora."))
@click.argument("agency_id")
@click.argument("standing", type=click.Choice([standing.value for standing in Standing]))
@with_config
def standing(agency_id: str, standing: str, config: Path | None) -> None:
    """Voids every token issued before."""
    with connect(main.database_url(main.settings(config)), name="puente-cli") as conn:
        if not agencies.set_standing(conn, agency_id, Standing(standing)):
            raise click.ClickException(say("no such agency", "no existe tal agencia"))
