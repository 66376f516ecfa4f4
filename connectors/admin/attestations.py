"""``puente attestation``: what agencies have shown to hold, and until when."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from connectors.admin.asking import Moment, as_json, at, every, gateway, reason, show
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "id": "id",
    "agency": say("agency", "agencia"),
    "kind": say("kind", "tipo"),
    "valid_until": say("until", "hasta"),
    "in_force": say("in force", "vigente"),
    "recorded_by": say("recorded by", "anotada por"),
    "warning_days": say("days left, less than", "días restantes, menos de"),
}


@click.group(help=say("What agencies have shown to hold.", "Lo que las agencias han acreditado."))
def attestation() -> None:
    """``puente attestation``"""


@attestation.command(
    help=say(
        """Put on record what an agency has shown to hold. Of the document only its SHA-256 is sent.

        \b
        puente attestation record us-ca-shelter 28-cfr-23 --until 2027-06-30 --document training.pdf --as olga.toml
        """,
        """Anota lo que una agencia ha acreditado. Del documento solo se envía su SHA-256.

        \b
        puente attestation record mx-bcn-casa nda --until 2027-06-30 --document convenio.pdf --as olga.toml
        """,
    )
)
@click.argument("agency")
@click.argument("kind")
@click.option("--from", "valid_from", type=Moment(), help=say("Else from now.", "Si no, desde ahora."))
@click.option("--until", "valid_until", type=Moment(), required=True)
@click.option("--document", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_profile
def record(agency: str, kind: str, valid_from: str | None, valid_until: str, document: Path, *, profile: Path) -> None:
    """``puente attestation record``"""
    digest = hashlib.sha256(document.read_bytes()).hexdigest()
    body = {"agency": agency, "kind": kind, "valid_until": valid_until, "document_sha256": digest}
    with gateway(profile) as opened:
        done = opened.ask("POST", "/v1/attestations", body=body | ({"valid_from": valid_from} if valid_from else {}))
    click.echo(done.body["id"])


@attestation.command(
    help=say(
        """End an attestation at once, and with it what rests on it.

        \b
        puente attestation withdraw 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "the paper was forged" --as olga.toml
        """,
        """Termina una acreditación al instante, y con ella lo que depende de ella.

        \b
        puente attestation withdraw 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason "documento falso" --as olga.toml
        """,
    )
)
@click.argument("attestation_id")
@reason
@with_profile
def withdraw(attestation_id: str, reason: str, profile: Path) -> None:
    """``puente attestation withdraw``"""
    with gateway(profile) as opened:
        opened.ask("POST", f"{at('attestations', attestation_id)}/withdrawal", body={"reason": reason})
    click.echo(say(f"{attestation_id} withdrawn", f"{attestation_id} retirada"))


@attestation.command(
    "list",
    help=say(
        """List attestations, the ended ones too; an operator sees every agency's.

        \b
        puente attestation list --as alma.toml
        puente attestation list --agency us-ca-shelter --json --as olga.toml""",
        """Lista acreditaciones, también las terminadas; un operador ve las de todas las agencias.

        \b
        puente attestation list --as alma.toml
        puente attestation list --agency mx-bcn-casa --json --as olga.toml""",
    ),
)
@click.option("--agency", help=say("Of this agency alone.", "Solo de esta agencia."))
@with_profile
@as_json
def list_(agency: str | None, profile: Path, as_json: bool) -> None:
    """``puente attestation list``"""
    narrowed = {"agency": agency} if agency else {}
    with gateway(profile) as opened:
        show(list(every(opened, "/v1/attestations", "attestations", **narrowed)), COLUMNS, as_json=as_json)
