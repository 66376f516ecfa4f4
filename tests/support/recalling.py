"""Alerts about one child, and who takes one of them back."""

from __future__ import annotations

from typing import Any

from tests.support.node import Desk, missing_child


def child(verb: str = "issued", *, minutes: float = 0, **differs: Any) -> dict[str, Any]:
    """An event about her, so many minutes after the first."""
    return missing_child(verb, minutes=minutes, **{"subject": "ximena"} | differs)


def publish(police: Desk, *events: dict[str, Any]) -> list[str]:
    """Publish and put into the log, in this order."""
    published = [police.publish(event) for event in events]
    police.node.sequence()
    return published


def take_back(desk: Desk, hub_id: str, **body: Any) -> Any:
    """Ask for it, as the wrong person unless `body` says otherwise, and let the log catch up: the answer."""
    answered = desk.post(f"/v1/events/{hub_id}/recall", {"reason": "wrong-person"} | body)
    desk.node.sequence()
    return answered


def recall(desk: Desk, hub_id: str) -> str:
    """The same, which must work: the id of the recall."""
    answered = take_back(desk, hub_id)
    assert answered.status_code == 201, answered.text
    return str(answered.get_json()["id"])
