"""The crossing as a story: an alert is answered abroad, its originator sees that; what stayed at home, and why."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from hub.demo import expecting, report
from hub.demo.arriving import Late
from hub.demo.reading import profile
from hub.demo.stage import PATIENCE_S
from hub.store import connect, recipients
from schemas.registry import closes
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from hub.demo.cast import Player
    from hub.demo.reading import Reading, Verdict
    from hub.demo.stage import Node, Running

AGAIN_S = 0.5

HEADING = Text("Across the border", "Al otro lado de la frontera")
ACKNOWLEDGES = Text("{who} has read the alert, and acknowledges it:", "{who} ha leído la alerta y la confirma:")
ORIGINATOR = Text("The duty officer at {who} sees that:", "La persona de guardia de {who} lo ve:")
CANCELLED = Text(
    "The alert was cancelled. Who had it has the cancellation too, and when they read it:",
    "La alerta se canceló. Quien la tenía tiene también la cancelación, y cuándo la leyó:",
)
NOTHING_CROSSED = Text("No alert crossed.", "No cruzó ninguna alerta.")
STAYED = Text("What stayed in {country}, and why:", "Lo que se quedó en {country}, y por qué:")
NOT_BACK = Text(
    "what {agency} did with it is not among its receipts", "lo que {agency} hizo con ella no está entre sus acuses"
)


@dataclass(frozen=True, slots=True)
class _Told:
    """An event that a reader at another node got, and who published it."""

    reader: Player
    source: Player
    verdict: Verdict
    hub_id: str

    def late(self, node: Node) -> Late:
        """Its receipts lack what its reader did."""
        return Late(node, self.verdict.expected.event, NOT_BACK.format(agency=self.reader.agency.id))


def tell(
    running: Running, players: Sequence[Player], readings: Sequence[Reading], console: Console, language: str
) -> list[Late]:
    """Let a reader answer an alert from abroad, and show what its originator is told; what it is not told in time."""
    console.print(f"\n[bold]{HEADING.in_(language)}[/]")
    crossed = _crossed(players, readings)
    late = []
    if (chosen := _alert_of(crossed)) is None:
        console.print(f"  {NOTHING_CROSSED.in_(language)}")
    else:
        alert, end = chosen
        late += _answer(running, alert, console, language)
        if end is not None:
            _say(console, f"\n  {CANCELLED.in_(language)}")
            late += _receipts(running, end, console, is_answered=False)
    for node in running.nodes:
        _show_stayed(node, readings, console, language)
    return late


def _crossed(players: Sequence[Player], readings: Sequence[Reading]) -> list[_Told]:
    """What readers got from the other node, in the order of readers and of publication."""
    by_id = {player.agency.id: player for player in players}
    return [
        _Told(one.player, by_id[verdict.expected.event.source], verdict, verdict.hub_id)
        for one in readings
        for verdict in one.verdicts
        if verdict.hub_id is not None and expecting.node_of(verdict.expected.event) != one.player.node
    ]


def _alert_of(crossed: Sequence[_Told]) -> tuple[_Told, _Told | None] | None:
    """An alert that a reader got from abroad, with its end; rather one that was cancelled than one that goes on."""
    issued = [one for one in crossed if one.verdict.expected.event.type.endswith(".issued")]
    found = [(alert, next((one for one in crossed if _ends(one, alert)), None)) for alert in issued]
    return next((pair for pair in found if pair[1] is not None), found[0] if found else None)


def _ends(one: _Told, alert: _Told) -> bool:
    event, first = one.verdict.expected.event, alert.verdict.expected.event
    is_same = (event.source, event.subject) == (first.source, first.subject)
    return is_same and one.reader == alert.reader and closes(event.type)


def _answer(running: Running, alert: _Told, console: Console, language: str) -> list[Late]:
    reader, node = alert.reader, running.nodes[alert.reader.node]
    event = alert.verdict.expected.event
    who = f"{reader.agency.name} ({node.id})"
    _say(console, f"  {ACKNOWLEDGES.format(who=who).in_(language)}")
    _say(console, f"    {event.type}  {report.short(event.subject)}  {event.source}")
    command = ("ack", alert.hub_id, "acknowledged", "--as", str(profile(node, reader)))
    _say(console, f"    $ puente {' '.join(command)}")
    ran = running.run(*command)
    _say(console, f"    {(ran.stdout or ran.stderr).strip()}")
    _say(console, f"\n  {ORIGINATOR.format(who=alert.source.agency.name).in_(language)}")
    return _receipts(running, alert, console, is_answered=True)


def _receipts(running: Running, told: _Told, console: Console, *, is_answered: bool) -> list[Late]:
    """Wait for what the reader did to have come back, then show the board as its originator sees it."""
    node = running.nodes[told.source.node]
    has_come = _wait(running, lambda: _has_come_back(node, told, is_answered=is_answered))
    command = ("receipts", told.hub_id, "--as", str(profile(node, told.source)))
    ran = running.run(*command)
    _say(console, f"    $ puente {' '.join(command)}")
    for line in (ran.stdout or ran.stderr).splitlines():
        _say(console, f"    {line}")
    return [] if has_come else [told.late(node)]


def _has_come_back(node: Node, told: _Told, *, is_answered: bool) -> bool:
    """Whether the originator's node knows that the reader has read it, and how it answered where it did."""
    event, hub_id, reader = told.verdict.expected.event, UUID(told.hub_id), told.reader.agency.id
    with connect(node.environment["PUENTE_DATABASE_URL"], name="puente-demo") as conn, conn.transaction():
        has_read = reader in recipients.first_reads(conn, hub_id, event.source)
        return has_read and (not is_answered or reader in recipients.answers(conn, hub_id, event.source, event.subject))


def _wait(running: Running, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        running.keep()
        time.sleep(AGAIN_S)
    return True


def _show_stayed(node: str, readings: Sequence[Reading], console: Console, language: str) -> None:
    """Events of a node that no reader at the other one gets, by the reasons."""
    stayed: dict[str, list[str]] = {}
    abroad = [one for one in readings if one.player.node != node]
    for verdicts in zip(*(one.verdicts for one in abroad), strict=True):
        event = verdicts[0].expected.event
        if expecting.node_of(event) != node or any(one.expected.text is not None for one in verdicts):
            continue
        if verdicts[0].expected.is_refused:  # it was never in the node
            continue
        reasons = dict.fromkeys(one.expected.decision.reason.in_(language) for one in verdicts)
        name = f"{event.type}  {report.short(event.subject)}"
        stayed.setdefault("; ".join(reasons), []).append(name)
    if stayed:
        console.print(f"\n  {STAYED.format(country=node.upper()).in_(language)}")
    for reason, names in stayed.items():
        console.print(f"  [yellow]·[/] [yellow]{reason}[/]", soft_wrap=True)
        for name in names:
            console.print(f"      [dim]{name}[/]", soft_wrap=True)


def _say(console: Console, words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)
