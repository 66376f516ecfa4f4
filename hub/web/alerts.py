"""`GET /v1/alerts/active`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_smorest import Blueprint

from hub.alerts import read_active
from hub.items import items
from hub.store import transaction
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking

bp = Blueprint("alerts", __name__, url_prefix="/v1/alerts", description="What is going on now")


@bp.get("/active")
@takes(bp, shapes.ActiveQuery)
@bp.response(200, shapes.ActiveAlerts)
def show_active(status: str, limit: int) -> Response:
    """Every alert the caller may see that is neither closed nor expired, newest first."""
    hub = current_hub()

    def read(asking: Asking) -> str:
        with transaction(hub.pool, asking.reader) as conn:
            return items(read_active(conn, asking, status=status, limit=limit))

    return json_response(f'{{"alerts":{answer(read)}}}')
