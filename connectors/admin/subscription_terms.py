"""What a subscription is to tell, where and when, from options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from connectors.spoken import say
from schemas.alert import SEVERITIES, URGENCIES
from schemas.envelope import STATUSES

Command = TypeVar("Command", bound=Callable[..., Any])
CHANGES = ("new", "updated", "cancelled", "located")
_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
FILTER = ("types", "jurisdictions", "subject", "severity", "urgency", "changes", "status", "own")


class Hours(click.ParamType[dict[str, str]]):
    """``22:00-06:00``."""

    name = "from-until"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """As the gateway takes it."""
        if isinstance(value, dict):
            return value
        found = _HOURS.fullmatch(str(value))
        if found is None:
            self.fail(say(f"{value}: hours such as 22:00-06:00", f"{value}: horas como 22:00-06:00"), param, ctx)
        return {"from": found[1], "until": found[2]}


_FILTER = (
    click.option(
        "--type", "types", multiple=True, help=say("e.g. 'alert.*'; else all.", "p. ej. 'alert.*'; si no, todos.")
    ),
    click.option(
        "--jurisdiction",
        "jurisdictions",
        multiple=True,
        help=say("e.g. US-CA; else everywhere.", "p. ej. MX-BCN; si no, todo lugar."),
    ),
    click.option("--subject", help=say("One alert or case alone.", "Solo una alerta o caso.")),
    click.option(
        "--severity", type=click.Choice(SEVERITIES[:-1]), help=say("At least so severe.", "Al menos de esta gravedad.")
    ),
    click.option(
        "--urgency", type=click.Choice(URGENCIES[:-1]), help=say("At least so urgent.", "Al menos así de urgente.")
    ),
    click.option(
        "--change",
        "changes",
        multiple=True,
        type=click.Choice(CHANGES),
        help=say("What is worth telling; else all.", "Qué vale la pena avisar; si no, todo."),
    ),
    click.option(
        "--status",
        type=click.Choice(STATUSES),
        help=say("Exercises or tests in the place of what is real.", "Simulacros o pruebas en lugar de lo real."),
    ),
    click.option("--own", is_flag=True, default=None, help=say("Our own events too.", "También nuestros eventos.")),
)
_TERMS = (
    click.option("--name", help=say("What you call it.", "Cómo la llama usted.")),
    click.option("--webhook", metavar="URL", help=say("Signed posts to this address.", "Avisos firmados a este URL.")),
    click.option("--email", metavar="ADDRESS", help=say("Mails to this address.", "Correos a esta dirección.")),
    click.option(
        "--language", type=click.Choice(["en", "es"]), help=say("Which comes first.", "Cuál idioma va primero.")
    ),
    click.option("--desk", help=say("Who is told; else 'duty'.", "A quién se avisa; si no, 'duty'.")),
    click.option(
        "--quiet",
        type=Hours(),
        help=say("Hours in which only what is urgent comes.", "Horas en que solo llega lo urgente."),
    ),
    click.option("--zone", help=say("Of these hours: America/Tijuana.", "De esas horas: America/Tijuana.")),
    click.option(
        "--digest",
        "digest_at",
        metavar="HH:MM",
        help=say(
            "One mail a day at this time of the zone, or of UTC; what is urgent comes at once.",
            "Un correo al día a esta hora de la zona, o de UTC; lo urgente llega de inmediato.",
        ),
    ),
)


def with_filter(command: Command) -> Command:
    """What is wanted."""
    return _with(_FILTER, command)


def with_terms(command: Command) -> Command:
    """Where and when."""
    return _with(_TERMS, command)


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def wanted(told: Mapping[str, Any]) -> dict[str, Any]:
    """The filter that these options say; a part that is not said leaves everything."""
    given = {name: told[name] for name in FILTER if told[name] not in (None, ())}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def terms(told: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    The body of a subscription: what the options say over what was `before`.

    Raises:
        click.UsageError: two addresses, or hours without a zone.
    """
    found = dict(before or {})
    found["filter"] = found.get("filter", {}) | wanted(told)
    found |= {name: told[name] for name in ("name", "language", "desk", "digest_at") if told[name] is not None}
    addresses = [told[name] for name in ("webhook", "email") if told[name] is not None]
    if len(addresses) > 1:
        raise click.UsageError(say("one of --webhook and --email", "una de --webhook y --email"))
    if addresses:
        found["address"] = addresses[0]
    hours, zone = told["quiet"], told["zone"]
    if hours is not None or zone is not None:
        quiet = dict(found.get("quiet") or {}) | (hours or {}) | ({} if zone is None else {"zone": zone})
        if quiet.keys() != {"from", "until", "zone"}:
            raise click.UsageError(say("--quiet and --zone go together", "--quiet y --zone van juntas"))
        found["quiet"] = quiet
    return found
