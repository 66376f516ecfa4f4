"""``puente agreement``: the legal instruments that grants hang on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from connectors.admin.asking import Moment, as_json, at, changed, every, gateway, reason, show
from connectors.admin.selectors import SELECTOR, Start
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "id": "id",
    "title": say("title", "título"),
    "parties": say("parties", "partes"),
    "valid_until": say("until", "hasta"),
    "state": say("state", "estado"),
    "drafted_by": say("drafted by", "redactado por"),
    "approved_by": say("approved by", "aprobado por"),
}


@click.group(help=say("What parties have agreed; grants hang on it.", "Lo convenido; de ello dependen los permisos."))
def agreement() -> None:
    """``puente agreement``"""


@agreement.command(
    help=say(
        """Draft an agreement; a person of another party, or an operator, puts it in force. The document stays here:
        only its SHA-256 is sent. The id begins with your agency's.

        \b
        puente agreement draft us-ca-sdpd-mou --en "Sharing of alerts" --es "Intercambio de alertas" \\
            --basis "34 USC 20501" --document mou.pdf --party us-ca-sdpd --party kind=ngo,country=US \\
            --until 2027-12-31 --as ana.toml""",
        """Redacta un convenio; lo pone en vigor una persona de otra parte, o un operador. El documento se queda aquí:
        solo se envía su SHA-256. El id empieza con el de su agencia.

        \b
        puente agreement draft mx-bcn-fge-convenio --en "Sharing of alerts" --es "Intercambio de alertas" \\
            --basis "LGDNNA art. 47" --document convenio.pdf --party mx-bcn-fge --party kind=ngo,country=MX \\
            --until 2027-12-31 --as ana.toml""",
    )
)
@click.argument("agreement_id")
@click.option("--en", required=True, help=say("Title in English.", "Título en inglés."))
@click.option("--es", required=True, help=say("Title in Spanish.", "Título en español."))
@click.option("--basis", required=True, help=say("Legal basis.", "Fundamento legal."))
@click.option("--document", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--party", "parties", required=True, multiple=True, type=SELECTOR)
@click.option("--from", "valid_from", type=Start(), default="now", help=say("Else from now.", "Si no, desde ahora."))
@click.option("--until", "valid_until", type=Moment(), required=True)
@with_profile
def draft(agreement_id: str, en: str, es: str, document: Path, profile: Path, **told: Any) -> None:
    """``puente agreement draft``"""
    body = {
        "id": agreement_id,
        "title": {"en": en, "es": es},
        "legal_basis": told["basis"],
        "document_sha256": hashlib.sha256(document.read_bytes()).hexdigest(),
        "parties": list(told["parties"]),
        "valid_from": told["valid_from"],
        "valid_until": told["valid_until"],
    }
    with gateway(profile) as opened:
        opened.ask("POST", "/v1/agreements", body=body)
    click.echo(say(f"{agreement_id} drafted", f"{agreement_id} redactado"))


@agreement.command(
    help=say(
        """Put a draft in force: never one's own, nor one's own agency's.

        \b
        puente agreement approve us-ca-sdpd-mou --as nora.toml""",
        """Pone en vigor un convenio redactado por otra parte.

        \b
        puente agreement approve mx-bcn-fge-convenio --as nora.toml""",
    )
)
@click.argument("agreement_id")
@with_profile
def approve(agreement_id: str, profile: Path) -> None:
    """``puente agreement approve``: shows what it approves, and approves no other version than that."""
    with gateway(profile) as opened:
        seen = opened.ask("GET", at("agreements", agreement_id))
        show([seen.body], COLUMNS, as_json=False)
        opened.ask("POST", f"{at('agreements', agreement_id)}/approve", body={}, version=seen.version)
    click.echo(say(f"{agreement_id} in force", f"{agreement_id} vigente"))


def _narrow(name: str, about: str, en: str, es: str) -> None:
    @agreement.command(name, help=about)
    @click.argument("agreement_id")
    @reason
    @with_profile
    def command(agreement_id: str, reason: str, profile: Path) -> None:
        with gateway(profile) as opened:
            changed(opened, "POST", at("agreements", agreement_id), {"reason": reason}, below=f"/{name}")
        click.echo(say(f"{agreement_id} {en}", f"{agreement_id} {es}"))


_narrow(
    "suspend",
    say(
        """Suspend it: every grant on it opens nothing until it resumes.

        \b
        puente agreement suspend us-ca-sdpd-mou --reason "under review" --as ana.toml""",
        """Lo suspende: sus permisos no abren nada hasta que se reanude.

        \b
        puente agreement suspend mx-bcn-fge-convenio --reason "en revisión" --as ana.toml""",
    ),
    "suspended",
    "suspendido",
)
_narrow(
    "end",
    say(
        """End it for good, and with it every grant on it.

        \b
        puente agreement end us-ca-sdpd-mou --reason "replaced by another" --as ana.toml""",
        """Lo termina para siempre, y con él todos sus permisos.

        \b
        puente agreement end mx-bcn-fge-convenio --reason "lo sustituye otro" --as ana.toml""",
    ),
    "ended",
    "terminado",
)


@agreement.command(
    help=say(
        """Let a suspended agreement go on; what came meanwhile comes again to its readers.

        \b
        puente agreement resume us-ca-sdpd-mou --as ana.toml""",
        """Reanuda un convenio suspendido; lo que llegó entretanto vuelve a sus lectores.

        \b
        puente agreement resume mx-bcn-fge-convenio --as ana.toml""",
    )
)
@click.argument("agreement_id")
@with_profile
def resume(agreement_id: str, profile: Path) -> None:
    """``puente agreement resume``"""
    with gateway(profile) as opened:
        changed(opened, "POST", at("agreements", agreement_id), {}, below="/resume")
    click.echo(say(f"{agreement_id} in force again", f"{agreement_id} vigente de nuevo"))


@agreement.command(
    "list",
    help=say(
        """List the agreements that bind your agency; an operator sees all.

        \b
        puente agreement list --as ana.toml
        puente agreement list --state draft --json --as olga.toml""",
        """Lista los convenios de su agencia; un operador ve todos.

        \b
        puente agreement list --as ana.toml
        puente agreement list --state draft --json --as olga.toml""",
    ),
)
@click.option("--state", type=click.Choice(["draft", "in_force", "suspended", "ended"]))
@with_profile
@as_json
def list_(state: str | None, profile: Path, as_json: bool) -> None:
    """``puente agreement list``"""
    with gateway(profile) as opened:
        narrowed = {"state": state} if state else {}
        show(list(every(opened, "/v1/agreements", "agreements", **narrowed)), COLUMNS, as_json=as_json)
