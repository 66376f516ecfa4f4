"""Suspend, resume and end grants, and confirm them when a review asks: each side for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import acts, offering
from hub.errors import Conflict
from hub.grant_access import NO_AGREEMENT, NOTHING_STANDS, Held, Outcome, held
from hub.granting import Side, is_whole, may_confirm, may_halt, sides_of
from hub.grants import GrantState
from hub.store import agreements, grant_owners, grants, reviews, rules
from hub.versions import in_use
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

    from hub.directory import Agency
    from hub.granting import Version
    from hub.reading import Asking
    from hub.store import Connection

NOTHING_YOURS = Text("nothing of it is yours to end", "nada de él es suyo para terminarlo")
ALREADY = Text("it stands so already", "ya está así")
NOT_SUSPENDED = Text("it is not suspended", "no está suspendido")
NOBODY_ASKS = Text("no review waits for an answer", "ninguna revisión espera respuesta")
LAPSED = Text(
    "the time to confirm it is over; propose it anew", "el plazo para confirmarlo terminó; propóngalo de nuevo"
)


def suspend(
    conn: Connection, asking: Asking, grant_id: str, reason: str, side: Side | None, *, expected: int
) -> Outcome:
    """
    Stop the agency's part for a time: its events are closed to the readers from the next request on.

    Raises:
        Denied, NotVisible, Outdated: not the caller's to suspend, not there, or changed meanwhile.
        Conflict: nothing of the agency's is in force.
    """
    present, acting = _asked(conn, asking, grant_id, "grant.suspend", side or Side.SOURCE, reason, expected)
    current = present.current
    part = _part(present, asking, acting)
    if current is None or part == "revoked" or not _stands_for(present, current, asking, acting):
        raise Conflict(NOTHING_STANDS if current is None else NOTHING_YOURS)
    if current.grant.state is GrantState.SUSPENDED or part == "suspended":
        raise Conflict(ALREADY)
    _shut(conn, asking, present, current, (acting, GrantState.SUSPENDED, reason))
    return Outcome(grant=held(conn, asking, grant_id, "grant.suspend"))


def revoke(
    conn: Connection, asking: Asking, grant_id: str, reason: str, side: Side | None, *, expected: int
) -> Outcome:
    """
    End the agency's part for good; with the last one, the grant. The reading side gives up its right so.

    Raises:
        Denied, NotVisible, Outdated: as above.
        Conflict: nothing of it is the agency's, or it has ended already.
    """
    mine = sides_of(asking.principal.agency, held(conn, asking, grant_id, "grant.revoke").newest.grant)
    acting = side or (mine[0] if mine else Side.SOURCE)
    present, acting = _asked(conn, asking, grant_id, "grant.revoke", acting, reason, expected)
    current, waiting = present.current, present.proposed
    whole = current or waiting
    if whole is None or _part(present, asking, acting) == "revoked":
        raise Conflict(NOTHING_STANDS if whole is None else ALREADY)
    # A proposal that others may approve as well is simply not approved.
    only_mine = is_whole(whole, asking.principal.agency.id, acting, ())
    if not (only_mine if current is None else _stands_for(present, current, asking, acting)):
        raise Conflict(NOTHING_YOURS)
    _shut(conn, asking, present, whole, (acting, GrantState.REVOKED, reason))
    return Outcome(grant=held(conn, asking, grant_id, "grant.revoke"))


def resume(conn: Connection, asking: Asking, grant_id: str, *, expected: int) -> Outcome:
    """
    Let the agency's part go on; what came meanwhile, and what is active, comes again.

    Raises:
        Denied, NotVisible, Outdated: as above.
        Conflict: it is not suspended, or its agreement is not in force.
    """
    present, acting = _asked(conn, asking, grant_id, "grant.resume", Side.SOURCE, None, expected)
    current, agency = present.current, asking.principal.agency
    parts = {part.agency: part for part in present.parts if part.side == "source"}
    part = parts.get(agency.id)
    is_ended = part is not None and part.state == "revoked"
    if current is None or is_ended or not _stands_for(present, current, asking, acting):
        raise Conflict(NOTHING_STANDS if current is None else NOTHING_YOURS)
    since = part.since if part is not None else current.ended_at
    if since is None or (part is None and current.grant.state is not GrantState.SUSPENDED):
        raise Conflict(NOT_SUSPENDED)
    agreement = agreements.shared(conn, current.grant.agreement)
    if agreement is None or not agreement.is_in_force(asking.at):
        raise Conflict(NO_AGREEMENT)
    return _reopen(conn, asking, current, agency, since)


def _reopen(conn: Connection, asking: Asking, current: Version, agency: Agency, since: datetime) -> Outcome:
    grant = current.grant
    offering.hold(conn, asking)
    grant_owners.reopen(conn, grant.id, agency.id, Side.SOURCE)
    if grant.state is GrantState.SUSPENDED:
        grants.set_state(conn, grant, GrantState.IN_FORCE, by=acts.actor(asking), reason=None)
    else:
        grants.touch(conn, grant)
    offered = offering.resumed(conn, asking, [agency], in_use(rules.versions_of(conn, grant.id)), since)
    return Outcome(grant=held(conn, asking, grant.id, "grant.resume"), offered=offered)


def confirm(conn: Connection, asking: Asking, grant_id: str, *, expected: int) -> Outcome:
    """
    Say that the agency still stands behind a grant that a review asks about.

    Raises:
        Denied, NotVisible, Outdated: as above.
        Conflict: no review asks, or its time is over.
    """
    present = held(conn, asking, grant_id, "grant.confirm")
    decision = may_confirm(asking.principal, present.newest.grant)
    acts.require(conn, asking, "grant.confirm", decision, of=grant_id)
    acts.require_version(present.tag, expected)
    current, agency = present.current, asking.principal.agency
    if current is None:
        raise Conflict(NOTHING_STANDS)
    asked = [one.confirm_until for one in present.owners if one.agency == agency.id and one.confirm_until is not None]
    if current.is_imported and current.confirm_until is not None:
        asked.append(current.confirm_until)
    if not asked:
        raise Conflict(NOBODY_ASKS)
    if min(asked) <= asking.at:
        raise Conflict(LAPSED)
    reviews.confirm(conn, current, agency.id, acts.actor(asking))
    return Outcome(grant=held(conn, asking, grant_id, "grant.confirm"))


def _asked(
    conn: Connection, asking: Asking, grant_id: str, action: str, side: Side, reason: str | None, expected: int
) -> tuple[Held, Side]:
    """Decide, record, require; what is left is whether the grant stands so that it can be done."""
    present = held(conn, asking, grant_id, action)
    decision = may_halt(asking.principal, present.newest.grant, side, for_good=action == "grant.revoke")
    before = {"state": present.newest.grant.state.value, "version": present.newest.grant.version}
    after = {"side": side.value, "reason": reason}
    acts.require(conn, asking, action, decision, of=grant_id, before=before, after=after)
    acts.require_version(present.tag, expected)
    return present, side


def _part(present: Held, asking: Asking, side: Side) -> str | None:
    mine = (part for part in present.parts if part.agency == asking.principal.agency.id and part.side == side.value)
    return next((part.state for part in mine), None)


def _stands_for(present: Held, current: Version, asking: Asking, side: Side) -> bool:
    """Whether the caller's agency has a part in what is in force."""
    return side is Side.READER or current.is_imported or asking.principal.agency.id in present.owner_ids()


def _shut(
    conn: Connection, asking: Asking, present: Held, version: Version, told: tuple[Side, GrantState, str]
) -> None:
    """All of it where the agency's part is all there is; otherwise that part alone."""
    side, state, reason = told
    agency, person = asking.principal.agency.id, acts.actor(asking)
    if not is_whole(version, agency, side, present.owner_ids()):
        grant_owners.shut(conn, (present.id, agency, side), state.value, by=person, reason=reason)
        grants.touch(conn, version.grant)
        return
    grants.set_state(conn, version.grant, state, by=person, reason=reason)
    if state is GrantState.REVOKED and present.proposed is not None and present.proposed is not version:
        grants.set_state(conn, present.proposed.grant, state, by=person, reason=reason)
