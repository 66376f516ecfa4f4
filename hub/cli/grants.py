"""Move the grants of a file into the database: what `puente grant` can do on the node's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub import main
from hub.cli.config import with_config
from hub.cli.language import say
from hub.grant_diff import Difference, compare
from hub.grants import Selector, Tlp
from hub.store import audit, connect
from hub.store import grants as stored
from schemas.sensitivity import Sensitivity

if TYPE_CHECKING:
    from hub.grants import Grant, GrantSet
    from hub.store import Connection

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(help=say("On the node's own machine.", "En la propia máquina del nodo."))
def grant() -> None:
    """Joined with the commands of the same name that speak to the gateway."""


@grant.command(
    help=say(
        "Show what a grants file would add, change and remove against an earlier file's. Changes nothing.\n\n"
        "\b\nExample: puente grant diff grants.toml --config config/hub.toml",
        "Muestra qué agregaría, cambiaría y quitaría un archivo de permisos frente al anterior. No cambia nada.\n\n"
        "\b\nEjemplo: puente grant diff grants.toml --config config/hub.toml",
    )
)
@click.argument("file", type=FILE)
@with_config
def diff(file: Path, config: Path | None) -> None:
    """Exit status 0 when the file says what is there, else 1."""
    wanted = main.grants(file)
    with connect(main.database_url(main.settings(config)), name="puente-cli") as conn:
        found = compare(stored.imported(conn), wanted.grants)
    _print(found)
    if not found.is_none:
        raise SystemExit(1)


@grant.command(
    "import",
    help=say(
        "Show the difference and, with --apply, put the file's grants in the place of an earlier file's. Only as long "
        "as nobody has proposed a grant through the API: from then on people decide, two by two.\n\n"
        "\b\nExample: puente grant import grants.toml --apply --config config/hub.toml",
        "Muestra la diferencia y, con --apply, pone los permisos del archivo en lugar de los del anterior. Solo "
        "mientras nadie haya propuesto un permiso por la API: desde entonces deciden personas, de dos en dos.\n\n"
        "\b\nEjemplo: puente grant import grants.toml --apply --config config/hub.toml",
    ),
)
@click.argument("file", type=FILE)
@click.option("--apply", "is_applied", is_flag=True, help=say("Do it.", "Hazlo."))
@with_config
def import_(file: Path, is_applied: bool, config: Path | None) -> None:
    """Leaves an entry in the audit that names every grant it touched."""
    settings = main.settings(config)
    wanted = main.grants(file)
    with connect(main.database_url(settings), name="puente-cli") as conn, conn.transaction():
        stored.hold(conn)
        if stored.any_proposed(conn):
            text = say(
                "grants have been proposed through the API: the file no longer decides",
                "ya se han propuesto permisos por la API: el archivo ya no decide",
            )
            raise click.ClickException(text)
        found = compare(stored.imported(conn), wanted.grants)
        _print(found)
        if is_applied and not found.is_none:
            _apply(conn, settings.node.id, wanted, found)
    if is_applied:
        click.echo(say("applied", "aplicado"))
    elif not found.is_none:
        click.echo(say("nothing was changed; say --apply to do it", "no se cambió nada; use --apply para hacerlo"))


def _apply(conn: Connection, node: str, wanted: GrantSet, found: Difference) -> None:
    detail = {
        "added": [one.id for one in found.added],
        "changed": [id_ for id_, _ in found.changed],
        "removed": [one.id for one in found.removed],
        "sha256": wanted.digest,
    }
    audit.note(conn, node, "grant.import", detail)
    stored.replace_imported(conn, wanted.grants, bytes.fromhex(wanted.digest))


def _print(found: Difference) -> None:
    if found.is_none:
        click.echo(say("no difference", "sin diferencias"))
    for one in found.added:
        click.echo(f"+ {one.id}: {_said(one)}")
    for id_, members in found.changed:
        click.echo(f"~ {id_}")
        for name, before, after in members:
            click.echo(f"    {name}: {_value(before)} -> {_value(after)}")
    for one in found.removed:
        click.echo(f"- {one.id}: {_said(one)}")


def _said(one: Grant) -> str:
    return f"{_value(one.source)} -> {_value(one.reader)} {_value(one.types)} {_value(one.jurisdictions)}"


def _value(value: object) -> str:
    if isinstance(value, Selector):
        members = {"agency": value.agency, "kind": value.kind, "country": value.country}
        return ",".join(f"{name}={one}" for name, one in members.items() if one is not None)
    if isinstance(value, tuple):
        return " ".join(map(_value, value))
    return value.name.lower() if isinstance(value, Tlp | Sensitivity) else str(value)
