"""Brings a database to the present layout, with yoyo-migrations: kept, plain SQL files, one lock."""

from __future__ import annotations

from importlib import resources

from yoyo import get_backend, read_migrations


def migrate(url: str) -> list[str]:
    """Apply what is missing, in order, and name it; safe to run from several processes at once."""
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    migrations = read_migrations(str(resources.files("hub.store") / "migrations"))
    with backend.lock():
        missing = backend.to_apply(migrations)
        names = [migration.id for migration in missing]
        backend.apply_migrations(missing)
    backend.connection.close()
    return names
