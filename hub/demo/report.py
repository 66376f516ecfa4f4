"""What the demo shows: what was published, and per reader which events and fields it got, and why not the others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from hub.demo.arriving import Late
    from hub.demo.cast import Player
    from hub.demo.feeding import Fed
    from hub.demo.reading import Verdict

PUBLISHED = Text("Published", "Publicado")
TROUBLES = Text("Refused or unread", "Rechazado o sin leer")
OVER = Text("as the alert is over", "la alerta terminó")
NOTHING = Text("not shown:", "no se muestra:")
HIDDEN = Text("hidden: {fields}", "oculto: {fields}")
EVERYTHING = Text("every field", "todos los campos")
ONLY_EXISTENCE = Text("only that it closed", "solo que se cerró")
WRONG = Text("NOT AS EXPECTED", "NO ES LO ESPERADO")
UNASKED = Text("got an event that was not published here: {id}", "recibió un evento no publicado aquí: {id}")
MORE = Text("and {count} more", "y {count} más")
MOST_TROUBLES = 12
NOTHING_PUBLISHED = Text("nothing was published", "no se publicó nada")
FAILED = Text("The connector {name} failed: {why}", "El conector {name} falló: {why}")
LATE = Text(
    "{type} {subject} of {source} is late: {where}. The logs of node {node} are in {logs}.",
    "{type} {subject} de {source} tarda: {where}. Las bitácoras del nodo {node} están en {logs}.",
)
ALL_RIGHT = Text(
    "Every reader got exactly what it may have: {events} events, {readers} readers, {cells} decisions compared.",
    "Cada lector recibió exactamente lo que puede tener: {events} eventos, {readers} lectores, {cells} decisiones.",
)
NOT_ALL_RIGHT = Text(
    "{wrong} of {cells} answers are not as expected.", "{wrong} de {cells} respuestas no son las esperadas."
)
NOT_ALL_THERE = Text(
    "What arrived was answered as expected ({cells} decisions), but not everything arrived.",
    "Lo que llegó se respondió como se esperaba ({cells} decisiones), pero no llegó todo.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many answers were compared, and how many were wrong."""

    events: int
    readers: int
    cells: int
    wrong: int


def show_published(console: Console, fed: Sequence[Fed], language: str) -> None:
    """A line per event under its connector, then what the connectors refused or could not read."""
    console.print(f"[bold]{PUBLISHED.in_(language)}[/]")
    for one in fed:
        console.print(f"  {one.source.name} ({one.source.node.id})", style="cyan", markup=False)
        for event in one.events:
            defects = "".join(f"  ! {defect['code']}" for defect in event.defects)
            _line(console, f"    {event.type}  {short(event.subject)}  TLP:{event.label.tlp}{defects}")
    troubles = [(one.source.name, trouble.in_(language)) for one in fed for trouble in one.troubles]
    if troubles:
        console.print(f"\n[bold]{TROUBLES.in_(language)}[/] ({len(troubles)})")
        for name, words in troubles[:MOST_TROUBLES]:
            _line(console, f"  {name}: {words}")
        if len(troubles) > MOST_TROUBLES:
            _line(console, f"  {MORE.format(count=len(troubles) - MOST_TROUBLES).in_(language)}")


def show_reader(
    console: Console, player: Player, verdicts: Sequence[Verdict], unasked: Sequence[str], language: str
) -> None:
    """What came, as which projection and with what hidden; then, by reason, what did not."""
    who = (player.reader or Text("", "")).in_(language)
    console.print(f"\n[bold]{who}[/]: {player.agency.name} ({player.agency.id})")
    withheld: dict[str, list[str]] = {}
    for verdict in verdicts:
        expected = verdict.expected
        name = f"{expected.event.type}  {short(expected.event.subject)}"
        reason = expected.decision.reason.in_(language)
        if not verdict.is_right:
            console.print(f"  [bold red]✗ {name}  {WRONG.in_(language)}[/] ({reason})", soft_wrap=True)
        elif expected.text is None:
            withheld.setdefault(reason, []).append(name)
        else:
            console.print(f"  [green]✓[/] {name}  [green]{_projection(verdict, language)}[/] {reason}", soft_wrap=True)
            console.print(f"      [dim]{_fields(verdict, language)}[/]")
    for reason, names in withheld.items():
        console.print(f"  [yellow]·[/] {NOTHING.in_(language)} [yellow]{reason}[/]", soft_wrap=True)
        for name in names:
            console.print(f"      [dim]{name}[/]", soft_wrap=True)
    for event_id in unasked:
        console.print(f"  [red]{UNASKED.format(id=event_id).in_(language)}[/]")


def show_outcome(console: Console, outcome: Outcome, fed: Sequence[Fed], late: Sequence[Late], language: str) -> bool:
    """The last words, with everything that keeps the demo from being right; whether nothing does."""
    told = [FAILED.format(name=one.source.name, why=one.failure) for one in fed if one.failure is not None]
    told += [
        LATE.format(
            type=one.event.type,
            subject=short(one.event.subject),
            source=one.event.source,
            where=one.where,
            node=one.node.id,
            logs=one.node.fleet.folder,
        )
        for one in late
    ]
    counts = {"events": outcome.events, "readers": outcome.readers, "cells": outcome.cells, "wrong": outcome.wrong}
    if not outcome.events:
        told.append(NOTHING_PUBLISHED)
    elif outcome.wrong:
        told.append(NOT_ALL_RIGHT.format(**counts))
    elif told:
        told.append(NOT_ALL_THERE.format(**counts))
    console.print()
    for words in told:
        console.print(words.in_(language), style="red", markup=False, highlight=False, soft_wrap=True)
    if not told:
        console.print(ALL_RIGHT.format(**counts).in_(language), style="green", highlight=False)
    return not told


def short(subject: str) -> str:
    """A subject for people: CAP's identifier without time and digest."""
    return subject.removeprefix("cap:").partition(",")[0]


def _projection(verdict: Verdict, language: str) -> str:
    name = verdict.expected.projection or ""
    return f"{name[:-1]} ({OVER.in_(language)})" if name.endswith("~") else name


def _line(console: Console, words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)


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
