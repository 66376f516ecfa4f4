"""``puente grant``: who may read what of whom, proposed by one side and approved by the owning one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.admin import grant_views
from connectors.admin.asking import at, changed, gateway, reason
from connectors.admin.grant_lookups import effect, list_, matrix, show_
from connectors.admin.grant_terms import terms, with_sides, with_terms
from connectors.agency_cli import with_profile
from connectors.spoken import say


@click.group(help=say("Who may read what of whom.", "Quién puede leer qué de quién."))
def grant() -> None:
    """``puente grant``; the node's machine adds `diff` and `import`."""


@grant.command(
    help=say(
        """Propose a grant, from options or from a file with one [[grant]]. It opens nothing until people of the
        owning side approve it. The id begins with your agency's.

        \b
        puente grant propose us-ca-sdpd-to-shelter --agreement us-ca-sdpd-mou --source us-ca-sdpd \\
            --reader us-ca-shelter --type 'alert.*' --jurisdiction US-CA --purpose locate-child \\
            --max-tlp amber+strict --clearance partner --until 2027-12-31 --as ana.toml
        puente grant propose us-ca-sdpd-to-shelter --file grant.toml --opens 2026-01-01 --as ana.toml""",
        """Propone un permiso, con opciones o con un archivo con un [[grant]]. No abre nada hasta que lo aprueben
        personas de la parte propietaria. El id empieza con el de su agencia.

        \b
        puente grant propose mx-bcn-fge-a-comision --agreement mx-bcn-fge-convenio --source mx-bcn-fge \\
            --reader kind=search_commission,country=MX --type 'alert.*' --jurisdiction MX-BCN \\
            --purpose locate-child --max-tlp amber --clearance partner --until 2027-12-31 --as ana.toml""",
    )
)
@click.argument("grant_id")
@with_sides
@with_terms
@with_profile
def propose(grant_id: str, profile: Path, **told: Any) -> None:
    """``puente grant propose``"""
    with gateway(profile) as opened:
        done = opened.ask("POST", "/v1/grants", body=terms(told) | {"id": grant_id})
    grant_views.print_grant(done.body)


@grant.command(
    help=say(
        """Propose the next version: what is not said stays. The present one is in force until this one is approved.

        \b
        puente grant amend us-ca-sdpd-to-shelter --until 2028-12-31 --as ana.toml""",
        """Propone la siguiente versión: lo que no se indica no cambia. La actual vale hasta que se apruebe.

        \b
        puente grant amend mx-bcn-fge-a-comision --until 2028-12-31 --as ana.toml""",
    )
)
@click.argument("grant_id")
@with_terms
@with_profile
def amend(grant_id: str, profile: Path, **told: Any) -> None:
    """``puente grant amend``"""
    with gateway(profile) as opened:
        seen = opened.ask("GET", at("grants", grant_id))
        body = terms(told, _written(seen.body))
        body.pop("id", None)
        done = opened.ask("POST", f"{at('grants', grant_id)}/versions", body=body, version=seen.version)
    grant_views.print_grant(done.body)


