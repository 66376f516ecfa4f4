"""What the tests of streams publish."""

from __future__ import annotations

from typing import Any

from tests.support.events import Wire
from tests.support.node import Desk, missing_child


def publish(police: Desk, count: int = 1, **differs: Any) -> list[str]:
    """Publish alerts and give them their places; their ids."""
    return place(police, *(missing_child(**differs) for _ in range(count)))


def place(police: Desk, *events: Wire) -> list[str]:
    """Publish these and give them their places; their ids."""
    for event in events:
        police.publish(event)
    police.node.sequence()
    return [str(event["id"]) for event in events]
