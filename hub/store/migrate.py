"""Brings a database to the present layout, with yoyo-migrations: kept, plain SQL files, one lock."""

from __future__ import annotations

from importlib import resources
from typing import Any

from yoyo import get_backend, read_migrations

from hub.store.roles import make_roles


def known() -> tuple[str, ...]:
    """The names of all migrations that this version has."""
    return tuple(migration.id for migration in _all())


def _all() -> Any:
    return read_migrations(str(resources.files("hub.store") / "migrations"))


def migrate(url: str) -> list[str]:
    """Apply what is missing, in order, and name it; safe to run from several processes at once."""
    make_roles(url)
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with backend.lock():
        missing = backend.to_apply(_all())
        names = [migration.id for migration in missing]
        backend.apply_migrations(missing)
    backend.connection.close()
    return names
