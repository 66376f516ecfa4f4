"""Reference data that ships with the schemas: places and code lists. SOURCES.md names source and licence of each."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources


def rows(name: str) -> Iterator[list[str]]:
    """The rows of one table, without its header."""
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    table = csv.reader(text.splitlines())
    next(table)
    return table
