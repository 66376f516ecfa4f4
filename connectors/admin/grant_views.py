"""Grants as a person reads them at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from connectors.admin.asking import show
from connectors.spoken import say
from schemas.fields import printable

TERMS = (
    "types",
    "jurisdictions",
    "max_tlp",
    "clearance",
    "requires",
    "valid_from",
    "valid_until",
    "opens",
    "opens_since",
)
COLUMNS = {
    "id": "id",
    "source": say("source", "fuente"),
    "reader": say("reader", "lector"),
    "types": say("types", "tipos"),
    "clearance": say("clearance", "nivel"),
    "valid_until": say("until", "hasta"),
    "state": say("state", "estado"),
}
VERSIONS = {
    "version": say("version", "versión"),
    "state": say("state", "estado"),
    "types": say("types", "tipos"),
    "jurisdictions": say("jurisdictions", "jurisdicciones"),
    "max_tlp": "TLP",
    "clearance": say("clearance", "nivel"),
    "valid_until": say("until", "hasta"),
    "opens": say("opens", "abre"),
    "people": say("by", "por"),
    "waits_for": say("waits for", "espera a"),
}
MATRIX = {
    "reader": say("reader", "lector"),
    "source": say("source", "fuente"),
    "type": say("type", "tipo"),
    "jurisdiction": say("jurisdiction", "jurisdicción"),
    "clearance": say("clearance", "nivel"),
    "max_tlp": "TLP",
    "grant": say("grant", "permiso"),
    "until": say("until", "hasta"),
}
EFFECT = {
    "reader": say("reader", "lector"),
    "type": say("type", "tipo"),
    "before": say("now", "ahora"),
    "after": say("then", "después"),
    "events": say("events", "eventos"),
}


def row(shown: Mapping[str, Any]) -> dict[str, Any]:
    """One line for a grant: its newest version."""
    return {**shown, **shown["versions"][0]}


def print_grant(shown: Mapping[str, Any]) -> None:
    """A grant with its versions, newest first."""
    sides = " ".join(f"{name}={value}" for name, value in shown["source"].items())
    readers = " ".join(f"{name}={value}" for name, value in shown["reader"].items())
    click.echo(printable(f"{shown['id']}: {sides} -> {readers} [{shown['purpose']}] {shown['agreement']}"))
    for part in shown["ended"]:
        click.echo(printable(f"  {part['agency']} ({part['side']}): {part['state']}: {part['reason']}"))
    show([_version(one) for one in shown["versions"]], VERSIONS, as_json=False)


def _version(version: Mapping[str, Any]) -> dict[str, Any]:
    people = [version["proposed_by"], *(one["person"] for one in version["approvals"])]
    since = version["opens_since"]
    return {
        **version,
        "opens": version["opens"] if since is None else since,
        "people": [one for one in people if one],
        "waits_for": [f"{one['agency']}:{one['persons']}" for one in version["waits_for"]],
    }


def outcome(shown: Mapping[str, Any], number: int) -> str:
    """What an approval has done."""
    state = next(one["state"] for one in shown["versions"] if one["version"] == number)
    if state == "proposed":
        return say(
            f"{shown['id']} approved; another person has to approve it too",
            f"{shown['id']} aprobado; falta la aprobación de otra persona",
        )
    return say(f"{shown['id']} in force", f"{shown['id']} vigente") + offered(shown)


def offered(shown: Mapping[str, Any]) -> str:
    """How many events come again to the readers, if any."""
    told = shown.get("offered") or {}
    if not told.get("events"):
        return ""
    number = told["events"]
    more = say(", the newest", ", los más recientes") if told.get("is_partial") else ""
    return say(f"; {number} events come again{more}", f"; {number} eventos vuelven a llegar{more}")


def print_effect(shown: Mapping[str, Any]) -> None:
    """Who gains or loses what."""
    click.echo(
        say(
            f"The last {shown['days']} days' events, had it been in force:",
            f"Eventos de los últimos {shown['days']} días, si hubiera estado vigente:",
        )
    )
    show(shown["changes"], EFFECT, as_json=False)
    click.echo(say("Of the past, at once with the approval:", "Del pasado, al aprobarse:"))
    show(shown["at_once"], EFFECT, as_json=False)
    if shown["is_partial"]:
        click.echo(say("There is more than could be counted.", "Hay más de lo que se pudo contar."))
