"""
A copy of a node in a folder: the database's dump, the keys if they were asked for, and what says that it is whole.

`manifest.json` names every file with its sha256; `SHA256SUMS` covers the manifest too, in the form that the command
`sha256sum --check` reads.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hub.store.copies import Contents, TreeHead
from schemas.texts import Text

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
DUMP, MANIFEST, SUMS, KEYS = "database.dump", "manifest.json", "SHA256SUMS", "keys"
CHUNK_BYTES = 1 << 20


class CopyRefused(Exception):
    """The copy cannot be made or used; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


DAMAGED = Text("the copy is damaged: {file}", "la copia está dañada: {file}")
NO_COPY = Text("{folder} holds no copy of a node", "{folder} no contiene la copia de un nodo")
TOO_NEW = Text(
    "the copy was made by a newer Puente ({theirs}; this is {ours}): update first",
    "la copia la hizo un Puente más nuevo ({theirs}; este es {ours}): actualice primero",
)
ANOTHERS = Text("the copy is of node {theirs}; this is node {ours}", "la copia es del nodo {theirs}; este es {ours}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a copy is and holds; `files` are sha256 sums by name."""

    node: str
    made_at: datetime
    hub_version: str
    contents: Contents
    files: dict[str, str]

    def text(self) -> str:
        """As it stands in the folder."""
        told: dict[str, Any] = {
            "format": FORMAT,
            "node": self.node,
            "made_at": self.made_at.isoformat(),
            "hub_version": self.hub_version,
            "migrations": list(self.contents.migrations),
            "tables": self.contents.tables,
            "tree_head": asdict(self.contents.tree_head) if self.contents.tree_head else None,
            "files": self.files,
        }
        return json.dumps(told, indent=2) + "\n"

    @property
    def has_keys(self) -> bool:
        """Whether the node's keys are in it."""
        return any(name.startswith(f"{KEYS}/") for name in self.files)


def manifest_of(text: str) -> Manifest:
    """
    The manifest that `Manifest.text` has written.

    Raises:
        ValueError, KeyError, TypeError: it is not one.
    """
    told = json.loads(text)
    if told["format"] != FORMAT:
        raise ValueError(told["format"])
    head = told["tree_head"]
    return Manifest(
        node=str(told["node"]),
        made_at=datetime.fromisoformat(told["made_at"]),
        hub_version=str(told["hub_version"]),
        contents=Contents(
            migrations=tuple(told["migrations"]),
            tables={str(table): int(rows) for table, rows in told["tables"].items()},
            tree_head=TreeHead(**head) if head else None,
        ),
        files={str(name): str(digest) for name, digest in told["files"].items()},
    )


def sha256_of(path: Path) -> str:
    """The digest of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def seal(folder: Path, manifest: Manifest) -> None:
    """Write down what the folder holds."""
    (folder / MANIFEST).write_text(manifest.text(), "utf-8")
    sums = {**manifest.files, MANIFEST: sha256_of(folder / MANIFEST)}
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()), "utf-8")


def opened(folder: Path) -> Manifest:
    """
    The manifest of a copy that is whole: every file is there and is what was written.

    Raises:
        CopyRefused: it is not; names the file.
    """
    if not (folder / SUMS).is_file():
        raise CopyRefused(NO_COPY.format(folder=folder))
    sums = _sums(folder)
    for name, digest in sums.items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != digest:
            raise CopyRefused(DAMAGED.format(file=name))
    try:
        manifest = manifest_of((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CopyRefused(DAMAGED.format(file=MANIFEST)) from error
    if {**manifest.files, MANIFEST: sums.get(MANIFEST)} != sums:
        raise CopyRefused(DAMAGED.format(file=SUMS))
    return manifest


def _sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except ValueError as error:  # not UTF-8, or a line of something else
        raise CopyRefused(DAMAGED.format(file=SUMS)) from error


def require_ours(manifest: Manifest, *, node: str, hub_version: str, migrations: tuple[str, ...]) -> None:
    """
    Only this node's own copy, made by this version or an older one.

    Raises:
        CopyRefused: it is another's, or from the future.
    """
    if manifest.node != node:
        raise CopyRefused(ANOTHERS.format(theirs=manifest.node, ours=node))
    unknown = set(manifest.contents.migrations) - set(migrations)
    if unknown or _order(manifest.hub_version) > _order(hub_version):
        raise CopyRefused(TOO_NEW.format(theirs=manifest.hub_version, ours=hub_version))


def _order(version: str) -> tuple[int, ...]:
    """Numbers to compare by; what follows them (`rc1`, `dev`) does not count."""
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
