"""What the demo shows: what was published, and per reader which events and fields it got, and why not the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.table import Table

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from hub.demo.cast import Player
    from hub.demo.feeding import Fed
    from hub.demo.reading import Verdict

PUBLISHED = Text("Published", "Publicado")
TROUBLES = Text("Refused or unread", "Rechazado o sin leer")
TITLE = Text("{who}: {name} ({id})", "{who}: {name} ({id})")
EVENT = Text("event", "evento")
GOT = Text("got", "recibió")
WHY = Text("why", "por qué")
NOTHING = Text("nothing", "nada")
HIDDEN = Text("hidden: {fields}", "oculto: {fields}")
EVERYTHING = Text("every field", "todos los campos")
ONLY_EXISTENCE = Text("only that it closed", "solo que se cerró")
WRONG = Text("NOT AS EXPECTED", "NO ES LO ESPERADO")
UNASKED = Text("got an event that was not published here: {id}", "recibió un evento no publicado aquí: {id}")
MORE = Text("and {count} more", "y {count} más")
MOST_TROUBLES = 12


def show_published(console: Console, fed: Sequence[Fed], language: str) -> None:
    """One row per event, then what the connectors refused or could not read."""
    table = Table(title=PUBLISHED.in_(language), title_justify="left", expand=True)
    for heading in (Text("connector", "conector"), EVENT, Text("subject", "asunto"), Text("label", "etiqueta")):
        table.add_column(heading.in_(language), overflow="fold")
    for one in fed:
        for event in one.events:
            defects = ", ".join(defect["code"] for defect in event.defects)
            label = f"TLP:{event.label.tlp}" + (f"  ! {defects}" if defects else "")
            table.add_row(one.source.name, event.type, event.subject, label)
    console.print(table)
    troubles = [(one.source.name, trouble.in_(language)) for one in fed for trouble in one.troubles]
    troubles += [(one.source.name, one.failure) for one in fed if one.failure]
    if troubles:
        console.print(f"[bold]{TROUBLES.in_(language)}[/] ({len(troubles)})")
        for name, words in troubles[:MOST_TROUBLES]:
            console.print(f"  {name}: {words}", markup=False, soft_wrap=True)
        if len(troubles) > MOST_TROUBLES:
            console.print(f"  {MORE.format(count=len(troubles) - MOST_TROUBLES).in_(language)}")


def show_reader(
    console: Console, player: Player, verdicts: Sequence[Verdict], unasked: Sequence[str], language: str
) -> None:
    """One row per published event: the projection it came as and what was hidden, or why it did not come."""
    who = (player.reader or Text("", "")).in_(language)
    title = f"{who}: {player.agency.name} ({player.agency.id})"
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    table.add_column(EVENT.in_(language), overflow="fold", ratio=2)
    table.add_column(GOT.in_(language), overflow="fold", ratio=1)
    table.add_column(WHY.in_(language), overflow="fold", ratio=4)
    for verdict in verdicts:
        table.add_row(*_row(verdict, language))
    console.print(table)
    for event_id in unasked:
        console.print(f"[red]{UNASKED.format(id=event_id).in_(language)}[/]")


def _row(verdict: Verdict, language: str) -> tuple[str, str, str]:
    expected = verdict.expected
    name = f"{expected.event.type}\n[dim]{expected.event.subject}[/]"
    reason = expected.decision.reason.in_(language)
    if not verdict.is_right:
        return name, f"[bold red]{WRONG.in_(language)}[/]", reason
    if expected.text is None:
        return name, f"[yellow]{NOTHING.in_(language)}[/]", reason
    return name, f"[green]{expected.projection}[/]", f"{reason}\n[dim]{_fields(verdict, language)}[/]"


def _fields(verdict: Verdict, language: str) -> str:
    if verdict.expected.projection == "notice":
        return ONLY_EXISTENCE.in_(language)
    shown = set(_leaves(json.loads(verdict.got or "{}").get("data", {})))
    hidden = [path for path in _leaves(verdict.expected.event.wire["data"]) if path not in shown]
    if not hidden:
        return EVERYTHING.in_(language)
    return HIDDEN.format(fields=", ".join(dict.fromkeys(hidden))).in_(language)


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    """Where values stand in a body, e.g. `child.name`; the parts of a bilingual text are one."""
    if isinstance(value, dict) and value.keys() - {"en", "es", "translation", "original"}:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    else:
        yield path
