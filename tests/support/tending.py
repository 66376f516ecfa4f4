"""A round of who tends subscriptions, and events that come for them."""

from __future__ import annotations

from datetime import timedelta

from hub import tending
from tests.support.cast import POLICE
from tests.support.node import Node, missing_child
from tests.support.subscribing import Dispatch

HOUR = timedelta(hours=1)


def tend(node: Node, heartbeat: timedelta = HOUR) -> tuple[int, int]:
    """One round."""
    with node.database() as conn:
        return tending.tend(conn, node.name, node.clock(), heartbeat)


def come(node: Node, dispatch: Dispatch, urgency: str = "Immediate") -> None:
    """An event that is to be told."""
    node.desk(POLICE).publish(missing_child(data={"urgency": urgency}))
    node.sequence()
    dispatch.queue()
