"""The whole demo: start, enrol, publish, read, compare, and stay up for whoever wants to look around."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from hub import main
from hub.demo import arriving, cast, expecting, feeding, reading, report, stage
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from hub.demo.cast import Player
    from hub.demo.feeding import Fed, Source
    from hub.demo.stage import Running

PUBLISHING = Text("{name} publishes", "{name} publica")
READING = Text("{id} reads", "{id} lee")
INTERRUPTED = Text("Ended before the comparison.", "Terminó antes de la comparación.")
ARRIVING = Text("what was published arrives", "llega lo publicado")
LOOK_AROUND = Text("Both nodes stay up; Ctrl-C ends them.", "Ambos nodos siguen en marcha; Ctrl-C los termina.")
TRY = Text("As {id}: puente tail --as {profile}", "Como {id}: puente tail --as {profile}")


def play(
    folder: Path, console: Console, language: str, *, chosen: Path | None, once: bool, stopping: Callable[[], bool]
) -> bool:
    """Run the demo with the files of `folder`; whether every reader got exactly what it should."""
    with ExitStack() as stack:
        try:
            running = stage.set_up(folder, console, language, stack, stopping)
            players = cast.load_cast(folder / "agencies.toml")
            stage.enrol(running.nodes, players)
            is_right = _show(running, players, feeding.sources(folder, running.nodes, chosen), console, language)
            if not once:
                _stay(running, players, console, language)
        except stage.Interrupted:
            console.print(INTERRUPTED.in_(language))
            return False
    return is_right


def _show(
    running: Running, players: Sequence[Player], sources: Sequence[Source], console: Console, language: str
) -> bool:
    fed = []
    for source in sources:
        with console.status(PUBLISHING.format(name=source.name).in_(language)):
            fed.append(feeding.feed(source, running))
    report.show_published(console, fed, language)
    with console.status(ARRIVING.in_(language)):
        late = arriving.arrivals(running, fed)
    outcome = _compare(running, players, fed, console, language)
    return report.show_outcome(console, outcome, fed, late, language)


def _compare(
    running: Running, players: Sequence[Player], fed: Sequence[Fed], console: Console, language: str
) -> report.Outcome:
    published = [event for one in fed for event in one.events]
    readers = [player for player in players if player.reader is not None]
    wrong = cells = 0
    for player in readers:
        node = running.nodes[player.node]
        rules = expecting.rules_of(players, node.grants, main.limits(node.told))
        expected = expecting.expectations(player, published, rules, main.now())
        with console.status(READING.format(id=player.agency.id).in_(language)):
            verdicts, unasked = reading.compare(node, player, expected, running)
        report.show_reader(console, player, verdicts, unasked, language)
        cells += len(verdicts)
        wrong += sum(not verdict.is_right for verdict in verdicts) + len(unasked)
    return report.Outcome(events=len(published), readers=len(readers), cells=cells, wrong=wrong)


def _stay(running: Running, players: Sequence[Player], console: Console, language: str) -> None:
    for node in running.nodes.values():
        console.print(f"{node.id}: {node.url}/docs   {node.health}", soft_wrap=True)
    for player in players:
        if player.reader is not None:
            path = reading.profile(running.nodes[player.node], player)
            console.print(TRY.format(id=player.agency.id, profile=path).in_(language), soft_wrap=True)
    console.print(LOOK_AROUND.in_(language))
    with suppress(stage.Interrupted):
        while True:
            running.keep()
            time.sleep(stage.WATCH_S)
