"""
One request of an administrator's command, and how its answer or refusal is told.

Exit statuses: 0 done; 1 the gateway refused; 2 the profile or the call cannot be used; 4 no answer, try again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from rich.console import Console
from rich.table import Table

from connectors import profile as profiles
from connectors.agency_cli import UNUSABLE, told
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
    table = Table()
    for number, heading in enumerate(columns.values()):  # nothing is cut short: an id is there to be copied
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    Console().print(table)


def tell(row: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """One thing, a line for each of its members: what somebody is about to stand behind is read whole."""
    for name, heading in columns.items():
        if row.get(name) not in (None, [], ""):
            click.echo(f"{heading}: {_cell(row[name])}")


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={_cell(inner)}" for name, inner in value.items() if inner is not None)
    return "" if value is None else str(value)


def said(told: dict[str, Any]) -> dict[str, Any]:
    """Those options of a command that were given, as JSON."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
    return {name: value for name, value in given.items() if value not in (None, [])}


def at(collection: str, name: str) -> str:
    """The path of one resource, whatever its name holds."""
    return f"/v1/{collection}/{quote(name, safe='')}"


def public_key(path: Path) -> str:
    """
    The public half of the key in a file, in PEM; the private half never leaves the machine.

    Where there is no file a new pair is made, readable by its owner alone, and its place is told.
    """
    if not path.exists():
        pem = ECKey.generate_key("P-256").as_pem(private=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        click.echo(say(f"{path}: a new private key", f"{path}: una clave privada nueva"), err=True)
    try:
        return ECKey.import_key(path.read_bytes()).as_pem(private=False).decode()
    except (JoseError, ValueError, TypeError):
        click.echo(say(f"{path}: not an EC key in PEM", f"{path}: no es una clave EC en PEM"), err=True)
        sys.exit(UNUSABLE)


class Moment(click.ParamType[str]):
    """A day, which begins at midnight UTC, or an instant as RFC 3339 writes it."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """As the gateway takes it."""
        try:
            told = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(say(f"{value}: not a date", f"{value}: no es una fecha"), param, ctx)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).isoformat()


as_json = click.option(
    "--json", "as_json", is_flag=True, help=say("One JSON object a line.", "Un objeto JSON por línea.")
)
reason = click.option("--reason", required=True, help=say("Why; it goes on record.", "Por qué; queda registrado."))
key_file = click.option(
    "--key",
    "key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help=say("Key file (PEM); made if it is not there.", "Archivo de clave (PEM); se crea si no existe."),
)
