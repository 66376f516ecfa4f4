"""``puente explain`` and ``puente preview``: who may read an event and why, afterwards and beforehand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.admin import asking
from connectors.agency_cli import with_profile
from connectors.spoken import LANG, say

GRANTS = {
    "id": say("grant", "permiso"),
    "version": say("version", "versión"),
    "state": say("state", "estado"),
    "purpose": say("purpose", "fin"),
    "clearance": say("up to", "hasta"),
    "why": say("why or why not", "por qué sí o no"),
}
RECIPIENTS = {
    "agency": say("agency", "agencia"),
    "kind": say("kind", "tipo"),
    "projection": say("sees", "ve"),
    "grant": say("under the grant", "con el permiso"),
}
MOST_BYTES = 1_000_000  # the gateway's own limit is stricter and gives the better message


@click.command(
    help=say(
        """Say why AGENCY may read EVENT (the hub's id) or not, with every grant that ever named it.

        \b
        puente explain us-ca-shelter 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as ana.toml""",
        """Explica por qué AGENCY puede leer EVENT (id del hub) o no, con cada permiso que la haya nombrado.

        \b
        puente explain mx-bcn-casa 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as ana.toml""",
    )
)
@click.argument("agency")
@click.argument("event")
@with_profile
@asking.as_json
def explain(agency: str, event: str, profile: Path, as_json: bool) -> None:
    """``puente explain``"""
    with asking.gateway(profile) as opened:
        told = opened.ask("GET", "/v1/decisions", query={"agency": agency, "event": event}).body
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    verdict = say("may read it", "puede leerlo") if told["allowed"] else say("may not read it", "no puede leerlo")
    click.echo(f"{agency}: {verdict} - {told['reason'][LANG]}")
    if told["allowed"]:
        click.echo(f"  {say('as', 'como')} {told['projection']}, {say('grant', 'permiso')} {told['grant'] or '-'}")
    limit = told["hard_limit"]
    nothing = say("nothing", "nada")
    click.echo(f"  {say('hard limit', 'límite legal')}: {limit['clearance'] or nothing} ({limit['basis'] or '-'})")
    asking.show([one | {"why": one["reason"][LANG]} for one in told["grants"]], GRANTS, as_json=False)
    if "fields" in told:
        _members(told["fields"])


@click.command(
    help=say(
        """Say who would read the event in FILE, and what of it, if it were published now. Nothing is stored.

        \b
        puente preview alert.json --as ana.toml""",
        """Dice quién leería el evento de FILE, y qué de él, si se publicara ahora. No se guarda nada.

        \b
        puente preview alerta.json --as ana.toml""",
    )
)
@click.argument("file", type=click.File("rb"))
@with_profile
@asking.as_json
def preview(file: Any, profile: Path, as_json: bool) -> None:
    """``puente preview``"""
    raw = file.read(MOST_BYTES)
    recipients: list[Mapping[str, Any]] = []
    after: str | None = ""
    with asking.gateway(profile) as opened:
        while after is not None:
            told = opened.ask("POST", "/v1/decisions/preview", body=raw, query={"after": after} if after else {}).body
            recipients += told["recipients"]
            after = told["next"]
    if as_json:
        click.echo(json.dumps({**told, "recipients": recipients}, ensure_ascii=False))
        return
    asking.show(recipients, RECIPIENTS, as_json=False)
    for name, fields in told["projections"].items():
        click.echo(f"{name}:")
        _members(fields)
        _listed(say("hidden by the label's marks", "oculto por las marcas"), told["label"]["marks"][name])
    audience = told["label"]["audience"]
    _listed(say("kept out by the audience", "excluidas por los destinatarios"), audience["kept_out"]["agencies"])
    _listed(say("let in by the audience", "incluidas por los destinatarios"), audience["let_in"]["agencies"])


def _members(fields: Mapping[str, Any]) -> None:
    _listed(say("sees", "ve"), fields["visible"])
    _listed(say("does not see", "no ve"), [f"{one['path']} ({one['sensitivity']})" for one in fields["hidden"]])


def _listed(title: str, items: list[str]) -> None:
    if items:
        click.echo(f"  {title}: {' '.join(items)}")
