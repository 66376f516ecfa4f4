"""`GET /v1/cases/{subject}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from flask_smorest import Blueprint

from hub.cases import Case, read_case
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

bp = Blueprint("cases", __name__, url_prefix="/v1", description="Alerts and cases with their history")


@bp.get("/cases/<path:subject>")
@takes(bp)
@bp.response(200, shapes.Cases)
def show_case(subject: str) -> Response:
    """Where an alert or case stands and how it came there, as the caller may see it."""
    hub = current_hub()

    def read(asking: Asking) -> str:
        with transaction(hub.pool, asking.reader) as conn:
            return ",".join(_case(case) for case in read_case(conn, asking, subject))

    found = answer(read)
    return json_response(f'{{"subject":{orjson.dumps(subject).decode()},"cases":[{found}]}}')


def _case(case: Case) -> str:
    state = "closed" if case.is_closed else "open"
    return f'{{"source":"{case.source}","state":"{state}","history":{items(case.history)}}}'
