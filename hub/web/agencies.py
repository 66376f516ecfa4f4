"""`/v1/agencies`: the directory, and what the node's operators do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask_smorest import Blueprint
from marshmallow import fields, validate

from hub import agencies
from hub.agency_rows import AgencyChangeSchema, AgencySchema
from hub.directory import Agency, Standing
from hub.grant_rows import Row
from hub.web import shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_row
from hub.web.hub import current_hub
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("agencies", __name__, url_prefix="/v1", description="Who takes part")


class StandingSchema(Row):
    """A new standing, and why."""

    standing = fields.Enum(Standing, by_value=True, required=True)
    reason = fields.String(required=True, validate=validate.Length(3, 300))


NEW, CHANGE, STANDING = AgencySchema(), AgencyChangeSchema(), StandingSchema()


@bp.get("/agencies")
@takes(bp, shapes.NamedQuery)
@bp.response(200, shapes.Agencies)
def list_agencies(after: str, limit: int) -> Response:
    """Every agency of this node, in order of ids; ask again with `after` set to `next`."""

    def read(conn: Connection, asking: Asking) -> list[Agency]:
        return agencies.list_agencies(conn, asking, after=after, limit=limit)

    found = [agencies.shown(agency) for agency in act(read)]
    following = found[-1]["id"] if len(found) == limit else None
    return json_response(orjson.dumps({"agencies": found, "next": following}).decode())


@bp.post("/agencies")
@bp.doc(**shapes.body("Agency"))
@bp.response(201, shapes.AgencyShape)
def register_agency() -> Response:
    """Enrol an agency. It may publish and read nothing until somebody grants it."""
    agency: Agency = read_row(NEW)
    node = current_hub().node
    done = act(lambda conn, asking: agencies.register(conn, asking, node, agency))
    response = versioned(agencies.shown(done), 201)
    response.headers["Location"] = f"/v1/agencies/{done.id}"
    return response


@bp.get("/agencies/<agency_id>")
@takes(bp)
@bp.response(200, shapes.AgencyShape)
def show_agency(agency_id: str) -> Response:
    """One agency; its `ETag` goes into the `If-Match` of a change."""
    return versioned(agencies.shown(act(lambda conn, asking: agencies.read_agency(conn, asking, agency_id))))


@bp.patch("/agencies/<agency_id>")
@bp.doc(**shapes.body("AgencyChange", if_match=True))
@bp.response(200, shapes.AgencyShape)
def amend_agency(agency_id: str) -> Response:
    """Change what the directory says of an agency."""
    changes: dict[str, Any] = read_row(CHANGE)
    expected = expected_version()
    return versioned(
        agencies.shown(act(lambda conn, asking: agencies.amend(conn, asking, agency_id, changes, expected=expected)))
    )


@bp.put("/agencies/<agency_id>/standing")
@bp.doc(**shapes.body("Standing", if_match=True))
@bp.response(200, shapes.AgencyShape)
def set_standing(agency_id: str) -> Response:
    """Suspend, retire or reinstate an agency; every token of it is void at once."""
    told = read_row(STANDING)
    expected = expected_version()

    def cut(conn: Connection, asking: Asking) -> Agency:
        return agencies.set_standing(conn, asking, agency_id, told["standing"], told["reason"], expected=expected)

    return versioned(agencies.shown(act(cut)))
