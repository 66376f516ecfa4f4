"""`puente audit`: take the audit out of the node, and check it where there is no node."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
import orjson

from hub import bundle, keys
from hub.cli.config import with_config
from hub.cli.language import LANGUAGE, say
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.merkle import Line
    from hub.store.tree import Looked

PAGE_BLOCKS = 8
NUMBERS = 50_000  # looked through at a time
READ_BYTES = 1 << 20
ZIPPED_BYTES = 1 << 13  # what cannot be inflated is lost as a whole; the less that is, the closer the fault is named
ZIPPED = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS  # with its header and its checksum
TORN = Text(
    "the stored tree has a hole before that entry: export everything, and verify it",
    "el árbol guardado tiene un hueco antes de esa entrada: expórtelo todo y verifíquelo",
)
SLIPPED_IN = Text(
    "{count} entries of the audit were never signed and are not in the bundle: somebody put them there later: {some}",
    "{count} entradas de la auditoría nunca se firmaron y no están en el paquete: alguien las puso después: {some}",
)


@click.group(help=say("Export the audit, and check it offline.", "Exporta la auditoría y la verifica sin conexión."))
def audit() -> None:
    """`export` runs on the node, `verify` anywhere."""


@audit.command(
    help=say(
        "Write the audit into one file, gzip if its name ends in .gz.\n\n\b\n"
        "Example: puente audit export audit-2026-11.jsonl.gz --from 120000",
        "Escribe la auditoría en un archivo, gzip si su nombre termina en .gz.\n\n\b\n"
        "Ejemplo: puente audit export auditoria-2026-11.jsonl.gz --from 120000",
    )
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=0),
    default=0,
    help=say("the first entry; everything, unless given", "la primera entrada; todas, si no se indica"),
)
@with_config
def export(file: Path, first: int, config: Path | None) -> None:
    """The file is there whole or not at all."""
    # Not at the top: checking needs no node, and should not wait until all that makes one is loaded.
    from hub import main
    from hub.store import connect, tree

    told = main.settings(config)
    own = main.issuer(told)
    with connect(main.database_url(told), name="puente-cli") as conn:
        newest = tree.newest_head(conn)
        size = newest[0].size if newest else 0
        if first >= size:
            click.echo(
                say(f"the signed audit has {size} entries", f"la auditoría firmada tiene {size} entradas"), err=True
            )
            sys.exit(1)
        try:
            edge = tree.edge(conn, first)
        except tree.Torn as error:
            raise click.ClickException(TORN.in_(LANGUAGE)) from error
        scope = bundle.Scope(
            issuer=own.name,
            jwks={"keys": [own.key.jwk]},
            edge=edge,
            size=size,
            heads=tree.signed_heads(conn, max(first, 1), size, most=bundle.MOST_HEADS),
        )
        with _writing(file) as out:
            _write(scope, partial(tree.lines, conn), out)
        slipped_in = _slipped_in(partial(tree.look_through, conn, limit=NUMBERS))
    click.echo(say(f"{size - first} entries, {first} to {size - 1}", f"{size - first} entradas, {first} a {size - 1}"))
    if slipped_in:
        text = SLIPPED_IN.format(count=len(slipped_in), some=", ".join(map(str, slipped_in[:10])))
        click.echo(text.in_(LANGUAGE), err=True)
        sys.exit(1)


def _slipped_in(look: Callable[[int], Looked | None]) -> list[int]:
    """Numbers of entries that the notary has passed and never seen; none is below 1, unless somebody put it there."""
    found: list[int] = []
    after = -(2**63)
    while (looked := look(after)) is not None:
        found += looked.leafless
        after = looked.last
    return found


def _write(scope: bundle.Scope, lines_of: Callable[[int, int], list[Line]], out: IO[bytes]) -> None:
    out.write(bundle.header(scope))
    laid_out = bundle.blocks(scope.edge.size, scope.size)
    while some := list(islice(laid_out, PAGE_BLOCKS)):
        found = {line.index: line for line in lines_of(some[0][0], some[-1][1])}
        for first, past in some:
            out.write(bundle.block([found.get(index) or bundle.lost(index) for index in range(first, past)]))


@contextmanager
def _writing(file: Path) -> Iterator[IO[bytes]]:
    scratch = file.with_name(f"{file.name}.part")
    try:
        with gzip.open(scratch, "wb", compresslevel=6) if file.suffix == ".gz" else scratch.open("wb") as out:
            yield out  # type: ignore[misc]
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)


@audit.command(
    help=say(
        "Check a bundle, without a node or a network. Exit status 1: it is not what was signed.\n\n\b\n"
        "Example: puente audit verify audit-2026-11.jsonl.gz --key jwks.json --since head-2026-10.jwt",
        "Verifica un paquete, sin nodo ni red. Termina con 1 si no es lo que se firmó.\n\n\b\n"
        "Ejemplo: puente audit verify auditoria-2026-11.jsonl.gz --key jwks.json --since cabeza-2026-10.jwt",
    )
)
@click.argument("file", metavar="BUNDLE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=say("the node's JWK set; the bundle's own, unless given", "el JWK set del nodo; si no, el del propio paquete"),
)
@click.option(
    "--since",
    "since_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=say(
        "a head that you kept, as GET /v1/audit/head gave it: the bundle must begin with what it stands for",
        "una cabeza que usted guardó, como la dio GET /v1/audit/head: el paquete debe empezar con lo que representa",
    ),
)
def verify(file: Path, key_file: Path | None, since_file: Path | None) -> None:
    """Says how many entries hold, under which heads."""
    trusted = None
    if key_file is not None:
        try:
            trusted = keys.public_keys(orjson.loads(key_file.read_bytes()))
        except ValueError as error:
            raise click.BadParameter(say("not a JWK set", "no es un JWK set"), param_hint="--key") from error
    since = _signed(since_file.read_text("utf-8")) if since_file is not None else None
    try:
        with _reading(file) as lines:
            held = bundle.verify(lines, trusted=trusted, since=since)
    except bundle.NotChecked as error:
        raise click.ClickException(error.text.in_(LANGUAGE)) from error
    except bundle.Broken as error:
        click.echo(say("BROKEN: ", "ROTA: ") + error.text.in_(LANGUAGE), err=True)
        sys.exit(1)
    _tell(held, is_trusted=trusted is not None)


def _tell(held: bundle.Held, *, is_trusted: bool) -> None:
    newest = held.heads[-1]
    count, last, heads, when = held.size - held.first, held.size - 1, len(held.heads), newest.at.isoformat()
    click.echo(
        say(
            f"{count} entries hold, {held.first} to {last}; {heads} signed heads hold, the newest of {when}",
            f"{count} entradas intactas, {held.first} a {last}; {heads} cabezas firmadas válidas, la última del {when}",
        )
    )
    click.echo(f"{newest.size} {newest.root.hex()}")
    if not is_trusted:
        names = " ".join(held.keys)
        click.echo(
            say(
                f"The key came with the bundle: {names}. Compare it with the node's, or give --key.",
                f"La clave venía en el paquete: {names}. Compárela con la del nodo, o indique --key.",
            )
        )


def _signed(text: str) -> str:
    """A head as the API gives it, or the signature alone."""
    with suppress(ValueError, KeyError, TypeError):
        return str(orjson.loads(text)["signed"])
    return text.strip()


@contextmanager
def _reading(file: Path) -> Iterator[Iterator[bytes]]:
    """The lines of a plain or a gzip file, without their ends."""
    with file.open("rb") as raw:
        is_zipped = raw.read(2) == ZIPPED
        raw.seek(0)
        yield _split(_unzipped(raw) if is_zipped else iter(partial(raw.read, READ_BYTES), b""))


def _unzipped(raw: IO[bytes]) -> Iterator[bytes]:
    """What a gzip file holds, as far as it is whole."""
    inflating = zlib.decompressobj(GZIP)
    with suppress(zlib.error):
        for packed in iter(partial(raw.read, ZIPPED_BYTES), b""):
            yield inflating.decompress(packed)
        yield inflating.unused_data


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        yield from lines
    if rest:
        yield rest
