"""`puente init`: found a node."""

from __future__ import annotations

from pathlib import Path

import click

from hub import founding, keys, main, signing
from hub.cli.config import with_config
from hub.cli.language import LANGUAGE, say
from hub.errors import Conflict, Invalid
from hub.founding import Founder, operator_of
from hub.store import connect


@click.command(
    help=say(
        """Enrol the agency that operates this node and its first two persons, once. Everything after that goes through
        the API. A key file that is not there is made, readable by its owner alone; one that is may hold the public
        half only.

        \b
        puente init --person olga --name "Olga Ruiz" --key olga.pem \\
                    --person omar --name "Omar Diaz" --key omar.pem

        Exit status 1 when the node has operators already.""",
        """Registra la agencia que opera este nodo y sus dos primeras personas, una sola vez. Lo demás va por la API.
        Si un archivo de clave no existe se crea, legible solo por su dueño; si existe puede tener solo la mitad
        pública.

        \b
        puente init --person olga --name "Olga Ruiz" --key olga.pem \\
                    --person omar --name "Omar Díaz" --key omar.pem

        Termina con 1 cuando el nodo ya tiene operadores.""",
    )
)
@click.option("--person", "ids", multiple=True, required=True, help=say("Who, e.g. olga.", "Quién, p. ej. olga."))
@click.option("--name", "names", multiple=True, required=True, help=say("Their name.", "Su nombre."))
@click.option(
    "--key",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help=say("Their key file (PEM).", "Su archivo de clave (PEM)."),
)
@with_config
def init(ids: tuple[str, ...], names: tuple[str, ...], files: tuple[Path, ...], config: Path | None) -> None:
    """Works on the database of the settings file."""
    if not len(ids) == len(names) == len(files) == 2:
        raise click.UsageError(
            say("give --person, --name and --key twice", "indique --person, --name y --key dos veces")
        )
    told = main.settings(config)
    operator = operator_of(told.node.id)
    with connect(main.database_url(told), name="puente-init") as conn:
        founders = [
            Founder(id=id_ if "." in id_ else f"{operator}.{id_}", name=name, key=_public(file))
            for id_, name, file in zip(ids, names, files, strict=True)
        ]
        try:
            founding.found(conn, told.node.id, founders, policy=main.limits(told).digest[:8])
        except Invalid as error:
            raise click.ClickException("; ".join(flaw.text.in_(LANGUAGE) for flaw in error.flaws)) from error
        except Conflict as error:
            raise click.ClickException(error.text.in_(LANGUAGE)) from error
    for founder in founders:
        click.echo(say(f"{founder.id} may operate this node", f"{founder.id} puede operar este nodo"))


def _public(file: Path) -> str:
    """The public half of the key in a file; a pair is made where there is none."""
    if not file.exists():
        keys.client_key(file)
        made = say(
            f"{file.absolute()}: a new private key; give it to its person, and keep no copy",
            f"{file.absolute()}: una clave privada nueva; entréguela a su persona y no guarde copia",
        )
        click.echo(made)
    pem = file.read_bytes()
    if b"PRIVATE" not in pem:
        return pem.decode("ascii", errors="replace")
    try:
        return signing.public_pem(pem)
    except ValueError as error:
        raise click.ClickException(say(f"{file}: not a key in PEM", f"{file}: no es una clave en PEM")) from error
