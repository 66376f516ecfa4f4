"""``puente person``: who acts for an agency; what gives power takes two, what ends it takes one."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.admin.asking import as_json, at, changed, every, gateway, key_file, public_key, reason, show, tell
from connectors.agency_cli import with_profile
from connectors.spoken import say

ROLES = ("operator", "agency_admin", "auditor", "officer")
COLUMNS = {
    "id": "id",
    "name": say("name", "nombre"),
    "roles": say("roles", "funciones"),
    "state": say("state", "estado"),
    "enrolled_by": say("enrolled by", "registrada por"),
    "wanted_roles": say("waits for", "espera"),
    "wanted_by": say("asked by", "pedido por"),
}
roles_option = click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))


@click.group(help=say("Enrol people and end what they may do.", "Registra personas y termina lo que pueden."))
def person() -> None:
    """``puente person``"""


@person.command(
    help=say(
        """Enrol a person with the public half of their own key; somebody else has to confirm it.

        \b
        puente person add us-ca-sdpd.luis --name "Luis Soto" --role officer --key luis.pem --as ana.toml""",
        """Registra a una persona con la mitad pública de su clave; alguien más debe confirmarlo.

        \b
        puente person add mx-bcn-fge.luis --name "Luis Soto" --role officer --key luis.pem --as ana.toml""",
    )
)
@click.argument("person_id")
@click.option("--name", required=True)
@roles_option
@key_file
@with_profile
def add(person_id: str, name: str, roles: tuple[str, ...], key: Path, profile: Path) -> None:
    """``puente person add``"""
    body = {"id": person_id, "name": name, "roles": list(roles), "key": public_key(key)}
    with gateway(profile) as opened:
        opened.ask("POST", "/v1/persons", body=body)
    _waiting(person_id)


@person.command(
    help=say(
        """Confirm what somebody else proposed of a person: the enrolment, a further role, another key.

        \b
        puente person confirm us-ca-sdpd.luis --as bea.toml""",
        """Confirma lo que otra persona propuso: el registro, otra función u otra clave.

        \b
        puente person confirm mx-bcn-fge.luis --as bea.toml""",
    )
)
@click.argument("person_id")
@with_profile
def confirm(person_id: str, profile: Path) -> None:
    """``puente person confirm``: shows what it confirms, and confirms no other version than that."""
    with gateway(profile) as opened:
        seen = opened.ask("GET", at("persons", person_id))
        tell(seen.body, COLUMNS)
        opened.ask("POST", f"{at('persons', person_id)}/confirmation", body={}, version=seen.version)
    click.echo(say(f"{person_id} confirmed", f"{person_id}: confirmada"))


@person.command(
    "list",
    help=say(
        """List the people of one's agency; an operator sees everybody.

        \b
        puente person list --as ana.toml
        puente person list --agency us-ca-sdpd --json --as olga.toml""",
        """Lista las personas de la propia agencia; un operador ve a todas.

        \b
        puente person list --as ana.toml
        puente person list --agency mx-bcn-fge --json --as olga.toml""",
    ),
)
@click.option("--agency", help=say("Of this agency alone.", "Solo de esta agencia."))
@with_profile
@as_json
def list_(agency: str | None, profile: Path, as_json: bool) -> None:
    """``puente person list``"""
    narrowed = {"agency": agency} if agency else {}
    with gateway(profile) as opened:
        show(list(every(opened, "/v1/persons", "persons", **narrowed)), COLUMNS, as_json=as_json)


@person.command(
    help=say(
        """Give a person these roles and no others; a further one waits for somebody else's confirmation.

        \b
        puente person roles us-ca-sdpd.luis --role officer --role auditor --as ana.toml""",
        """Da a una persona estas funciones y ninguna otra; una más espera la confirmación de otra persona.

        \b
        puente person roles mx-bcn-fge.luis --role officer --role auditor --as ana.toml""",
    )
)
@click.argument("person_id")
@roles_option
@with_profile
def roles(person_id: str, roles: tuple[str, ...], profile: Path) -> None:
    """``puente person roles``"""
    with gateway(profile) as opened:
        done = changed(opened, "PUT", at("persons", person_id), {"roles": list(roles)}, below="/roles").body
    if done["wanted_roles"] or done["state"] == "proposed":
        _waiting(person_id)
    else:
        click.echo(f"{person_id}: {' '.join(done['roles'])}")


@person.command(
    help=say(
        """Disable a person at once; oneself as well.

        \b
        puente person disable us-ca-sdpd.luis --reason "left the service" --as ana.toml""",
        """Deshabilita a una persona al instante; también a una misma.

        \b
        puente person disable mx-bcn-fge.luis --reason "dejó el servicio" --as ana.toml""",
    )
)
@click.argument("person_id")
@reason
@with_profile
def disable(person_id: str, reason: str, profile: Path) -> None:
    """``puente person disable``"""
    with gateway(profile) as opened:
        opened.ask("POST", f"{at('persons', person_id)}/end", body={"reason": reason})
    click.echo(say(f"{person_id} disabled", f"{person_id}: deshabilitada"))


@person.command(
    help=say(
        """Put another key in the place of a person's. One's own counts at once, another's waits for a second person.

        \b
        puente person key us-ca-sdpd.luis --key new.pem --as luis.toml""",
        """Reemplaza la clave de una persona. La propia vale al instante; la de otra espera a una segunda persona.

        \b
        puente person key mx-bcn-fge.luis --key nueva.pem --as luis.toml""",
    )
)
@click.argument("person_id")
@key_file
@with_profile
def key(person_id: str, key: Path, profile: Path) -> None:
    """``puente person key``"""
    body = {"key": public_key(key)}
    with gateway(profile) as opened:
        done = changed(opened, "PUT", at("persons", person_id), body, below="/key").body
    if done["state"] == "proposed":
        _waiting(person_id)
    else:
        click.echo(say(f"{person_id}: name {key} in the profile now", f"{person_id}: indique ahora {key} en el perfil"))


def _waiting(person_id: str) -> None:
    click.echo(
        say(
            f"{person_id}: waits for another person's `puente person confirm`",
            f"{person_id}: espera el `puente person confirm` de otra persona",
        )
    )
