"""What the tests of decisions and previews ask, and how they read the answers."""

from __future__ import annotations

from typing import Any

from hub.directory import Agency
from tests.support.events import Wire
from tests.support.node import (
    Desk,
)


def explained(desk: Desk, agency: Agency, hub_id: str) -> dict[str, Any]:
    """Why this agency gets what it gets."""
    answer = desk.get("/v1/decisions", agency=agency.id, event=hub_id)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def preview(desk: Desk, draft: Wire, path: str = "/v1/decisions/preview") -> dict[str, Any]:
    """Who would read a draft."""
    answer = desk.post(path, draft)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())
