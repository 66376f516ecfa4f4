"""What `puente receipts` can do without a gateway: check a certificate of notification."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from hub.cli.language import LANGUAGE, say
from schemas.texts import Text

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
HOLDS = Text(
    "The certificate holds: event {event} of {agency}, {type}, with {rows} rows, as {issuer} told at {at}.",
    "El certificado es válido: evento {event} de {agency}, {type}, con {rows} filas, según {issuer} el {at}.",
)
AUDIT = Text(
    "Audit at that time: {size} entries, head {root}, signed {at}.",
    "Auditoría en ese momento: {size} entradas, cabeza {root}, firmada el {at}.",
)
BROKEN = Text("NOT VALID: {why}", "NO VÁLIDO: {why}")


@click.group(help=say("Check what was certified.", "Verifica lo certificado."))
def receipts() -> None:
    """Joined with the commands of the same name that speak to the gateway."""


@receipts.command(
    help=say(
        "Check a certificate of notification, without a node or a network. Exit status 1: it does not hold.\n\n\b\n"
        "Example: puente receipts verify certificate.jwt --jwks jwks.json",
        "Verifica un certificado de notificación, sin nodo ni red. Termina con 1 si no es válido.\n\n\b\n"
        "Ejemplo: puente receipts verify certificado.jwt --jwks jwks.json",
    )
)
@click.argument("file", type=FILE)
@click.option(
    "--jwks",
    "jwks",
    type=FILE,
    required=True,
    help=say("the node's JWK set (RFC 7517)", "el JWK set del nodo (RFC 7517)"),
)
@click.option(
    "--csv", "as_csv", is_flag=True, help=say("show what is certified, as CSV", "muestra lo certificado, como CSV")
)
def verify(file: Path, jwks: Path, as_csv: bool) -> None:
    """Says of which event it is, when it was made, and which audit stands behind it."""
    from hub import certificates, keys, sheet  # not at the top: who only asks a gateway needs none of it

    try:
        trusted = keys.public_keys(orjson.loads(jwks.read_bytes()))
    except ValueError as error:
        raise click.BadParameter(say("not a JWK set", "no es un JWK set"), param_hint="--jwks") from error
    try:
        held, head = certificates.read(file.read_text("utf-8", "replace").strip(), trusted)
    except certificates.NotCertified as error:
        click.echo(BROKEN.format(why=error.text).in_(LANGUAGE), err=True)
        sys.exit(1)
    if as_csv:
        click.echo(sheet.as_csv(held.columns, held.rows), nl=False)
        return
    told = {"event": held.event, "agency": held.agency, "type": held.type, "issuer": held.issuer, "at": held.at}
    click.echo(HOLDS.format(**told, rows=len(held.rows)).in_(LANGUAGE))
    click.echo(AUDIT.format(size=head.size, root=head.root.hex(), at=head.at.isoformat()).in_(LANGUAGE))
