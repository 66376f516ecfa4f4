"""The whole demo: start, enrol, publish, read, compare, and stay up for whoever wants to look around."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from hub import main
from hub.demo import cast, expecting, feeding, reading, report, stage
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from hub.demo.cast import Player
    from hub.demo.feeding import Fed
    from hub.demo.stage import Node

PUBLISHING = Text("{name} publishes", "{name} publica")
READING = Text("{id} reads", "{id} lee")
NOTHING_PUBLISHED = Text("nothing was published", "no se publicó nada")
ALL_RIGHT = Text(
    "Every reader got exactly what it may have: {events} events, {readers} readers, {cells} decisions compared.",
    "Cada lector recibió exactamente lo que puede tener: {events} eventos, {readers} lectores, {cells} decisiones.",
)
NOT_ALL_RIGHT = Text("{count} answers are not as expected.", "{count} respuestas no son las esperadas.")
LOOK_AROUND = Text("Both nodes stay up; Ctrl-C ends them.", "Ambos nodos siguen en marcha; Ctrl-C los termina.")
TRY = Text("As {id}: puente tail --as {profile}", "Como {id}: puente tail --as {profile}")
WATCH_S = 0.2


def play(
    folder: Path, console: Console, language: str, *, chosen: Path | None, once: bool, stopping: Callable[[], bool]
) -> bool:
    """Run the demo with the files of `folder`; whether every reader got exactly what it should."""
    with ExitStack() as stack:
        nodes = stage.set_up(folder, console, language, stack)
        players = cast.load_cast(folder / "agencies.toml")
        stage.enrol(nodes, players)
        fed = []
        for source in feeding.sources(folder, nodes, chosen):
            with console.status(PUBLISHING.format(name=source.name).in_(language)):
                fed.append(feeding.feed(source))
        report.show_published(console, fed, language)
        is_right = _compare(nodes, players, fed, console, language)
        if not once:
            _stay(nodes, players, console, language, stopping)
    return is_right


def _compare(
    nodes: dict[str, Node], players: Sequence[Player], fed: Sequence[Fed], console: Console, language: str
) -> bool:
    published = [event for one in fed for event in one.events]
    at = main.now()
    readers = [player for player in players if player.reader is not None]
    wrong = cells = 0
    for player in readers:
        node = nodes[player.node]
        rules = expecting.rules_of(players, node.grants, main.limits(node.told))
        expected = expecting.expectations(player, published, rules, at)
        with console.status(READING.format(id=player.agency.id).in_(language)):
            verdicts, unasked = reading.compare(node, player, expected)
        report.show_reader(console, player, verdicts, unasked, language)
        cells += len(verdicts)
        wrong += sum(not verdict.is_right for verdict in verdicts) + len(unasked)
    failed = [one for one in fed if one.failure]
    if not published:
        console.print(f"[red]{NOTHING_PUBLISHED.in_(language)}[/]")
    elif wrong:
        console.print(f"[red]{NOT_ALL_RIGHT.format(count=wrong).in_(language)}[/]")
    else:
        counts = ALL_RIGHT.format(events=len(published), readers=len(readers), cells=cells)
        console.print(f"[green]{counts.in_(language)}[/]")
    return bool(published) and not wrong and not failed


def _stay(
    nodes: dict[str, Node], players: Sequence[Player], console: Console, language: str, stopping: Callable[[], bool]
) -> None:
    for node in nodes.values():
        console.print(f"{node.id}: {node.url}/docs   {node.health}", soft_wrap=True)
    for player in players:
        if player.reader is not None:
            path = reading.profile(nodes[player.node], player)
            console.print(TRY.format(id=player.agency.id, profile=path).in_(language), soft_wrap=True)
    console.print(LOOK_AROUND.in_(language))
    while not stopping():
        for node in nodes.values():
            node.fleet.watch()
        time.sleep(WATCH_S)
