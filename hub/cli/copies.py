"""Commands that copy a node and put a copy back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import click

from hub import backup as use
from hub import launch, main
from hub.cli.config import with_config
from hub.cli.language import LANGUAGE, say
from hub.copies import CopyRefused, Manifest

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(
    help=say(
        "Copy the node's database, as it is at one moment, into the new folder DIR; the node may go on working.\n\n"
        "The copy holds personal data: keep it as the database itself. How to put it back: docs/operations.md.\n\n\b\n"
        "Example: puente backup /backup/us-2026-11-25 --config hub.toml",
        "Copia la base de datos del nodo, tal como está en un instante, en la carpeta nueva DIR; el nodo sigue.\n\n"
        "La copia contiene datos personales: guárdela como la base misma. Restaurarla: docs/operations.md.\n\n\b\n"
        "Ejemplo: puente backup /respaldo/mx-2026-11-25 --config hub.toml",
    )
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--with-keys",
    is_flag=True,
    help=say("The node's private keys too.", "También las claves privadas del nodo."),
)
@with_config
def backup(folder: Path, config: Path | None, *, with_keys: bool) -> None:
    """Exit status 0 means: written, read again, and whole."""
    with _node(config) as node, _refusals():
        manifest = use.make(node, folder, with_keys=with_keys, at=main.now())
    click.echo(_told(manifest, say(f"{folder}: copy of node", f"{folder}: copia del nodo")))
    if with_keys:
        click.echo(
            say(
                "The copy holds the node's private keys: whoever has it can issue tokens in the node's name.",
                "La copia contiene las claves privadas del nodo: quien la tenga puede emitir tokens en su nombre.",
            ),
            err=True,
        )


@click.command(
    help=say(
        "Put the copy in DIR in the place of the node's database. The node must be stopped.\n\n"
        "It is restored beside the database, compared with its manifest, and only then takes its place.\n\n\b\n"
        "Example: puente restore /backup/us-2026-11-25 --replace --config hub.toml",
        "Pone la copia de DIR en lugar de la base de datos del nodo. El nodo debe estar parado.\n\n"
        "Se restaura junto a la base, se compara con su manifiesto y solo entonces toma su lugar.\n\n\b\n"
        "Ejemplo: puente restore /respaldo/mx-2026-11-25 --replace --config hub.toml",
    )
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--replace",
    is_flag=True,
    help=say(
        "Also where the database holds data; it is kept under another name.",
        "Aunque la base contenga datos; se conserva con otro nombre.",
    ),
)
@click.option(
    "--with-keys",
    is_flag=True,
    help=say("Put the copy's keys back too.", "Restituye también las claves de la copia."),
)
@with_config
def restore(folder: Path, config: Path | None, *, replace: bool, with_keys: bool) -> None:
    """Exit status 1 means: refused, and nothing was changed."""
    with _node(config) as node, _refusals():
        done = use.restore(node, folder, replace=replace, with_keys=with_keys, at=main.now())
        has_keys = (node.state_dir / "cursor.key").exists()
    click.echo(_told(done.manifest, say("restored: node", "restaurado: nodo")))
    if done.aside is not None:
        click.echo(say(f"the former database is kept as {done.aside}", f"la base anterior queda como {done.aside}"))
    click.echo(
        say(
            "What was decided after the copy is undone: suspend again whoever was suspended since.",
            "Lo decidido después de la copia queda deshecho: vuelva a suspender a quien se suspendió desde entonces.",
        ),
        err=True,
    )
    if not has_keys:
        click.echo(
            say(
                "This machine has no keys of the node: cursors and tokens given out before will not be accepted.",
                "Esta máquina no tiene las claves del nodo: los cursores y tokens entregados antes no serán aceptados.",
            ),
            err=True,
        )


@contextmanager
def _node(config: Path | None) -> Iterator[use.Node]:
    told = main.configured(config)
    with launch.own_database(config) as url:
        yield use.Node(id=told.node.id, hub_version=version("puente"), state_dir=told.state_dir, database_url=url)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except CopyRefused as refusal:
        raise click.ClickException(refusal.text.in_(LANGUAGE)) from refusal


def _told(manifest: Manifest, what: str) -> str:
    tables, head = manifest.contents.tables, manifest.contents.tree_head
    rows = say(
        f"{tables.get('event', 0)} events, {tables.get('audit', 0)} audit entries, {sum(tables.values())} rows in all",
        f"{tables.get('event', 0)} eventos, {tables.get('audit', 0)} asientos, {sum(tables.values())} filas en total",
    )
    signed = say(f"; audit tree of {head.size}", f"; árbol de auditoría de {head.size}") if head else ""
    return f"{what} {manifest.node}, {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {rows}{signed}"
