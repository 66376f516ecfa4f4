"""``puente cut``: an emergency."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.admin.asking import gateway, reason
from connectors.agency_cli import with_profile
from connectors.spoken import say


@click.command(
    help=say(
        """Cut off an agency, a person or a key at once: no second person is needed, and no token of theirs counts.

        \b
        puente cut --agency us-ca-sdpd --reason "intruder in the network" --as olga.toml
        puente cut --person us-ca-sdpd.luis --reason "laptop stolen" --as ana.toml
        puente cut --key us-ca-sdpd.feeder --reason "key was published" --as ana.toml""",
        """Corta al instante a una agencia, persona o clave: sin segunda persona, y ninguno de sus tokens vale más.

        \b
        puente cut --agency mx-bcn-fge --reason "intruso en la red" --as olga.toml
        puente cut --person mx-bcn-fge.luis --reason "robo de la laptop" --as ana.toml
        puente cut --key mx-bcn-fge.carga --reason "se publicó la clave" --as ana.toml""",
    )
)
@click.option("--agency", help=say("All of an agency.", "Toda una agencia."))
@click.option("--person", help=say("One person.", "Una persona."))
@click.option("--key", help=say("One client, a machine's or a person's.", "Un cliente, de un equipo o de una persona."))
@reason
@with_profile
def cut(agency: str | None, person: str | None, key: str | None, reason: str, profile: Path) -> None:
    """``puente cut``"""
    named = {name: value for name, value in (("agency", agency), ("person", person), ("key", key)) if value}
    if len(named) != 1:
        raise click.UsageError(say("give one of --agency, --person, --key", "indique --agency, --person o --key, una"))
    with gateway(profile) as opened:
        done = opened.ask("POST", "/v1/cuts", body={**named, "reason": reason}).body
    click.echo(say(f"{done['id']} is cut off", f"{done['id']} quedó sin acceso"))
