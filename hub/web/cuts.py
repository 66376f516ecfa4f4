"""`POST /v1/cuts`: cut off an agency, a person or a key at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from flask_smorest import Blueprint

from hub import cuts
from hub.agency_rows import CutSchema
from hub.web import people_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_row

if TYPE_CHECKING:
    from flask import Response

bp = Blueprint("cuts", __name__, url_prefix="/v1", description="Emergencies")

CUT = CutSchema()


@bp.post("/cuts")
@bp.doc(**shapes.body("Cut"))
@bp.response(200, people_shapes.CutDone)
def cut_off() -> Response:
    """Void every token of an agency, a person or a key in the next statement, and give no new one."""
    what, which, reason = read_row(CUT)
    act(lambda conn, asking: cuts.cut(conn, asking, what, which, reason))
    return json_response(orjson.dumps({"cut": what, "id": which}).decode())
