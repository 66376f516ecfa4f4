"""What the tests of grants do and look at."""

from __future__ import annotations

from typing import Any

from tests.support.cast import POLICE
from tests.support.node import Desk, Node, missing_child


def state(grant: dict[str, Any]) -> str:
    return str(grant["versions"][0]["state"])


def sees(reader: Desk, hub_id: str) -> bool:
    return reader.event(hub_id) is not None


def publish(node: Node, agency: Any = POLICE) -> str:
    hub_id = node.desk(agency).publish(missing_child(source=agency.id))
    node.sequence()
    return hub_id
