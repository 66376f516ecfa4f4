"""Makes a verified copy of a node's database, and puts one back."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub import copies, keys
from hub.copies import CopyRefused, Manifest
from hub.embedded.postgres import programs
from hub.store import copies as stored
from hub.store.copies import Place
from hub.store.migrate import known, migrate
from hub.store.roles import make_roles
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


SECRET = 0o600
NOT_EMPTY = Text("{folder} is there already", "{folder} ya existe")
FAILED = Text("{program} failed: {said}", "{program} falló: {said}")
IN_USE = Text(
    "the database is in use by {users}: stop the node first", "la base de datos está en uso por {users}: pare el nodo"
)
HAS_DATA = Text(
    "the database {name} is not empty; --replace puts the copy in its place and keeps it under another name",
    "la base de datos {name} no está vacía; --replace pone la copia en su lugar y la conserva con otro nombre",
)
DIFFERS = Text(
    "what was restored is not what was copied: {what}; nothing was changed",
    "lo restaurado no es lo copiado: {what}; no se cambió nada",
)
NOT_LET = Text("the database server refuses: {why}", "el servidor de base de datos se niega: {why}")
NO_KEYS = Text("the copy holds no keys", "la copia no contiene claves")
OTHER_KEY = Text(
    "{file} is there and is another key: move it away first", "{file} ya existe y es otra clave: apártela primero"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Whose copy: its id, the hub's version, where its keys are, and its database."""

    id: str
    hub_version: str
    state_dir: Path
    database_url: str


def make(node: Node, folder: Path, *, with_keys: bool, at: datetime) -> Manifest:
    """
    Copy the node's database as it is at one moment into a new folder; the node may go on working.

    Raises:
        CopyRefused: the folder is there, or the database could not be read.
    """
    if folder.exists():
        raise CopyRefused(NOT_EMPTY.format(folder=folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: half a copy under its own name might one day be taken for one.
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        scratch = Path(name) / "copy"
        scratch.mkdir(mode=0o700)
        place = Place(url=node.database_url)
        with stored.snapshot(node.database_url) as (contents, snapshot):
            dump = scratch / copies.DUMP
            dump.touch(mode=SECRET)
            _run(
                "pg_dump", place, f"--snapshot={snapshot}", "--format=custom", "--enable-row-security", f"--file={dump}"
            )
        if with_keys:
            _take_keys(node, scratch / copies.KEYS)
        files = sorted(path for path in scratch.rglob("*") if path.is_file())
        manifest = Manifest(
            node=node.id,
            made_at=at,
            hub_version=node.hub_version,
            contents=contents,
            files={path.relative_to(scratch).as_posix(): copies.sha256_of(path) for path in files},
        )
        copies.seal(scratch, manifest)
        copies.opened(scratch)
        scratch.rename(folder)
    return manifest


def _take_keys(node: Node, to: Path) -> None:
    to.mkdir(mode=0o700)
    for key in _key_files(node.state_dir):
        keys.write(to / key.name, key.read_bytes(), mode=SECRET)


def _key_files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.pem"), *folder.glob("*.key")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back; `aside` is the database that was there before, under its new name, if it held anything."""

    manifest: Manifest
    aside: str | None


def restore(node: Node, folder: Path, *, replace: bool, with_keys: bool, at: datetime) -> Restored:
    """
    Put a copy in the place of the node's database, after it was restored beside it and compared with its manifest.

    Raises:
        CopyRefused: the copy is damaged, another node's or too new; the database is in use, or holds data and may not
            be replaced; or what was restored differs from what was copied. Nothing has changed then.
    """
    manifest = copies.opened(folder)
    copies.require_ours(manifest, node=node.id, hub_version=node.hub_version, migrations=known())
    if with_keys:
        _require_keys(node, folder, manifest)
    place = Place(url=node.database_url)
    with _let():
        was_empty = _require_free(place, replace=replace)
        new = place.beside(f"{place.name}_restoring")
        try:
            _fill(new, folder, manifest)
            aside = place.give_way(new, at=at)
        except BaseException:
            new.drop()
            raise
        if was_empty:
            aside.drop()
    if with_keys:
        _put_keys(node, folder)
    return Restored(manifest=manifest, aside=None if was_empty else aside.name)


def _require_free(place: Place, *, replace: bool) -> bool:
    """Whether there is nothing to lose."""
    if not place.is_there():
        return True
    if users := place.users():
        raise CopyRefused(IN_USE.format(users=", ".join(users)))
    if place.is_empty():
        return True
    if not replace:
        raise CopyRefused(HAS_DATA.format(name=place.name))
    return False


def _fill(new: Place, folder: Path, manifest: Manifest) -> None:
    new.create()
    make_roles(new.url)
    _run("pg_restore", new, "--exit-on-error", "--no-owner", str(folder / copies.DUMP))
    found = stored.held(new.url)
    if found != manifest.contents:
        raise CopyRefused(DIFFERS.format(what=_difference(manifest.contents, found)))
    migrate(new.url)
    stored.settle(new.url)
    stored.analyze(new.url)


def _difference(copied: stored.Contents, found: stored.Contents) -> str:
    """The first thing that differs, named."""
    for table in sorted(copied.tables.keys() | found.tables.keys()):
        if copied.tables.get(table) != found.tables.get(table):
            return f"{table} ({copied.tables.get(table)} -> {found.tables.get(table)})"
    return "tree_head" if copied.tree_head != found.tree_head else "migrations"


def _require_keys(node: Node, folder: Path, manifest: Manifest) -> None:
    if not manifest.has_keys:
        raise CopyRefused(NO_KEYS)
    for key in _key_files(folder / copies.KEYS):
        present = node.state_dir / key.name
        if present.exists() and present.read_bytes() != key.read_bytes():
            raise CopyRefused(OTHER_KEY.format(file=present))


def _put_keys(node: Node, folder: Path) -> None:
    for key in _key_files(folder / copies.KEYS):
        keys.write(node.state_dir / key.name, key.read_bytes(), mode=SECRET)


@contextmanager
def _let() -> Iterator[None]:
    try:
        with stored.told_why():
            yield
    except stored.NotAllowed as error:
        raise CopyRefused(NOT_LET.format(why=error)) from error


def _run(program: str, place: Place, *arguments: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(programs() / program), f"--dbname={place.for_program(Path(folder) / 'passfile')}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # The server's words on rows can hold what is in them; the last line names only what failed.
        said = done.stderr.strip().splitlines()
        raise CopyRefused(FAILED.format(program=program, said=said[0] if said else done.returncode))
