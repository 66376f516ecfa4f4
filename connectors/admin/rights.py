"""``puente right``: what an agency may publish, and where."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.admin.asking import Moment, as_json, at, changed, every, gateway, reason, show, tell
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "id": "id",
    "agency": say("agency", "agencia"),
    "types": say("types", "tipos"),
    "jurisdictions": say("jurisdictions", "jurisdicciones"),
    "valid_until": say("until", "hasta"),
    "state": say("state", "estado"),
    "proposed_by": say("proposed by", "propuesto por"),
    "warning_days": say("days left, less than", "días restantes, menos de"),
}


@click.group(help=say("What an agency may publish, and where.", "Qué puede publicar una agencia, y dónde."))
def right() -> None:
    """``puente right``"""


@right.command(
    help=say(
        """Ask for a right to publish; an operator who did not ask for it approves it.

        \b
        puente right propose us-ca-sdpd --type 'alert.missing_child.*' --jurisdiction US-CA:06073 \\
            --until 2027-12-31 --as ana.toml""",
        """Pide un derecho a publicar; lo aprueba un operador que no lo haya pedido.

        \b
        puente right propose mx-bcn-fge --type 'alert.missing_child.*' --jurisdiction MX-BCN \\
            --until 2027-12-31 --as ana.toml""",
    )
)
@click.argument("agency")
@click.option("--type", "types", multiple=True, required=True, help=say("e.g. 'alert.*'", "p. ej. 'alert.*'"))
@click.option("--jurisdiction", "jurisdictions", multiple=True, required=True)
@click.option("--from", "valid_from", type=Moment(), help=say("Else from now.", "Si no, desde ahora."))
@click.option("--until", "valid_until", type=Moment(), required=True)
@with_profile
def propose(
    agency: str,
    types: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    valid_from: str | None,
    valid_until: str,
    *,
    profile: Path,
) -> None:
    """``puente right propose``"""
    body = {"agency": agency, "types": list(types), "jurisdictions": list(jurisdictions), "valid_until": valid_until}
    with gateway(profile) as opened:
        done = opened.ask("POST", "/v1/publish-rights", body=body | ({"valid_from": valid_from} if valid_from else {}))
    click.echo(done.body["id"])


@right.command(
    help=say(
        """Approve a proposed right; it counts from the next request and record on.

        \b
        puente right approve 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as omar.toml""",
        """Aprueba un derecho propuesto; vale desde la siguiente solicitud o registro.

        \b
        puente right approve 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as omar.toml""",
    )
)
@click.argument("right_id")
@with_profile
def approve(right_id: str, profile: Path) -> None:
    """``puente right approve``: shows what it approves, and approves no other version than that."""
    with gateway(profile) as opened:
        seen = opened.ask("GET", at("publish-rights", right_id))
        tell(seen.body, COLUMNS)
        opened.ask("POST", f"{at('publish-rights', right_id)}/approval", body={}, version=seen.version)
    click.echo(say(f"{right_id} in force", f"{right_id} vigente"))


def _put(name: str, state: str, about: str) -> None:
    @right.command(name, help=about)
    @click.argument("right_id")
    @reason
    @with_profile
    def command(right_id: str, reason: str, profile: Path) -> None:
        with gateway(profile) as opened:
            changed(
                opened,
                "PUT",
                at("publish-rights", right_id),
                {"state": state, "reason": reason},
                below="/state",
            )
        click.echo(f"{right_id}: {state}")


_put(
    "revoke",
    "revoked",
    say(
        """Revoke a right for good, or withdraw a proposed one.

        \b
        puente right revoke 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "the plan ended" --as ana.toml""",
        """Revoca un derecho para siempre, o retira uno propuesto.

        \b
        puente right revoke 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "terminó el plan" --as ana.toml""",
    ),
)
_put(
    "suspend",
    "suspended",
    say(
        """Suspend a right until an operator puts it back.

        \b
        puente right suspend 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "under review" --as ana.toml""",
        """Suspende un derecho hasta que un operador lo reponga.

        \b
        puente right suspend 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "en revisión" --as ana.toml""",
    ),
)
_put(
    "reinstate",
    "in_force",
    say(
        """Put a suspended right back in force.

        \b
        puente right reinstate 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "reviewed" --as olga.toml""",
        """Repone un derecho suspendido.

        \b
        puente right reinstate 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "revisado" --as olga.toml""",
    ),
)


@right.command(
    "list",
    help=say(
        """List rights whatever their state; an operator sees every agency's.

        \b
        puente right list --as ana.toml
        puente right list --agency us-ca-sdpd --json --as olga.toml""",
        """Lista derechos sin importar su estado; un operador ve los de todas las agencias.

        \b
        puente right list --as ana.toml
        puente right list --agency mx-bcn-fge --json --as olga.toml""",
    ),
)
@click.option("--agency", help=say("Of this agency alone.", "Solo de esta agencia."))
@with_profile
@as_json
def list_(agency: str | None, profile: Path, as_json: bool) -> None:
    """``puente right list``"""
    narrowed = {"agency": agency} if agency else {}
    with gateway(profile) as opened:
        show(list(every(opened, "/v1/publish-rights", "publish_rights", **narrowed)), COLUMNS, as_json=as_json)
