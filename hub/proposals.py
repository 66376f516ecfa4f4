"""Propose, amend, withdraw and approve grants: one side proposes, the owning side's people approve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub import acts, offering
from hub.errors import Conflict, Invalid
from hub.grant_access import NO_AGREEMENT, NOTHING_STANDS, Held, Outcome, held, selected, terms_of
from hub.granting import (
    Approval,
    Opens,
    Proposal,
    Version,
    is_approved,
    may_approve,
    may_propose,
    may_withdraw,
    standing_behind,
)
from hub.grants import GrantState
from hub.offering import Offered
from hub.proposal_rows import OTHERS_NAME, UNKNOWN_AGREEMENT, changes_identity, flaws_of, is_own_name
from hub.store import agreements, grant_owners, grants, rules
from hub.versions import in_use
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

    from hub.grants import Grant
    from hub.reading import Asking
    from hub.store import Connection

TAKEN = Text("a grant with this id exists", "ya existe un permiso con este id")
WAITS = Text("another version waits for approval", "otra versión espera aprobación")
FROM_FILE = Text(
    "it came from the grants file; propose another and end this one",
    "viene del archivo de permisos; proponga otro y termine este",
)
NOT_THIS = Text("this version does not wait for approval", "esta versión no espera aprobación")
STANDS = Text("this agency stands behind it already", "esta agencia ya lo respalda")
APPROVED = Text("this person has approved it already", "esta persona ya lo aprobó")
OVER = Text("it is over already", "ya terminó")
IS_SUSPENDED = Text("resume or revoke it first", "primero reanúdelo o revóquelo")
NOT_BOUND = Text("the agency is no party of the agreement", "la agencia no es parte del convenio")


def propose(conn: Connection, asking: Asking, proposal: Proposal) -> Outcome:
    """
    Write down a grant that opens nothing until the owning side approves it.

    Raises:
        Denied: the caller is no admin of either side.
        Invalid: it makes no sense with the agreement and the agencies there are.
        Conflict: the id is taken.
    """
    grant = proposal.grant
    _require_proposing(conn, asking, "grant.propose", proposal)
    if not is_own_name(grant.id, asking.principal.agency.id, asking.view.rules.directory):
        raise Invalid((flaw("/id", OTHERS_NAME),))
    _require_sense(conn, asking, proposal)
    if grants.of_id(conn, grant.id) or not grants.propose(conn, proposal, acts.actor(asking)):
        raise Conflict(TAKEN)
    return Outcome(grant=held(conn, asking, grant.id, "grant.propose"))


def amend(conn: Connection, asking: Asking, grant_id: str, proposal: Proposal, *, expected: int) -> Outcome:
    """
    Propose the next version of a grant; the present one stays in force until this one is approved.

    Raises:
        Denied, NotVisible, Invalid, Outdated: as above, and for a change of who reads whom, or what for.
        Conflict: nothing of it is in force, or a version waits for approval already.
    """
    present = held(conn, asking, grant_id, "grant.amend")
    next_one = replace(proposal, grant=replace(proposal.grant, id=grant_id, version=present.newest.grant.version + 1))
    _require_proposing(conn, asking, "grant.amend", next_one)
    acts.require_version(present.tag, expected)
    flaws = changes_identity(next_one.grant, present.newest.grant)
    if flaws:
        raise Invalid(flaws)
    _require_sense(conn, asking, next_one)
    if present.current is None:
        raise Conflict(NOTHING_STANDS if present.proposed is None else WAITS)
    if present.current.is_imported:
        raise Conflict(FROM_FILE)
    if not grants.propose(conn, next_one, acts.actor(asking)):
        raise Conflict(WAITS)
    return Outcome(grant=held(conn, asking, grant_id, "grant.amend"))


def _require_proposing(conn: Connection, asking: Asking, action: str, proposal: Proposal) -> None:
    grant = proposal.grant
    sides = {"source": selected(grant.source), "reader": selected(grant.reader), "agreement": grant.agreement}
    version = Version(proposal=proposal, is_imported=False, proposed_by=None, proposed_at=asking.at)
    terms = sides | {"purpose": grant.purpose} | terms_of(version)
    decision = may_propose(asking.principal, grant)
    acts.require(conn, asking, action, decision, of=f"{grant.id}@{grant.version}", after=terms)


def _require_sense(conn: Connection, asking: Asking, proposal: Proposal) -> None:
    agreement = agreements.shared(conn, proposal.grant.agreement)
    if agreement is None or not agreement.binds(asking.principal.agency):
        raise Invalid((flaw("/agreement", UNKNOWN_AGREEMENT),))
    flaws = flaws_of(proposal, agreement, asking.view.rules.directory, asking.at)
    if flaws:
        raise Invalid(flaws)


def withdraw(conn: Connection, asking: Asking, grant_id: str, *, expected: int) -> Outcome:
    """
    Take back a proposal that nobody has approved yet.

    Raises:
        Denied, NotVisible, Outdated: not the caller's, not there, or changed meanwhile.
        Conflict: nothing waits for approval.
    """
    present = held(conn, asking, grant_id, "grant.withdraw")
    waiting = present.proposed
    decision = may_withdraw(asking.principal, waiting or present.newest)
    acts.require(conn, asking, "grant.withdraw", decision, of=grant_id)
    acts.require_version(present.tag, expected)
    if waiting is None:
        raise Conflict(NOT_THIS)
    grants.set_state(conn, waiting.grant, GrantState.WITHDRAWN, by=acts.actor(asking), reason=None)
    return Outcome(grant=held(conn, asking, grant_id, "grant.withdraw"))


def approve(conn: Connection, asking: Asking, grant_id: str, version: int, *, expected: int) -> Outcome:
    """
    Stand behind a version on behalf of the caller's agency; with enough persons it opens that agency's events.

    What it opens of the past comes again in the same transaction, so a reader at the head of its feed misses nothing.

    Raises:
        Denied, NotVisible, Outdated: not the caller's to approve, not there, or changed meanwhile.
        Conflict: it does not wait for this approval, or its agreement is not in force.
    """
    present = held(conn, asking, grant_id, "grant.approve")
    target = next((one for one in present.versions if one.grant.version == version), None)
    decision = may_approve(asking.principal, target or present.newest)
    agency, directory = asking.principal.agency, asking.view.rules.directory
    before = [] if target is None else sorted(standing_behind(target, agency.id, directory))
    after = {"approved_by": before, "agency": agency.id}
    acts.require(conn, asking, "grant.approve", decision, of=f"{grant_id}@{version}", after=after)
    acts.require_version(present.tag, expected)
    if target is None:
        raise Conflict(NOT_THIS)
    refusal = _not_to_approve(conn, asking, present, target)
    if refusal is not None:
        raise Conflict(refusal)
    person = acts.actor(asking)
    approval = Approval(agency=agency.id, person=person, at=asking.at)
    approved = replace(target, approvals=(*target.approvals, approval))
    offered = Offered()
    if is_approved(approved, agency, directory):
        offered = _put_in_force(conn, asking, present, target)
    grant_owners.approve(conn, target.grant, agency.id, person)
    grants.touch(conn, target.grant)
    return Outcome(grant=held(conn, asking, grant_id, "grant.approve"), offered=offered)


def _not_to_approve(conn: Connection, asking: Asking, present: Held, target: Version) -> Text | None:
    grant, agency = target.grant, asking.principal.agency
    current = present.current
    is_next = grant.state is GrantState.PROPOSED
    if not is_next and (current is None or current.grant.version != grant.version or target.is_imported):
        return NOT_THIS
    if current is not None and current.grant.state is GrantState.SUSPENDED:
        return IS_SUSPENDED
    if any(one.agency == agency.id and one.version == grant.version for one in present.owners):
        return STANDS
    if any(one.person == acts.actor(asking) for one in target.approvals):
        return APPROVED
    agreement = agreements.shared(conn, grant.agreement)
    if agreement is None or not agreement.is_in_force(asking.at):
        return NO_AGREEMENT
    if not agreement.binds(agency):
        return NOT_BOUND
    return OVER if grant.valid_until <= asking.at else None


def _put_in_force(conn: Connection, asking: Asking, present: Held, target: Version) -> Offered:
    """The agency's part of this version begins; with the first one, so does the version."""
    grant, agency, current = target.grant, asking.principal.agency, present.current
    moment = offering.hold(conn, asking)
    before = in_use(rules.versions_of(conn, grant.id))
    start = _events_from(target.proposal, moment)
    grant_owners.add(conn, grant, agency.id, events_from=start, at=moment)
    if grant.state is GrantState.PROPOSED:
        if current is not None:
            state = GrantState.SUPERSEDED
            grants.set_state(conn, current.grant, state, by=acts.actor(asking), reason=None)
        grants.set_state(conn, grant, GrantState.IN_FORCE, by=acts.actor(asking), reason=None)
    after = _standing(rules.versions_of(conn, grant.id), grant.version)
    return offering.approved(conn, asking, agency, replace(target.proposal, grant=after), before)


def _standing(versions: tuple[Grant, ...], number: int) -> Grant:
    return next(one for one in versions if one.version == number)


def _events_from(proposal: Proposal, moment: datetime) -> datetime:
    start = max(moment, proposal.grant.valid_from)
    if proposal.opens is Opens.SINCE and proposal.opens_since is not None:
        return proposal.opens_since
    return start
