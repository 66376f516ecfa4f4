"""``puente receipts``: the board of a duty officer. Who got our event, who read it, and who answered, when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import click

from connectors.admin import asking
from connectors.agency_cli import with_profile
from connectors.spoken import LANG, say
from schemas.ack import REASON_WORDS
from schemas.fields import printable
from schemas.texts import Text

MOST = "500"  # a page, as much as the gateway gives
FACTS = {
    "sent": Text("sent", "enviado"),
    "received": Text("received", "recibido"),
    "read": Text("read", "leído"),
    "acknowledged": Text("acknowledged", "confirmado"),
    "declined": Text("declined", "rechazado"),
}
NOT_YET = {
    "received": Text("not received yet", "aún no recibido"),
    "read": Text("not read yet", "aún no leído"),
}
OUTCOMES = {
    "stored": Text("stored", "guardado"),
    "known": Text("known there before", "ya conocido allí"),
    "narrowed": Text("stored in part, by its limits", "guardado en parte, por sus límites"),
    "applied": Text("taken back there", "retirado allí"),
}
REFUSED = Text("REFUSED there: {code}", "RECHAZADO allí: {code}")
UNANSWERED = Text("no receipt yet", "aún sin acuse")
NO_LONGER = Text("may no longer read it", "ya no puede leerlo")
ACCEPTED = Text("accepted", "aceptado")
NODE = Text("node {node}", "nodo {node}")
SEQUENCE = Text("sequence {number}", "secuencia {number}")
POSITION = Text("position {number} there", "posición {number} allí")
COUNTS = Text(
    "{recipients} recipients: {received} received, {read} read, {acknowledged} acknowledged, {declined} declined",
    "{recipients} destinatarios: {received} recibido, {read} leído, {acknowledged} confirmado, {declined} rechazado",
)


@click.command(
    help=say(
        """Say what became of EVENT (the hub's id), an event of this agency, with everybody it was for: received, read,
        acknowledged or declined, in this terminal's time zone.

        \b
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as sdpd.toml
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --csv --as sdpd.toml > receipts.csv""",
        """Dice qué pasó con EVENT (id del hub), un evento de esta agencia, con cada destinatario: recibido, leído,
        confirmado o rechazado, en la zona horaria de esta terminal.

        \b
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --csv --as fge.toml > acuses.csv""",
    )
)
@click.argument("event")
@click.option("--csv", "as_csv", is_flag=True, help=say("As CSV, in UTC.", "Como CSV, en UTC."))
@with_profile
@asking.as_json
def receipts(event: str, as_csv: bool, profile: Path, as_json: bool) -> None:
    """``puente receipts``"""
    path = f"{asking.at('events', event)}/receipts"
    with asking.gateway(profile) as opened:
        if as_csv:
            click.echo(opened.text(path, query={"format": "csv"}), nl=False)
            return
        first: Mapping[str, Any] | None = None
        rows: list[Mapping[str, Any]] = []
        query = {"limit": MOST}
        while True:
            page = opened.ask("GET", path, query=query).body
            first = first or page
            rows += page["receipts"]
            if page["next"] is None:
                break
            query["after"] = page["next"]
    if as_json:
        for row in (*first["nodes"], *rows):
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    for line in board(first, rows, Clock(datetime.now(UTC), None), LANG):
        click.echo(printable(line))


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock on the wall; `zone` None: that of this machine, summer time as it was on the day."""

    now: datetime
    zone: tzinfo | None

    def shows(self, text: str) -> str:
        """An instant as people here say it: with the date when it is not today's."""
        at = datetime.fromisoformat(text).astimezone(self.zone)
        return f"{at:%H:%M:%S}" if at.date() == self.now.astimezone(self.zone).date() else f"{at:%Y-%m-%d %H:%M:%S}"


def board(page: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], clock: Clock, language: str) -> Iterator[str]:
    """The lines of the board."""
    accepted = f"{ACCEPTED.in_(language)} {clock.shows(page['accepted'])}"
    yield f"{page['type']}  {page['event']}  {accepted}"
    names = [NODE.format(node=one["node"]).in_(language) for one in page["nodes"]]
    width = max((len(name) for name in (*names, *(str(row["name"]) for row in rows))), default=0)
    for name, one in zip(names, page["nodes"], strict=True):
        yield f"  {name.ljust(width)}  {'  '.join(_of_node(one, clock, language))}"
    for row in rows:
        yield f"  {str(row['name']).ljust(width)}  {'  '.join(_of_agency(row, clock, language))}"
    yield COUNTS.format(**page["counts"]).in_(language)


def _of_node(one: Mapping[str, Any], clock: Clock, language: str) -> Iterator[str]:
    yield from _facts(one, ("sent", "received"), clock, language)
    outcome = one["outcome"]
    if one["sequence"] is not None:
        yield SEQUENCE.format(number=one["sequence"]).in_(language)
        if outcome is None:
            yield UNANSWERED.in_(language)
        elif outcome in OUTCOMES:
            yield OUTCOMES[outcome].in_(language)
        else:
            yield REFUSED.format(code=outcome.partition(":")[2]).in_(language)
    if one["position"] is not None:
        yield POSITION.format(number=one["position"]).in_(language)


def _of_agency(row: Mapping[str, Any], clock: Clock, language: str) -> Iterator[str]:
    yield from _facts(row, ("received", "read"), clock, language)
    for name in ("acknowledged", "declined"):
        if row[name] is not None:
            yield f"{FACTS[name].in_(language)} {clock.shows(row[name])}"
    if row["reason"] is not None:
        yield f"({REASON_WORDS[row['reason']].in_(language) if row['reason'] in REASON_WORDS else row['reason']})"
    if not row["may_read"]:
        yield f"[{NO_LONGER.in_(language)}]"


def _facts(row: Mapping[str, Any], names: Sequence[str], clock: Clock, language: str) -> Iterator[str]:
    """Each that has happened; of the others the first one, since nobody reads what has not arrived."""
    for name in names:
        if row[name] is None:
            if name in NOT_YET:
                yield NOT_YET[name].in_(language)
                return
            continue
        yield f"{FACTS[name].in_(language)} {clock.shows(row[name])}"


__all__ = ["board", "receipts"]
