"""Writes `messages.mo`, which the terminal reads, from `messages.po`, which people write."""

from __future__ import annotations

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.guards.source import ROOT

FOLDER = ROOT / "hub/cli/locale/es/LC_MESSAGES"
WORDS, COMPILED = FOLDER / "messages.po", FOLDER / "messages.mo"


def read() -> Catalog:
    """What people wrote."""
    with WORDS.open("rb") as opened:
        return read_po(opened, locale="es")


if __name__ == "__main__":
    with COMPILED.open("wb") as written:
        write_mo(written, read())
