"""The whole demo: start, enrol, publish, cross, read, compare, answer, and stay up for whoever looks around."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from hub import main
from hub.demo import arriving, cast, crossing, expecting, feeding, neighbours, reading, report, stage
from hub.demo.reading import Reading
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from hub.demo.cast import Player
    from hub.demo.expecting import Expected
    from hub.demo.feeding import Fed, Source
    from hub.demo.stage import Node, Running
    from schemas.envelope import Event

PUBLISHING = Text("{name} publishes", "{name} publica")
READING = Text("{id} reads", "{id} lee")
INTERRUPTED = Text("Ended before the comparison.", "Terminó antes de la comparación.")
ARRIVING = Text("what was published arrives", "llega lo publicado")
CROSSING = Text("what was released crosses the border", "lo liberado cruza la frontera")
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
            neighbours.introduce(running.nodes.values(), console, language)
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
    expected = _expected(running, players, fed)
    with console.status(CROSSING.in_(language)):
        late += arriving.crossings(running, _abroad(running, expected))
    readings = _read(running, expected, console, language)
    untold = crossing.tell(running, players, readings, console, language)
    return report.show_outcome(console, _outcome(fed, readings), fed, [*late, *untold], language)


def _expected(running: Running, players: Sequence[Player], fed: Sequence[Fed]) -> list[tuple[Player, list[Expected]]]:
    """What each reader should get, in the order in which they are shown."""
    law = {name: (node.grants, main.limits(node.told)) for name, node in running.nodes.items()}
    rules = expecting.rules_of(players, law)
    published = [event for one in fed for event in one.events]
    at = main.now()
    readers = [player for player in players if player.reader is not None]
    return [(player, expecting.expectations(player, published, rules, at)) for player in readers]


def _abroad(running: Running, expected: Sequence[tuple[Player, list[Expected]]]) -> list[tuple[Node, Event]]:
    """Each event that somebody at the other node should get, once, with that node."""
    found = {
        (player.node, one.event.source, one.event.id): (running.nodes[player.node], one.event)
        for player, each in expected
        for one in each
        if one.text is not None and expecting.node_of(one.event) != player.node
    }
    return list(found.values())


def _read(
    running: Running, expected: Sequence[tuple[Player, list[Expected]]], console: Console, language: str
) -> list[Reading]:
    readings = []
    for player, each in expected:
        with console.status(READING.format(id=player.agency.id).in_(language)):
            verdicts, unasked = reading.compare(running.nodes[player.node], player, each, running)
        report.show_reader(console, player, verdicts, unasked, language)
        readings.append(Reading(player, verdicts, unasked))
    return readings


def _outcome(fed: Sequence[Fed], readings: Sequence[Reading]) -> report.Outcome:
    verdicts = [verdict for one in readings for verdict in one.verdicts]
    return report.Outcome(
        events=sum(len(one.events) for one in fed),
        readers=len(readings),
        cells=len(verdicts),
        wrong=sum(not verdict.is_right for verdict in verdicts) + sum(len(one.unasked) for one in readings),
    )


def _stay(running: Running, players: Sequence[Player], console: Console, language: str) -> None:
    for node in running.nodes.values():
        console.print(f"{node.id}: {node.url}/docs   {node.url}/public/alerts.atom   {node.health}", soft_wrap=True)
    for player in players:
        if player.reader is not None:
            path = reading.profile(running.nodes[player.node], player)
            console.print(TRY.format(id=player.agency.id, profile=path).in_(language), soft_wrap=True)
    console.print(LOOK_AROUND.in_(language))
    with suppress(stage.Interrupted):
        while True:
            running.keep()
            time.sleep(stage.WATCH_S)