def _written(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The version that stands, as somebody would write it."""
    sides = {name: shown[name] for name in ("agreement", "source", "reader", "purpose")}
    standing = next(
        (one for one in shown["versions"] if one["state"] in ("in_force", "suspended")), shown["versions"][0]
    )
    return sides | {name: standing[name] for name in grant_views.TERMS}


@grant.command(
    help=say(
        """Approve a version on behalf of your agency: shows it first, and what it would change with
        'puente grant effect'.

        \b
        puente grant approve us-ca-sdpd-to-shelter --as beto.toml
        puente grant approve us-ca-sdpd-to-shelter --version 2 --as beto.toml""",
        """Aprueba una versión en nombre de su agencia: primero la muestra; qué cambiaría se ve con
        'puente grant effect'.

        \b
        puente grant approve mx-bcn-fge-a-comision --as beto.toml
        puente grant approve mx-bcn-fge-a-comision --version 2 --as beto.toml""",
    )
)
@click.argument("grant_id")
@click.option("--version", "number", type=int, help=say("Else the newest one.", "Si no, la más reciente."))
@with_profile
def approve(grant_id: str, number: int | None, profile: Path) -> None:
    """``puente grant approve``: approves no other version than the one it has shown."""
    with gateway(profile) as opened:
        seen = opened.ask("GET", at("grants", grant_id))
        grant_views.print_grant(seen.body)
        version = number if number is not None else seen.body["versions"][0]["version"]
        path = f"{at('grants', grant_id)}/approve"
        done = opened.ask("POST", path, body={"version": version}, version=seen.version)
    click.echo(grant_views.outcome(done.body, version))


def _act(name: str, about: str, en: str, es: str, *, has_reason: bool = False) -> None:
    def run(grant_id: str, profile: Path, **told: Any) -> None:
        with gateway(profile) as opened:
            given = {key: value for key, value in told.items() if value is not None}
            done = changed(opened, "POST", at("grants", grant_id), given, below=f"/{name}")
        click.echo(say(f"{grant_id} {en}", f"{grant_id} {es}") + grant_views.offered(done.body))

    command = click.argument("grant_id")(with_profile(run))
    if has_reason:
        side = click.option(
            "--side",
            type=click.Choice(["source", "reader"]),
            help=say("For who is on both sides.", "Para quien está en ambas partes."),
        )
        command = reason(side(command))
    grant.command(name, help=about)(command)


_act(
    "suspend",
    say(
        """Suspend your agency's part: its events are closed to the readers from the next request on.

        \b
        puente grant suspend us-ca-sdpd-to-shelter --reason "keys were lost" --as ana.toml""",
        """Suspende la parte de su agencia: sus eventos se cierran a los lectores desde la siguiente solicitud.

        \b
        puente grant suspend mx-bcn-fge-a-comision --reason "se perdieron las llaves" --as ana.toml""",
    ),
    "suspended",
    "suspendido",
    has_reason=True,
)
_act(
    "resume",
    say(
        """Let your agency's part go on; what came meanwhile comes again to its readers.

        \b
        puente grant resume us-ca-sdpd-to-shelter --as ana.toml""",
        """Reanuda la parte de su agencia; lo que llegó entretanto vuelve a sus lectores.

        \b
        puente grant resume mx-bcn-fge-a-comision --as ana.toml""",
    ),
    "in force again",
    "vigente de nuevo",
)
_act(
    "revoke",
    say(
        """End your agency's part for good; with the last one, the grant. A reader gives up its right so.

        \b
        puente grant revoke us-ca-sdpd-to-shelter --reason "the project ended" --as ana.toml""",
        """Termina para siempre la parte de su agencia; con la última, el permiso. Así un lector renuncia a él.

        \b
        puente grant revoke mx-bcn-fge-a-comision --reason "terminó el proyecto" --as ana.toml""",
    ),
    "ended",
    "terminado",
    has_reason=True,
)
_act(
    "withdraw",
    say(
        """Take back your own proposal.

        \b
        puente grant withdraw us-ca-sdpd-to-shelter --as ana.toml""",
        """Retira su propia propuesta.

        \b
        puente grant withdraw mx-bcn-fge-a-comision --as ana.toml""",
    ),
    "withdrawn",
    "retirado",
)
_act(
    "confirm",
    say(
        """Tell an access review that your agency still stands behind it.

        \b
        puente grant confirm us-ca-sdpd-to-shelter --as ana.toml""",
        """Confirma ante una revisión de accesos que su agencia lo mantiene.

        \b
        puente grant confirm mx-bcn-fge-a-comision --as ana.toml""",
    ),
    "confirmed",
    "confirmado",
)


for each in (list_, show_, effect, matrix):
    grant.add_command(each)
