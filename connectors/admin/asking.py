"""
One request of an administrator's command, and how its answer or refusal is told.

Exit statuses: 0 done; 1 the gateway refused; 2 the profile or the call cannot be used; 4 no answer, try again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connectors import profile as profiles
from connectors.agency_cli import told
from connectors.client import Answer, Gateway
from connectors.spoken import LANG, say


@contextmanager
def gateway(profile: Path) -> Iterator[Gateway]:
    """The gateway of a profile; what goes wrong on the way is told in words, and the command ends with its status."""
    with told(), Gateway(profiles.load(profile), language=LANG) as opened:
        yield opened


def changed(opened: Gateway, method: str, resource: str, body: Mapping[str, Any], below: str = "") -> Answer:
    """Change `resource` (or what lies `below` it) as it is now: its version is read first, and named in the change."""
    version = opened.ask("GET", resource).version
    return opened.ask(method, f"{resource}{below}", body=body, version=version)


def every(opened: Gateway, path: str, member: str, **query: str) -> Iterator[Mapping[str, Any]]:
    """All items of a list that comes page by page."""
    after: str | None = None
    while True:
        page = opened.ask("GET", path, query=query | ({"after": after} if after else {})).body
        yield from page[member]
        after = page.get("next")
        if not after:
            return


def show(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """A table with these members and headings; with `as_json` one object a line, whole."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    table = Table(*columns.values())
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    Console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={_cell(inner)}" for name, inner in value.items() if inner is not None)
    return "" if value is None else str(value)


def public_key(path: Path) -> str:
    """The text of a PEM file that holds a public key; a private one is refused before it leaves the machine."""
    text = path.read_text("ascii")
    if "PRIVATE" in text:
        refusal = say(f"{path}: a private key stays where it is", f"{path}: una clave privada no sale de ahí")
        click.echo(refusal, err=True)
        sys.exit(2)
    return text


as_json = click.option(
    "--json", "as_json", is_flag=True, help=say("One JSON object a line.", "Un objeto JSON por línea.")
)
