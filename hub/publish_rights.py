"""What agencies may publish and where: proposed by an operator or the agency, approved by another person, ended by one.

A right never changes in what it opens: who wants another one proposes it and revokes the old.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub import acts, reminders
from hub.authority import (
    APPROVE_GRANTS,
    PROPOSE_GRANTS,
    READ_GRANTS,
    REVOKE_GRANTS,
    is_operator,
    may_administer,
    may_operate,
    may_second,
    may_use,
)
from hub.directory import PublishRight, RightState, Standing
from hub.errors import Invalid, NotVisible
from hub.store import publish_rights
from schemas.flaws import flaw
from schemas.places import covers
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hub.policy import Decision
    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.publish_rights import Held

UNKNOWN_AGENCY = Text("no such agency, or a retired one", "no existe tal agencia, o fue dada de baja", code="no-agency")
OUTSIDE = Text("outside the agency's area", "fuera del área de la agencia", code="outside-area")
OVER = Text("this end has passed", "este término ya pasó", code="over")
NOT_PROPOSED = Text("nothing waits for approval", "nada espera aprobación")
NOT_FROM_HERE = Text("not possible from where the right stands", "no es posible desde el estado del derecho")

_ID = re.compile(r"[a-z0-9.-]{1,100}")  # what goes into the audit is an id, whoever wrote it

# From where a right may come to where.
_STEPS = {
    RightState.REVOKED: {RightState.PROPOSED, RightState.IN_FORCE, RightState.SUSPENDED},
    RightState.SUSPENDED: {RightState.IN_FORCE},
    RightState.IN_FORCE: {RightState.SUSPENDED},
}


def shown(held: Held, at: datetime) -> dict[str, Any]:
    """A right as those see it who may; `warning_days` is the threshold before its end that it has come to."""
    return {
        "id": held.id,
        "agency": held.agency,
        **_noted(held),
        "warning_days": reminders.threshold(held.right.valid_until, at)
        if held.right.state is RightState.IN_FORCE
        else None,
        "version": held.version,
    }


def _noted(held: Held) -> Mapping[str, Any]:
    right = held.right
    return {
        "types": list(right.types),
        "jurisdictions": list(right.jurisdictions),
        "valid_from": right.valid_from.isoformat(),
        "valid_until": right.valid_until.isoformat(),
        "state": right.state.value,
        "proposed_by": held.proposed_by,
        "approved_by": held.approved_by,
        "reason": held.reason,
    }


def list_rights(conn: Connection, asking: Asking, *, agency: str | None, after: str, limit: int) -> list[Held]:
    """Rights in order of ids: operators see all, others those of their own agency."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    own = agency if is_operator(asking.principal) else asking.principal.agency.id
    if agency is not None and agency != own:
        return []
    return publish_rights.listed(conn, agency=own, after=after, limit=limit)


def read_right(conn: Connection, asking: Asking, right_id: str) -> Held:
    """
    One right.

    Raises:
        NotVisible: there is none, or of an agency that is not the caller's.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    return _visible(conn, asking, right_id)


def propose(conn: Connection, asking: Asking, wanted: Mapping[str, Any]) -> Held:
    """
    Ask for a right; it opens nothing until another person, an operator, has approved it.

    Raises:
        Denied: not the caller's to do.
        Invalid: no such agency, beyond its area, or over already.
    """
    agency_id = wanted["agency"]
    right = PublishRight(
        types=tuple(wanted["types"]),
        jurisdictions=tuple(wanted["jurisdictions"]),
        valid_from=wanted["valid_from"] or asking.at,
        valid_until=wanted["valid_until"],
        state=RightState.PROPOSED,
    )
    may = may_administer(asking.principal, PROPOSE_GRANTS, agency_id)
    after = {"types": list(right.types), "jurisdictions": list(right.jurisdictions)}
    acts.require(conn, asking, "publish-right.propose", may, of=agency_id, after=after)
    agency = asking.view.rules.directory.enrolled(agency_id)
    if agency is None or agency.standing is Standing.RETIRED:
        raise Invalid((flaw("/agency", UNKNOWN_AGENCY),))
    outside = [
        flaw(f"/jurisdictions/{number}", OUTSIDE)
        for number, code in enumerate(right.jurisdictions)
        if not any(covers(place, code) for place in agency.jurisdictions)
    ]
    if right.valid_until <= asking.at:
        outside.append(flaw("/valid_until", OVER))
    if outside:
        raise Invalid(tuple(outside))
    return publish_rights.propose(conn, agency_id, right, acts.actor(asking))


def approve(conn: Connection, asking: Asking, right_id: str, *, expected: int) -> Held:
    """
    Put a proposed right in force: an operator does, and not the one who proposed it.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there. Outdated: it is no longer what the caller saw.
        Conflict: nothing waits for approval, or its time is over.
    """
    present = _visible(conn, asking, right_id)
    may = may_operate(asking.principal, APPROVE_GRANTS)
    if may.is_allowed:
        may = may_second(asking.principal, present.proposed_by)
    clash = None
    if present.right.state is not RightState.PROPOSED:
        clash = NOT_PROPOSED
    elif present.right.valid_until <= asking.at:
        clash = OVER
    approver = asking.principal.person.id if asking.principal.person else None
    changed = _to(present, RightState.IN_FORCE, None, approved_by=approver)
    return _changed(conn, asking, "publish-right.approve", may, (present, changed), clash, expected)


def set_state(
    conn: Connection, asking: Asking, right_id: str, state: RightState, reason: str, *, expected: int
) -> Held:
    """
    Suspend or revoke a right, which one person of either side may; or put a suspended one back, which an operator may.

    Raises:
        Denied, NotVisible, Outdated: as for `approve`. Conflict: not from where it stands.
    """
    present = _visible(conn, asking, right_id)
    may = may_administer(asking.principal, REVOKE_GRANTS, present.agency)
    if state is RightState.IN_FORCE:
        may = may_operate(asking.principal, APPROVE_GRANTS)
    clash = None if present.right.state in _STEPS[state] else NOT_FROM_HERE
    changed = _to(present, state, reason, approved_by=present.approved_by)
    return _changed(conn, asking, f"publish-right.{state.value}", may, (present, changed), clash, expected)


def _to(present: Held, state: RightState, reason: str | None, *, approved_by: str | None) -> Held:
    right = replace(present.right, state=state)
    return replace(present, right=right, approved_by=approved_by, reason=reason, version=present.version + 1)


def _changed(
    conn: Connection,
    asking: Asking,
    action: str,
    may: Decision,
    change: tuple[Held, Held],
    clash: Text | None,
    expected: int,
) -> Held:
    present, changed = change
    acts.require(conn, asking, action, may, of=present.id, before=_noted(present), after=_noted(changed), clash=clash)
    acts.require_version(present.version, expected)
    publish_rights.change(conn, changed)
    return changed


def _visible(conn: Connection, asking: Asking, right_id: str) -> Held:
    """The right, locked, if it is the caller's agency's or the caller an operator; whoever else asks is on record."""
    if not _ID.fullmatch(right_id):
        raise NotVisible
    held = publish_rights.locked(conn, right_id)
    if held is None or not (is_operator(asking.principal) or held.agency == asking.principal.agency.id):
        acts.require(conn, asking, "publish-right.read", acts.NOTHING, of=right_id, hides=True)
        raise NotVisible
    return held
