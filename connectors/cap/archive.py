"""Documents as received, by SHA-256, on the agency's own machine: proof, and what corrections are made from."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Protocol


class Archive(Protocol):
    """Where originals are kept."""

    def keep(self, raw: bytes) -> None:
        """Keep a document; keeping it again changes nothing."""

    def get(self, sha256: str) -> bytes | None:
        """The document with this digest; None if it is not here or was tampered with."""


class Folder:
    """One file per document, readable by the connector alone, on disk before its event is published."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, raw: bytes) -> None:
        """
        See ``Archive.keep``.

        Raises:
            OSError: the disk does not take it; nothing may be published then.
        """
        target = self._path(hashlib.sha256(raw).hexdigest())
        if target.exists():
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)

    def get(self, sha256: str) -> bytes | None:
        """See ``Archive.get``."""
        try:
            raw = self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        return raw if hashlib.sha256(raw).hexdigest() == sha256 else None

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / f"{sha256}.xml"


class Passing:
    """Keeps the latest documents, for the length of a dry run only."""

    MOST = 1_000

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def keep(self, raw: bytes) -> None:
        """See ``Archive.keep``."""
        self._held[hashlib.sha256(raw).hexdigest()] = raw
        if len(self._held) > self.MOST:
            del self._held[next(iter(self._held))]

    def get(self, sha256: str) -> bytes | None:
        """See ``Archive.get``."""
        return self._held.get(sha256)
