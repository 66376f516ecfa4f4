"""What a grant is to open, from options or from a file with one ``[[grant]]``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from connectors.admin.asking import Moment
from connectors.admin.selectors import SELECTOR, Start
from connectors.spoken import say

Command = TypeVar("Command", bound=Callable[..., Any])
TLPS = ("clear", "green", "amber", "amber+strict", "red")
CLEARANCES = ("public", "partner", "enforcement", "protected")

_TERMS = (
    click.option("--type", "types", multiple=True, help=say("e.g. 'alert.*'", "p. ej. 'alert.*'")),
    click.option("--jurisdiction", "jurisdictions", multiple=True, help=say("e.g. US-CA", "p. ej. MX-BCN")),
    click.option("--max-tlp", type=click.Choice(TLPS)),
    click.option("--clearance", type=click.Choice(CLEARANCES)),
    click.option(
        "--requires",
        multiple=True,
        help=say("An attestation readers must hold.", "Una acreditación que exige a sus lectores."),
    ),
    click.option("--from", "valid_from", type=Start(), help=say("Else from now.", "Si no, desde ahora.")),
    click.option("--until", "valid_until", type=Moment()),
    click.option(
        "--opens",
        help=say(
            "What of the past: now (nothing), active (the default), or a date.",
            "Qué del pasado: now (nada), active (lo usual) o una fecha.",
        ),
    ),
    click.option(
        "--file",
        "file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=say("A TOML file with one [[grant]].", "Un archivo TOML con un [[grant]]."),
    ),
)
_SIDES = (
    click.option("--agreement", help=say("The agreement it hangs on.", "El convenio del que depende.")),
    click.option("--source", type=SELECTOR, help=say("Whose events.", "De quién son los eventos.")),
    click.option("--reader", type=SELECTOR, help=say("Who reads.", "Quién lee.")),
    click.option("--purpose", help=say("e.g. locate-child", "p. ej. locate-child")),
)


def with_terms(command: Command) -> Command:
    """What a version opens."""
    for option in reversed(_TERMS):
        command = option(command)
    return command


def with_sides(command: Command) -> Command:
    """Who reads whom, what for, on which agreement: what stays the same in every version."""
    for option in reversed(_SIDES):
        command = option(command)
    return command


def terms(told: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    The body of a proposal: what stands in the file, over it the options, under both what was `before`.

    Raises:
        click.UsageError: the file does not hold one grant.
    """
    found = dict(before or {})
    if told.get("file") is not None:
        found |= _in_file(told["file"])
    given = {name: value for name, value in told.items() if name not in ("file", "opens") and value not in (None, ())}
    found |= {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    if told.get("opens") is not None:
        opens = str(told["opens"])
        found |= {"opens": opens, "opens_since": None}
        if opens not in ("now", "active"):
            found |= {"opens": "since", "opens_since": Moment().convert(opens, None, None)}
    found.setdefault("valid_from", Start().convert("now", None, None))
    return found


def _in_file(path: Path) -> dict[str, Any]:
    try:
        held = tomllib.loads(path.read_text("utf-8")).get("grant")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    if not isinstance(held, list) or len(held) != 1 or not isinstance(held[0], dict):
        raise click.UsageError(say(f"{path}: must hold one [[grant]]", f"{path}: debe tener un solo [[grant]]"))
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in held[0].items()}
