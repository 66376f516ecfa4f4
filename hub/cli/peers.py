"""`puente peer`: whom this node trusts across the border. Works on the node's own machine and database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from hub import border_keys, main, main_border, peers
from hub.border import anchor as anchors
from hub.border_keys import NoRollOver
from hub.cli.config import with_config
from hub.cli.language import LANGUAGE, say
from hub.cli.peer_check import check
from hub.errors import Conflict, Invalid, NotVisible
from hub.peers import Shown
from hub.settings import Settings
from hub.signing import seal
from hub.store import Connection, audit, connect
from hub.store import peers as stored

NODE = click.argument("peer", metavar="NODE")
NO_PEER = ("no such node is known here", "aquí no se conoce ese nodo")
DAYS = "d"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", DAYS: "days"}


@click.group(
    help=say("Trust the other node, and look after the border.", "Confía en el otro nodo y cuida la frontera.")
)
def peer() -> None:
    """Set up, roll over, cut off, begin again: docs/operations.md."""


peer.add_command(check)


@peer.command(
    help=say(
        "Write this node's anchor: what the other side imports. Prints its fingerprint, to be read aloud.\n\n\b\n"
        "Example: puente peer export --out us.anchor",
        "Escribe el ancla de este nodo: lo que importa el otro lado. Muestra su huella para leerla en voz alta.\n\n\b\n"
        "Ejemplo: puente peer export --out mx.ancla",
    )
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=say("A file; else it is printed.", "Un archivo; si no, se imprime."),
)
@with_config
def export(out: Path | None, config: Path | None) -> None:
    """Makes the first key where there is none."""
    told, at = main.settings(config), main.now()
    main_border.require_border(told)
    held = border_keys.first(told.state_dir, at)
    with _refusals():
        key = border_keys.signing(held, at).signing
        own = main_border.own_anchor(told, held, at).anchor
        shown = peers.read(seal(key, own.payload, anchors.TYPE), at)
    if out is None:
        click.echo(shown.signed)
    else:
        out.write_text(f"{shown.signed}\n", "ascii")
    click.echo(_described(shown), err=True)


@peer.command(
    name="import",
    help=say(
        "Trust the node whose anchor is in FILE. Without --fingerprint it shows the fingerprint and asks whether the"
        " other operator has read the same one aloud.\n\n\b\n"
        'Example: puente peer import mx.anchor --fingerprint "1a2b 3c4d ..."',
        "Confía en el nodo cuya ancla está en FILE. Sin --fingerprint muestra la huella y pregunta si la otra persona"
        " operadora ha leído la misma en voz alta.\n\n\b\n"
        'Ejemplo: puente peer import us.ancla --fingerprint "1a2b 3c4d ..."',
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--fingerprint", help=say("The one that was read aloud.", "La que se leyó en voz alta."))
@click.option(
    "--replace",
    is_flag=True,
    help=say(
        "Also when none of its pinned keys vouches for the new ones.",
        "También si ninguna de sus claves fijadas avala las nuevas.",
    ),
)
@with_config
def import_(file: Path, fingerprint: str | None, config: Path | None, *, replace: bool) -> None:
    """Exit status 1 when it is refused; nothing is changed then."""
    with _node(config) as (told, conn), _refusals():
        shown = peers.read(file.read_text("ascii", errors="replace").strip(), main.now())
        click.echo(_described(shown), err=True)
        if fingerprint is None and not click.confirm(
            say(
                "Has the other operator read this fingerprint aloud?",
                "¿La otra persona operadora ha leído esta huella en voz alta?",
            ),
            err=True,
        ):
            raise click.Abort
        peers.trust(conn, told.node.id, shown, main.now(), told=fingerprint, replace=replace)
    node = shown.anchor.node
    click.echo(say(f"node {node} is trusted from now on", f"desde ahora se confía en el nodo {node}"))


@peer.command(
    help=say(
        "Make the next key. The other side hears of it in the stream before it begins; nothing is to be done there."
        "\n\n\b\nExample: puente peer rollover --in 7d",
        "Crea la clave siguiente. El otro lado se entera por la propia secuencia antes de que empiece; allí no hay que"
        " hacer nada.\n\n\b\nEjemplo: puente peer rollover --in 7d",
    )
)
@click.option(
    "--in",
    "after",
    metavar="30d|12h|10m|0s",
    help=say("When it begins; in 30 days, unless given.", "Cuándo empieza; en 30 días, si no se indica."),
)
@with_config
def rollover(after: str | None, config: Path | None) -> None:
    """The present key stays valid for 30 days after the next one has begun."""
    with _node(config) as (told, conn), _refusals():
        main_border.require_border(told)
        made = border_keys.roll_over(told.state_dir, main.now(), after=None if after is None else _duration(after))
        detail = {"kid": made.signing.kid, "valid_from": made.valid_from.isoformat()}
        audit.note(conn, told.node.id, "peer.rollover", detail)
    begins = f"{made.valid_from:%Y-%m-%d %H:%M:%S} UTC"
    click.echo(say(f"the next key begins at {begins}", f"la clave siguiente empieza el {begins}"))


@peer.command(
    name="list",
    help=say(
        "Every node that is or was trusted.\n\n\b\nExample: puente peer list",
        "Todos los nodos en que se confía o se confió.\n\n\b\nEjemplo: puente peer list",
    ),
)
@with_config
def list_(config: Path | None) -> None:
    """One line a node."""
    with _node(config) as (_, conn):
        for one in stored.all_peers(conn):
            state = one.state if one.reason is None else f"{one.state} ({one.reason})"
            ends = max((key.valid_until for key in stored.keys_of(conn, one.node).values()), default=None)
            until = f"{ends:%Y-%m-%d}" if ends else "-"
            click.echo("\t".join((one.node, state, one.url, say(f"keys until {until}", f"claves hasta {until}"))))


@peer.command(
    help=say(
        "Trust a node no longer: nothing is sent, and nothing of it is taken, within seconds. What crossed stays until"
        ' its grants end.\n\n\b\nExample: puente peer remove mx --reason "keys lost"',
        "Deja de confiar en un nodo: en segundos no se envía nada ni se acepta nada suyo. Lo que cruzó queda hasta que"
        ' terminen sus permisos.\n\n\b\nEjemplo: puente peer remove us --reason "claves perdidas"',
    )
)
@NODE
@click.option("--reason", required=True, help=say("Why, for the record.", "Por qué, para el registro."))
@with_config
def remove(peer: str, reason: str, config: Path | None) -> None:
    """It comes back by import."""
    with _node(config) as (told, conn), _refusals():
        peers.remove(conn, told.node.id, peer, reason)
    click.echo(say(f"node {peer} is trusted no longer", f"ya no se confía en el nodo {peer}"))


@peer.command(
    help=say(
        "Begin again with a node that was stopped, e.g. after a fork; run it on both sides. Everything is sent anew,"
        " and what is known there changes nothing.\n\n\b\nExample: puente peer resume mx",
        "Vuelve a empezar con un nodo detenido, p. ej. tras una bifurcación; ejecútelo en ambos lados. Todo se envía de"
        " nuevo, y lo ya conocido no cambia nada.\n\n\b\nEjemplo: puente peer resume us",
    )
)
@NODE
@with_config
def resume(peer: str, config: Path | None) -> None:
    """Both directions begin a new stream."""
    with _node(config) as (told, conn), _refusals():
        peers.resume(conn, told.node.id, peer, main.now())
    click.echo(say(f"crossing to {peer} begins again", f"el cruce a {peer} vuelve a empezar"))


def _showing(name: str, about: str, *, is_shown: bool) -> click.Command:
    @click.command(name=name, help=about)
    @click.argument("agency")
    @with_config
    def command(agency: str, config: Path | None) -> None:
        with _node(config) as (told, conn), _refusals():
            changed = peers.show(conn, told.node.id, agency, is_shown=is_shown)
        done = say(f"{agency}: done", f"{agency}: hecho")
        click.echo(done if changed else say(f"{agency}: as it was", f"{agency}: sin cambios"))

    return command


peer.add_command(
    _showing(
        "show",
        say(
            "Let the other side know of an agency of ours.\n\n\b\nExample: puente peer show us-ca-sdpd",
            "Da a conocer al otro lado una agencia nuestra.\n\n\b\nEjemplo: puente peer show mx-bcn-fge",
        ),
        is_shown=True,
    )
)
peer.add_command(
    _showing(
        "hide",
        say(
            "Hide an agency of ours from the other side: nothing goes from it or to it.\n\n\b\n"
            "Example: puente peer hide us-ca-sdpd",
            "Oculta al otro lado una agencia nuestra: nada sale de ella ni le llega.\n\n\b\n"
            "Ejemplo: puente peer hide mx-bcn-fge",
        ),
        is_shown=False,
    )
)


@contextmanager
def _node(config: Path | None) -> Iterator[tuple[Settings, Connection]]:
    told = main.settings(config)
    with connect(main.database_url(told), name="puente-cli") as conn:
        yield told, conn


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NotVisible:
        click.echo(say(*NO_PEER), err=True)
        sys.exit(1)
    except Invalid as error:
        raise click.ClickException("; ".join(flaw.text.in_(LANGUAGE) for flaw in error.flaws)) from error
    except (Conflict, NoRollOver) as error:
        raise click.ClickException(error.text.in_(LANGUAGE)) from error


def _described(shown: Shown) -> str:
    anchor = shown.anchor
    what = say(f"node {anchor.node} at {anchor.url}", f"nodo {anchor.node} en {anchor.url}")
    return f"{what}\n{say('fingerprint', 'huella')}: {shown.fingerprint}"


def _duration(told: str) -> timedelta:
    number, unit = told[:-1], told[-1:]
    if unit not in UNITS or not number.isdecimal() or len(number) > 5:
        raise click.UsageError(say("--in: a number and s, m, h or d", "--in: un número y s, m, h o d"))
    return timedelta(**{UNITS[unit]: int(number)})
