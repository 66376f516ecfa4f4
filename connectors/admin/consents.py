"""``puente consent``: what a victim allowed to be shared, with whom and until when; and its withdrawal."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from connectors.admin import asking
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "id": "id",
    "state": say("state", "estado"),
    "source": say("of", "de"),
    "subject": "subject",
    "fields": say("members", "miembros"),
    "recipients": say("for", "para"),
    "purpose": say("purpose", "fin"),
    "valid_until": say("until", "hasta"),
}
GIVERS = ("individual", "caregiver", "guardian", "minor-self")


@click.group(help=say("Consents to share protected members.", "Consentimientos para compartir miembros protected."))
def consent() -> None:
    """``puente consent``"""


@consent.command(
    help=say(
        """Put on record that the person behind SUBJECT allows protected members to be shared.

        \b
        puente consent record case-17 --field /data/victims/0/prs_FirstName --to us-ca-shelter \\
            --purpose victim-services --given-by individual --not-abuser-attested --form 2026-1 --language es \\
            --signed-at 2026-05-04T10:00:00-07:00 --until 2026-07-01T00:00:00Z --as ana.toml

        Prints the id, and how many events come to the recipients once more because of it.""",
        """Registra que la persona detrás de SUBJECT permite compartir miembros protected.

        \b
        puente consent record caso-17 --field /data/victims/0/prs_FirstName --to mx-bcn-casa \\
            --purpose victim-services --given-by individual --not-abuser-attested --form 2026-1 --language es \\
            --signed-at 2026-05-04T10:00:00-07:00 --until 2026-07-01T00:00:00Z --as ana.toml

        Imprime el id y cuántos eventos llegan de nuevo a los destinatarios por ello.""",
    )
)
@click.argument("subject")
@click.option("--field", "fields", multiple=True, required=True, help=say("A JSON pointer.", "Un puntero JSON."))
@click.option("--to", "recipients", multiple=True, required=True, help=say("An agency, by id.", "Una agencia, por id."))
@click.option("--purpose", required=True, help=say("As in the grant.", "Como en el permiso."))
@click.option("--given-by", type=click.Choice(GIVERS), required=True, help=say("Who signed.", "Quién firmó."))
@click.option(
    "--not-abuser-attested",
    is_flag=True,
    help=say("Attest that who signed is not the abuser.", "Acredita que quien firmó no es la persona agresora."),
)
@click.option("--form", "form_version", required=True, help=say("Version of the form.", "Versión del formulario."))
@click.option("--language", required=True, help=say("It was explained in, e.g. es.", "En que se explicó, p. ej. es."))
@click.option("--signed-at", required=True, help=say("RFC 3339, with its zone.", "RFC 3339, con su zona horaria."))
@click.option("--until", "valid_until", required=True, help=say("At most 180 days later.", "A los 180 días a lo más."))
@with_profile
def record(profile: Path, **told: Any) -> None:
    """``puente consent record``"""
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
    with asking.gateway(profile) as opened:
        done = opened.ask("POST", "/v1/consents", body=body).body
    again = done["offered"]
    click.echo(done["id"])
    click.echo(say(f"{again} events come to them once more", f"{again} eventos les llegan de nuevo"), err=True)


@consent.command(
    help=say(
        """Withdraw a consent; from this moment on it opens nothing.

        \b
        puente consent withdraw 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as ana.toml""",
        """Retira un consentimiento; desde este momento no abre nada.

        \b
        puente consent withdraw 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as ana.toml""",
    )
)
@click.argument("consent_id", metavar="CONSENT")
@with_profile
def withdraw(consent_id: str, profile: Path) -> None:
    """``puente consent withdraw``"""
    with asking.gateway(profile) as opened:
        done = opened.ask("POST", f"/v1/consents/{quote(consent_id, safe='')}/withdrawal", body={}).body
    click.echo(f"{done['id']}: {done['state']}")


@consent.command(
    name="list",
    help=say(
        "List your agency's consents, and those that name it.", "Lista los consentimientos de su agencia y para ella."
    ),
)
@with_profile
@asking.as_json
def list_(profile: Path, as_json: bool) -> None:
    """``puente consent list``"""
    with asking.gateway(profile) as opened:
        rows = list(asking.every(opened, "/v1/consents", "consents"))
    asking.show(rows, COLUMNS, as_json=as_json)
