"""`/v1/grants`: who may read what of whom, proposed by one side and approved by the owning one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response
from flask_smorest import Blueprint

from hub import effect, grant_lists, grant_states, matrix, proposals
from hub.grant_access import Held, Outcome, shown
from hub.grant_lists import Filters
from hub.proposal_rows import ApprovalSchema, HaltSchema, ProposalSchema
from hub.web import grant_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_row
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.directory import Directory
    from hub.granting import Proposal
    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("grants", __name__, url_prefix="/v1", description="Who may read what of whom")

NEW, NEXT = ProposalSchema(), ProposalSchema(exclude=("id",))
APPROVAL, HALT = ApprovalSchema(), HaltSchema()
CHANGED: dict[str, Any] = {"parameters": [shapes.IF_MATCH]}


@bp.get("/grants")
@takes(bp, grant_shapes.GrantsQuery)
@bp.response(200, grant_shapes.HeldGrants)
def list_grants(after: str, limit: int, **filters: Any) -> Response:
    """The grants that the caller's agency is a side of; operators and auditors see all."""

    def read(conn: Connection, asking: Asking) -> tuple[list[Held], Directory]:
        found = grant_lists.list_grants(conn, asking, Filters(**filters), after=after, limit=limit)
        return found, asking.view.rules.directory

    found, directory = act(read)
    following = found[-1].id if len(found) == limit else None
    page = {"grants": [shown(one, directory) for one in found], "next": following}
    return json_response(orjson.dumps(page).decode())


@bp.get("/grants/matrix")
@takes(bp, grant_shapes.MatrixQuery)
@bp.response(200, grant_shapes.Matrix)
def show_matrix(format: str, **narrowed: Any) -> Response:
    """Reader × source × type × jurisdiction, as far as it concerns the caller's agency; JSON or CSV."""
    found = act(lambda conn, asking: grant_lists.read_matrix(conn, asking, **narrowed))
    if format == "csv":
        told = {"Content-Disposition": 'attachment; filename="grants.csv"', "Cache-Control": "no-store"}
        return Response(matrix.as_csv(found), content_type="text/csv; charset=utf-8; header=present", headers=told)
    return json_response(orjson.dumps({"rows": [asdict(row) for row in found]}).decode())


@bp.post("/grants")
@bp.doc(**shapes.body("Grant"))
@bp.response(201, grant_shapes.HeldGrant)
def propose_grant() -> Response:
    """Propose a grant; it opens nothing until people of the owning side approve it."""
    proposal: Proposal = read_row(NEW)
    response = _after(lambda conn, asking: proposals.propose(conn, asking, proposal), 201)
    response.headers["Location"] = f"/v1/grants/{proposal.grant.id}"
    return response


@bp.get("/grants/<grant_id>")
@takes(bp)
@bp.response(200, grant_shapes.HeldGrant)
def show_grant(grant_id: str) -> Response:
    """One grant with all its versions; its `ETag` goes into the `If-Match` of a change."""

    def read(conn: Connection, asking: Asking) -> Outcome:
        return Outcome(grant=grant_lists.read_grant(conn, asking, grant_id))

    return _after(read, is_act=False)


@bp.get("/grants/<grant_id>/effect")
@takes(bp)
@bp.response(200, grant_shapes.Effect)
def show_effect(grant_id: str) -> Response:
    """Who would gain or lose what if this grant were approved, counted on the last 30 days' events."""
    told = act(lambda conn, asking: effect.read_effect(conn, asking, grant_id))
    return json_response(orjson.dumps(told).decode())


@bp.post("/grants/<grant_id>/versions")
@bp.doc(**shapes.body("GrantVersion", if_match=True))
@bp.response(201, grant_shapes.HeldGrant)
def amend_grant(grant_id: str) -> Response:
    """Propose the next version; the present one stays in force until this one is approved."""
    proposal: Proposal = read_row(NEXT)
    expected = expected_version()
    return _after(lambda conn, asking: proposals.amend(conn, asking, grant_id, proposal, expected=expected), 201)


@bp.post("/grants/<grant_id>/approve")
@bp.doc(**shapes.body("GrantApproval", if_match=True))
@bp.response(200, grant_shapes.HeldGrant)
def approve_grant(grant_id: str) -> Response:
    """Stand behind a version on behalf of the caller's agency; what it opens of the past comes again."""
    version: int = read_row(APPROVAL)["version"]
    expected = expected_version()
    return _after(lambda conn, asking: proposals.approve(conn, asking, grant_id, version, expected=expected))


@bp.post("/grants/<grant_id>/withdraw")
@bp.doc(**CHANGED)
@bp.response(200, grant_shapes.HeldGrant)
def withdraw_grant(grant_id: str) -> Response:
    """Take back one's own proposal."""
    expected = expected_version()
    return _after(lambda conn, asking: proposals.withdraw(conn, asking, grant_id, expected=expected))


@bp.post("/grants/<grant_id>/suspend")
@bp.doc(**shapes.body("GrantHalt", if_match=True))
@bp.response(200, grant_shapes.HeldGrant)
def suspend_grant(grant_id: str) -> Response:
    """Close the agency's part for a time."""
    told = read_row(HALT)
    expected = expected_version()
    return _after(
        lambda conn, asking: grant_states.suspend(
            conn, asking, grant_id, told["reason"], told["side"], expected=expected
        )
    )


@bp.post("/grants/<grant_id>/resume")
@bp.doc(**CHANGED)
@bp.response(200, grant_shapes.HeldGrant)
def resume_grant(grant_id: str) -> Response:
    """Open the agency's part again; what came meanwhile comes again."""
    expected = expected_version()
    return _after(lambda conn, asking: grant_states.resume(conn, asking, grant_id, expected=expected))


@bp.post("/grants/<grant_id>/revoke")
@bp.doc(**shapes.body("GrantHalt", if_match=True))
@bp.response(200, grant_shapes.HeldGrant)
def revoke_grant(grant_id: str) -> Response:
    """End the agency's part for good; the reading side gives up its right so."""
    told = read_row(HALT)
    expected = expected_version()
    return _after(
        lambda conn, asking: grant_states.revoke(
            conn, asking, grant_id, told["reason"], told["side"], expected=expected
        )
    )


@bp.post("/grants/<grant_id>/confirm")
@bp.doc(**CHANGED)
@bp.response(200, grant_shapes.HeldGrant)
def confirm_grant(grant_id: str) -> Response:
    """Tell a review that the agency still stands behind it."""
    expected = expected_version()
    return _after(lambda conn, asking: grant_states.confirm(conn, asking, grant_id, expected=expected))


def _after(use_case: Callable[[Connection, Asking], Outcome], status: int = 200, *, is_act: bool = True) -> Response:
    def once(conn: Connection, asking: Asking) -> dict[str, Any]:
        done = use_case(conn, asking)
        offered = {"events": done.offered.events, "is_partial": done.offered.is_partial}
        return shown(done.grant, asking.view.rules.directory) | ({"offered": offered} if is_act else {})

    return versioned(act(once), status, "revision")
