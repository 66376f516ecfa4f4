"""Wait until the nodes have dealt with what the connectors published: as long as that goes on, not for a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.store import connect, events, rejections
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hub.demo.feeding import Fed
    from hub.demo.stage import Node, Running
    from schemas.envelope import Event

STILL_S = 120.0  # nothing more has arrived for so long: it is not slow, it stands still
AGAIN_S = 0.3
MOST = 100_000

UNREAD = Text("the hub has not read it from Kafka", "el hub no lo ha leído de Kafka")
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
    waiting = _late(nodes, published)
    deadline = time.monotonic() + still_s
    while waiting and time.monotonic() < deadline:
        time.sleep(AGAIN_S)
        running.keep()
        before, waiting = waiting, _late(nodes, published)
        if waiting != before:
            deadline = time.monotonic() + still_s
    return waiting


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
