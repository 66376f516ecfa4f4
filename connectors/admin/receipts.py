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
    "delivered": Text("delivered", "entregado"),
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
DUE = Text("to acknowledge by {at}", "debe confirmar antes de {at}")
OVERDUE = Text("OVERDUE since {at}", "VENCIDO desde {at}")
ESCALATED = Text("step {step} called {at}", "paso {step} llamado {at}")
UNREACHED = Text("step {step} REACHES NOBODY since {at}", "paso {step} NO ALCANZA A NADIE desde {at}")
PROPOSED = Text("perhaps for {agencies}", "quizá para {agencies}")
NO_LONGER = Text("may no longer read it", "ya no puede leerlo")
ACCEPTED = Text("accepted", "aceptado")
NODE = Text("node {node}", "nodo {node}")
SEQUENCE = Text("sequence {number}", "secuencia {number}")
POSITION = Text("position {number} there", "posición {number} allí")
COUNTS = Text(
    "{recipients} recipients: {received} received, {delivered} delivered, {read} read, {acknowledged} acknowledged, "
    "{declined} declined, {overdue} overdue",
    "{recipients} destinatarios: {received} recibido, {delivered} entregado, {read} leído, {acknowledged} confirmado, "
    "{declined} rechazado, {overdue} vencido",
)


class ByEvent(click.Group):
    """Commands, and without the name of one: what became of the event that is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Whatever is neither a command nor a question about them is about an event."""
        asks = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if asks else ["show", *args])


@click.group(
    cls=ByEvent,
    help=say(
        """Say what became of an event of this agency with everybody it was for, and certify it.

        \b
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as sdpd.toml
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --certificate --as sdpd.toml > certificate.jwt""",
        """Dice qué pasó con un evento de esta agencia con cada destinatario, y lo certifica.

        \b
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --certificate --as fge.toml > certificado.jwt""",
    ),
)
def receipts() -> None:
    """``puente receipts``"""


@receipts.command(
    help=say(
        """Say what became of EVENT (the hub's id), an event of this agency, with everybody it was for: received,
        delivered, read, acknowledged or declined, in this terminal's time zone; and who has yet to acknowledge it.

        \b
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as sdpd.toml
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --csv --as sdpd.toml > receipts.csv""",
        """Dice qué pasó con EVENT (id del hub), un evento de esta agencia, con cada destinatario: recibido, entregado,
        leído, confirmado o rechazado, en la zona horaria de esta terminal; y quién debe aún confirmarlo.

        \b
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml
        puente receipts 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --csv --as fge.toml > acuses.csv""",
    )
)
@click.argument("event")
@click.option("--csv", "as_csv", is_flag=True, help=say("As CSV, in UTC.", "Como CSV, en UTC."))
@click.option(
    "--certificate",
    "certified",
    is_flag=True,
    help=say(
        "As a certificate of notification, signed by the node.", "Como certificado de notificación firmado por el nodo."
    ),
)
@with_profile
@asking.as_json
def show(event: str, as_csv: bool, certified: bool, profile: Path, as_json: bool) -> None:
    """``puente receipts show``, or without the word"""
    path = f"{asking.at('events', event)}/receipts"
    with asking.gateway(profile) as opened:
        if as_csv or certified:
            format_ = "certificate" if certified else "csv"
            click.echo(opened.text(path, query={"format": format_}), nl=certified)
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
    yield from _facts(row, ("received", "delivered", "read"), clock, language)
    for name in ("acknowledged", "declined"):
        if row[name] is not None:
            yield f"{FACTS[name].in_(language)} {clock.shows(row[name])}"
    if row["reason"] is not None:
        yield f"({REASON_WORDS[row['reason']].in_(language) if row['reason'] in REASON_WORDS else row['reason']})"
    if row["proposed"]:
        yield PROPOSED.format(agencies=", ".join(row["proposed"])).in_(language)
    if row["ack_required_by"] is not None and row["acknowledged"] is None and row["declined"] is None:
        yield (OVERDUE if row["overdue"] else DUE).format(at=clock.shows(row["ack_required_by"])).in_(language)
    if row["escalated"] is not None:
        said = UNREACHED if row["unreached"] else ESCALATED
        yield said.format(step=row["escalated"], at=clock.shows(row["escalated_at"])).in_(language)
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
