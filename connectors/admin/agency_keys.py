"""``puente agency key``: the clients of an agency's machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connectors.admin.asking import Moment, as_json, at, every, gateway, key_file, public_key, reason, said, show
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "client_id": "client_id",
    "scopes": say("scopes", "alcances"),
    "jurisdictions": say("jurisdictions", "jurisdicciones"),
    "expires_at": say("until", "hasta"),
    "is_enabled": say("enabled", "activa"),
    "warning_days": say("days left, less than", "días restantes, menos de"),
}


@click.group(help=say("Keys of an agency's machines.", "Claves de los equipos de una agencia."))
def key() -> None:
    """``puente agency key``: given by the agency's own administrators, ended by an operator as well."""


def _bounded(command: Any) -> Any:
    """The most that tokens of a client may carry."""
    options = (
        click.option("--scope", "scopes", multiple=True, help=say("e.g. events:publish", "p. ej. events:read")),
        click.option("--jurisdiction", "jurisdictions", multiple=True, help=say("e.g. US-CA", "p. ej. MX-BCN")),
        click.option(
            "--until", "expires_at", type=Moment(), help=say("Else one year from now.", "Si no, un año desde hoy.")
        ),
    )
    for option in options:
        command = option(command)
    return command


@key.command(
    "add",
    help=say(
        """Register a client of one's own agency; the private half of its key stays here.

        \b
        puente agency key add us-ca-sdpd --key us-ca-sdpd.pem --as ana.toml
        puente agency key add us-ca-sdpd.feeder --key feeder.pem --scope events:publish --until 2027-01-31 --as ana.toml
        """,
        """Registra un cliente de la propia agencia; la mitad privada de su clave se queda aquí.

        \b
        puente agency key add mx-bcn-fge --key mx-bcn-fge.pem --as ana.toml
        puente agency key add mx-bcn-fge.carga --key carga.pem --scope events:publish --until 2027-01-31 --as ana.toml
        """,
    ),
)
@click.argument("client_id")
@key_file
@_bounded
@with_profile
def add(client_id: str, key: Path, profile: Path, **told: Any) -> None:
    """``puente agency key add``"""
    body = {"client_id": client_id, "key": public_key(key), **said(told)}
    with gateway(profile) as opened:
        done = opened.ask("POST", "/v1/credentials", body=body).body
    click.echo(say(f"{client_id} until {done['expires_at']}", f"{client_id} hasta {done['expires_at']}"))


@key.command(
    "list",
    help=say(
        """List clients and when their keys end; an operator sees every agency's.

        \b
        puente agency key list --as ana.toml
        puente agency key list --agency us-ca-sdpd --as olga.toml""",
        """Lista clientes y cuándo terminan sus claves; un operador ve los de todas las agencias.

        \b
        puente agency key list --as ana.toml
        puente agency key list --agency mx-bcn-fge --as olga.toml""",
    ),
)
@click.option("--agency", "of", help=say("Of this agency alone.", "Solo de esta agencia."))
@with_profile
@as_json
def list_(of: str | None, profile: Path, as_json: bool) -> None:
    """``puente agency key list``"""
    narrowed = {"agency": of} if of else {}
    with gateway(profile) as opened:
        show(list(every(opened, "/v1/credentials", "credentials", **narrowed)), COLUMNS, as_json=as_json)


@key.command(
    "replace",
    help=say(
        """Put another key in the place of a client's; tokens under the old one are void at once.

        \b
        puente agency key replace us-ca-sdpd --key new.pem --as ana.toml""",
        """Reemplaza la clave de un cliente; los tokens de la anterior dejan de valer al instante.

        \b
        puente agency key replace mx-bcn-fge --key nueva.pem --as ana.toml""",
    ),
)
@click.argument("client_id")
@key_file
@_bounded
@with_profile
def replace(client_id: str, key: Path, profile: Path, **told: Any) -> None:
    """``puente agency key replace``: what is not said stays as it is, but for the end."""
    with gateway(profile) as opened:
        present = opened.ask("GET", at("credentials", client_id))
        kept = {name: present.body[name] for name in ("scopes", "jurisdictions")}
        body = kept | said(told) | {"key": public_key(key)}
        done = opened.ask("PUT", at("credentials", client_id), body=body, version=present.version).body
    click.echo(say(f"{client_id} until {done['expires_at']}", f"{client_id} hasta {done['expires_at']}"))


@key.command(
    "disable",
    help=say(
        """Disable a client at once.

        \b
        puente agency key disable us-ca-sdpd.feeder --reason "the machine was replaced" --as ana.toml""",
        """Deshabilita un cliente al instante.

        \b
        puente agency key disable mx-bcn-fge.carga --reason "se cambió el equipo" --as ana.toml""",
    ),
)
@click.argument("client_id")
@reason
@with_profile
def disable(client_id: str, reason: str, profile: Path) -> None:
    """``puente agency key disable``"""
    with gateway(profile) as opened:
        opened.ask("POST", f"{at('credentials', client_id)}/end", body={"reason": reason})
    click.echo(say(f"{client_id} disabled", f"{client_id} deshabilitado"))
