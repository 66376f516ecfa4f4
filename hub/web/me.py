"""`GET /v1/me`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import g
from flask_smorest import Blueprint

from hub.me import describe
from hub.web import shapes
from hub.web.auth import act
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from hub.grants import Grant, Selector
    from hub.reminders import Warned

bp = Blueprint("me", __name__, url_prefix="/v1", description="The caller itself")


@bp.get("/me")
@takes(bp)
@bp.response(200, shapes.Me)
def show_me() -> dict[str, Any]:
    """Who am I, what may I see, and until when."""
    hub = current_hub()
    described = act(lambda conn, asking: describe(conn, asking, hub.ladders))
    principal, at = described.asking.principal, described.asking.at
    agency = principal.agency
    person = principal.person
    return {
        "node": hub.node,
        "stream": hub.stream_url,
        **({} if person is None else {"person": {"id": person.id, "name": person.name, "roles": sorted(person.roles)}}),
        "agency": {
            "id": agency.id,
            "name": agency.name,
            "kind": agency.kind.value,
            "country": agency.country,
            "jurisdictions": list(agency.jurisdictions),
            "publishes": sorted({prefix for right in agency.publishes for prefix in right.types}),
            "languages": list(agency.languages),
        },
        "token": {
            "client_id": principal.client_id,
            "scopes": sorted(principal.scopes),
            "jurisdictions": list(principal.jurisdictions),
            "purpose": principal.purpose,
            "expires": datetime.fromtimestamp(g.claims.exp, UTC).isoformat(),
        },
        "grants": [_grant(grant, in_force=grant.is_in_force(at)) for grant in described.grants],
        "expiring": [_expiring(warned) for warned in described.expiring],
        "closed": list(described.closed),
        "warnings": [text.as_dict() for text in described.warnings],
    }


def _expiring(warned: Warned) -> dict[str, Any]:
    ending = warned.ending
    return {"what": ending.what, "id": ending.id, "ends_at": ending.ends_at.isoformat(), "days": warned.days}


def _grant(grant: Grant, *, in_force: bool) -> dict[str, Any]:
    return {
        "id": grant.id,
        "source": _selector(grant.source),
        "types": list(grant.types),
        "jurisdictions": list(grant.jurisdictions),
        "purpose": grant.purpose,
        "max_tlp": str(grant.max_tlp),
        "clearance": grant.clearance.name.lower(),
        "valid_from": grant.valid_from.isoformat(),
        "valid_until": grant.valid_until.isoformat(),
        "in_force": in_force,
    }


def _selector(selector: Selector) -> dict[str, str]:
    members = {"agency": selector.agency, "kind": selector.kind, "country": selector.country}
    return {name: str(value) for name, value in members.items() if value is not None}
