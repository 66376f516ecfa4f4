"""Wait until what the connectors published is dealt with, on both sides: as long as that goes on, not for a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hub.store import connect, events, peers, rejections
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hub.demo.feeding import Fed
    from hub.demo.stage import Node, Running
    from schemas.envelope import Event

T = TypeVar("T")

STILL_S = 120.0  # nothing more has arrived for so long: it is not slow, it stands still
AGAIN_S = 0.3
MOST = 100_000

UNREAD = Text("the hub has not read it from Kafka", "el hub no lo ha leído de Kafka")
NOT_ACROSS = Text("it has not crossed to node {node}", "no ha cruzado al nodo {node}")
UNPLACED = Text("it is stored and has no place in the log yet", "está guardado y aún no tiene lugar en la bitácora")


@dataclass(frozen=True, slots=True)
class Late:
    """A published event that has not come to the readers, and where on its way it is."""

    node: Node
    event: Event
    where: Text


def arrivals(running: Running, fed: Iterable[Fed], *, still_s: float = STILL_S) -> list[Late]:
    """
    Wait for every published event to be in its node's log, or refused; those for which that was in vain.

    It is in vain when none has come any further for `still_s` seconds, however long it has taken until then.
    """
    published = [(one.source.node, event) for one in fed if one.failure is None for event in one.events]
    nodes = running.nodes.values()
    return _wait(running, lambda: _late(nodes, published), still_s)


def crossings(running: Running, wanted: Sequence[tuple[Node, Event]], *, still_s: float = STILL_S) -> list[Late]:
    """
    Wait for events to be in the log of the other node too, which is beside each; those for which that was in vain.

    Whatever else there is to send is waited for as well: what should have stayed would show in what is read then.
    """
    left = _wait(running, lambda: [*_not_across(wanted), *_behind(running)], still_s)
    return [one for one in left if isinstance(one, Late)]


def _wait(running: Running, look: Callable[[], list[T]], still_s: float) -> list[T]:
    """What is left when that has been the same for `still_s` seconds, or nothing."""
    left = look()
    deadline = time.monotonic() + still_s
    while left and time.monotonic() < deadline:
        time.sleep(AGAIN_S)
        running.keep()
        before, left = left, look()
        if left != before:
            deadline = time.monotonic() + still_s
    return left


def _not_across(wanted: Sequence[tuple[Node, Event]]) -> list[Late]:
    late = []
    for node in {one.id: one for one, _ in wanted}.values():
        coming = [event for at, event in wanted if at == node]
        with connect(node.environment["PUENTE_DATABASE_URL"], name="puente-demo") as conn:
            placed = events.placed(conn, [(event.source, event.id) for event in coming])
        missing = [event for event in coming if not placed.get((event.source, event.id))]
        late += [Late(node, event, NOT_ACROSS.format(node=node.id)) for event in missing]
    return late


def _behind(running: Running) -> list[tuple[str, int, int]]:
    """From which node how many events have yet to be decided about, and how many envelopes to be answered."""
    found = []
    for node in running.nodes.values():
        with connect(node.environment["PUENTE_DATABASE_URL"], name="puente-demo") as conn:
            for peer in running.nodes.keys() - {node.id}:
                lag = peers.lag(conn, peer)
                if lag.events or lag.unreceipted:
                    found.append((node.id, lag.events, lag.unreceipted))
    return found


def _late(nodes: Iterable[Node], published: Sequence[tuple[Node, Event]]) -> list[Late]:
    late = []
    for node in nodes:
        own = [event for at, event in published if at == node]
        with connect(node.environment["PUENTE_DATABASE_URL"], name="puente-demo") as conn:
            placed = events.placed(conn, [(event.source, event.id) for event in own])
            refused = {(row["agency"], row["event_id"]) for row in rejections.since(conn, 0, limit=MOST)}
        for event in own:
            identity = (event.source, event.id)
            if not placed.get(identity) and identity not in refused:
                late.append(Late(node, event, UNPLACED if identity in placed else UNREAD))
    return late
