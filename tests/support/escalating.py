"""Deadlines of a node, and one round of whoever escalates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from hub.escalating import Unreached, escalate
from hub.picture import Picture, Stale
from tests.support import cast
from tests.support.node import Desk, Node, missing_child
from tests.support.subscribing import Dispatch, subscribe


class Escalation:
    """Who passes on what comes, and who calls when no word does."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.dispatch = Dispatch(node)
        self.unreached: list[Unreached] = []

    def alert(self, police: Desk, verb: str = "issued", *, urgent: bool = True, **differs: Any) -> str:
        """An alert that has been passed on."""
        data = {"urgency": "Immediate" if urgent else "Expected"} | differs.pop("data", {})
        hub_id = police.publish(missing_child(verb, data=data, **differs))
        self.pass_on()
        return hub_id

    def pass_on(self) -> None:
        """What was accepted gets its place, and whoever subscribed is told; then their queues are emptied."""
        self.node.sequence()
        self.dispatch.queue()

    def wait(self, minutes: float) -> int:
        """So many minutes go by, and whoever is due is called; how many deadlines moved."""
        self.node.clock.ahead += timedelta(minutes=minutes)
        return self.look()

    def look(self) -> int:
        """Everything that is due now."""
        moved, picture = 0, Picture.unread(cast.LIMITS)
        with self.node.database() as conn:
            while True:
                picture.refresh(conn)
                try:
                    each = escalate(conn, picture, self.dispatch.ladders, self.node.clock())
                except Stale:
                    continue
                moved += each.due
                self.unreached += each.unreached
                if not each.due:
                    return moved

    def deadlines(self) -> list[tuple[str, str, int | None]]:
        """By agency: how it stands, and the step that was taken last, from 1."""
        found = self.node.rows("SELECT agency, state, escalated + 1 FROM deadline ORDER BY agency, event")
        return [(agency, state, step) for agency, state, step in found]

    def called(self) -> list[tuple[str, str, str]]:
        """Whom it was told once more, and what the issuer heard, in order: agency, desk, and what about."""
        return self.node.rows(
            "SELECT s.agency, s.desk, d.about FROM delivery d JOIN subscription s ON s.id = d.subscription"
            " WHERE d.about IS NOT NULL ORDER BY d.no"
        )


def desk(of: Desk, name: str, **differs: Any) -> UUID:
    """A desk that is told by mail, of everything."""
    return subscribe(of, name=name, desk=name, channel="email", address=f"{name}@{of.agency.id}.example", **differs)
