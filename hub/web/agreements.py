"""`/v1/agreements`: the legal instruments that grants hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask_smorest import Blueprint

from hub import agreements
from hub.agency_rows import ReasonSchema
from hub.agreement_rows import Agreement, AgreementSchema, AgreementState
from hub.web import grant_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_row
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("agreements", __name__, url_prefix="/v1", description="What the parties have agreed")

NEW, REASON = AgreementSchema(), ReasonSchema()
CHANGED: dict[str, Any] = {"parameters": [shapes.IF_MATCH]}


@bp.get("/agreements")
@takes(bp, grant_shapes.AgreementsQuery)
@bp.response(200, grant_shapes.Agreements)
def list_agreements(after: str, limit: int, state: AgreementState | None) -> Response:
    """The agreements that bind the caller's agency; operators and auditors see all."""
    found = act(lambda conn, asking: agreements.list_agreements(conn, asking, after=after, limit=limit, state=state))
    following = found[-1].id if len(found) == limit else None
    page = {"agreements": [agreements.shown(one) for one in found], "next": following}
    return json_response(orjson.dumps(page).decode())


@bp.post("/agreements")
@bp.doc(**shapes.body("Agreement"))
@bp.response(201, grant_shapes.AgreementShape)
def draft_agreement() -> Response:
    """Draft an agreement; somebody of another party, or an operator, puts it in force."""
    agreement: Agreement = read_row(NEW)
    done = act(lambda conn, asking: agreements.draft(conn, asking, agreement))
    response = versioned(agreements.shown(done), 201)
    response.headers["Location"] = f"/v1/agreements/{done.id}"
    return response


@bp.get("/agreements/<agreement_id>")
@takes(bp)
@bp.response(200, grant_shapes.AgreementShape)
def show_agreement(agreement_id: str) -> Response:
    """One agreement; its `ETag` goes into the `If-Match` of a change."""
    return versioned(agreements.shown(act(lambda conn, asking: agreements.read_agreement(conn, asking, agreement_id))))


@bp.post("/agreements/<agreement_id>/approve")
@bp.doc(**CHANGED)
@bp.response(200, grant_shapes.AgreementShape)
def approve_agreement(agreement_id: str) -> Response:
    """Put a draft in force: never by who drafted it."""
    expected = expected_version()
    return _after(lambda conn, asking: agreements.approve(conn, asking, agreement_id, expected=expected))


@bp.post("/agreements/<agreement_id>/suspend")
@bp.doc(**shapes.body("Reason", if_match=True))
@bp.response(200, grant_shapes.AgreementShape)
def suspend_agreement(agreement_id: str) -> Response:
    """Every grant on it opens nothing until it resumes."""
    return _narrow(agreement_id, AgreementState.SUSPENDED)


@bp.post("/agreements/<agreement_id>/end")
@bp.doc(**shapes.body("Reason", if_match=True))
@bp.response(200, grant_shapes.AgreementShape)
def end_agreement(agreement_id: str) -> Response:
    """End it for good, and with it every grant on it."""
    return _narrow(agreement_id, AgreementState.ENDED)


@bp.post("/agreements/<agreement_id>/resume")
@bp.doc(**CHANGED)
@bp.response(200, grant_shapes.AgreementShape)
def resume_agreement(agreement_id: str) -> Response:
    """Let a suspended agreement go on; what came meanwhile comes again to its readers."""
    expected = expected_version()
    done, offered = act(lambda conn, asking: agreements.resume(conn, asking, agreement_id, expected=expected))
    more = {"offered": {"events": offered.events, "is_partial": offered.is_partial}}
    return versioned(agreements.shown(done) | more)


def _narrow(agreement_id: str, state: AgreementState) -> Response:
    reason: str = read_row(REASON)["reason"]
    expected = expected_version()
    return _after(lambda conn, asking: agreements.narrow(conn, asking, agreement_id, state, reason, expected=expected))


def _after(use_case: Callable[[Connection, Asking], Agreement]) -> Response:
    return versioned(agreements.shown(act(use_case)))
