"""`/v1/publish-rights`: what agencies may publish, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_smorest import Blueprint

from hub import publish_rights
from hub.right_rows import PublishRightSchema, RightStateSchema
from hub.web import people_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import page, read_row
from hub.web.hub import current_hub
from hub.web.persons import NOTHING
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.publish_rights import Held

bp = Blueprint("publish_rights", __name__, url_prefix="/v1", description="What agencies may publish")

NEW, STATE = PublishRightSchema(), RightStateSchema()


def _shown(held: Held) -> dict[str, Any]:
    return publish_rights.shown(held, current_hub().now())


@bp.get("/publish-rights")
@takes(bp, people_shapes.OfAgencyQuery)
@bp.response(200, people_shapes.PublishRights)
def list_rights(agency: str | None, after: str, limit: int) -> Response:
    """Rights whatever their state, in order of ids: an operator sees all, others those of their own agency."""

    def read(conn: Connection, asking: Asking) -> list[Held]:
        return publish_rights.list_rights(conn, asking, agency=agency, after=after, limit=limit)

    return page("publish_rights", [_shown(held) for held in act(read)], key="id", limit=limit)


@bp.post("/publish-rights")
@bp.doc(**shapes.body("PublishRight"))
@bp.response(201, people_shapes.PublishRightShape)
def propose_right() -> Response:
    """Ask for a right; it opens nothing until an operator who did not propose it has approved it."""
    wanted = read_row(NEW)
    done = act(lambda conn, asking: publish_rights.propose(conn, asking, wanted))
    response = versioned(_shown(done), 201)
    response.headers["Location"] = f"/v1/publish-rights/{done.id}"
    return response


@bp.get("/publish-rights/<right_id>")
@takes(bp)
@bp.response(200, people_shapes.PublishRightShape)
def show_right(right_id: str) -> Response:
    """One right; its `ETag` goes into the `If-Match` of a change."""
    return versioned(_shown(act(lambda conn, asking: publish_rights.read_right(conn, asking, right_id))))


@bp.post("/publish-rights/<right_id>/approval")
@bp.doc(**shapes.body("Nothing", if_match=True))
@bp.response(200, people_shapes.PublishRightShape)
def approve_right(right_id: str) -> Response:
    """Put a proposed right in force from the next request and record on."""
    read_row(NOTHING)
    expected = expected_version()
    return versioned(
        _shown(act(lambda conn, asking: publish_rights.approve(conn, asking, right_id, expected=expected)))
    )


@bp.put("/publish-rights/<right_id>/state")
@bp.doc(**shapes.body("RightState", if_match=True))
@bp.response(200, people_shapes.PublishRightShape)
def set_right_state(right_id: str) -> Response:
    """Suspend, revoke or put back a right, from the next request and record on."""
    told = read_row(STATE)
    expected = expected_version()

    def change(conn: Connection, asking: Asking) -> Held:
        return publish_rights.set_state(conn, asking, right_id, told["state"], told["reason"], expected=expected)

    return versioned(_shown(act(change)))
