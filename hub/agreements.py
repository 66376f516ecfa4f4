"""Agreements: drafted by one party, put in force by another, suspended, resumed and ended with a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub import acts, offering
from hub.agreement_rows import Agreement, AgreementState
from hub.authority import READ_AGREEMENTS, WRITE_AGREEMENTS, is_operator, may_second, may_use
from hub.directory import Role
from hub.errors import Conflict, Invalid, NotVisible
from hub.grant_access import selected
from hub.granting import sees_all
from hub.offering import Offered
from hub.policy import Decision
from hub.proposal_rows import CONTRADICTS, EXPIRED, NO_PARTY, OTHERS_NAME, UNKNOWN_AGENCY, is_own_name
from hub.store import agreements, grants, rules
from hub.versions import in_use
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.granting import Version
    from hub.reading import Asking
    from hub.store import Connection

TAKEN = Text("an agreement with this id exists", "ya existe un convenio con este id")
NONE_SUCH = Decision(False, Text("no such agreement", "no existe tal convenio"))
CANNOT = Text("an agreement that is {state} cannot become that", "un convenio que está {state} no puede pasar a eso")
OVER = Text("it is over already", "ya terminó")
CALLED = {
    AgreementState.DRAFT: Text("a draft", "en borrador"),
    AgreementState.IN_FORCE: Text("in force", "vigente"),
    AgreementState.SUSPENDED: Text("suspended", "suspendido"),
    AgreementState.ENDED: Text("ended", "terminado"),
}
# From what it may become what; a draft that nobody wants is ended.
MOVES = {
    AgreementState.SUSPENDED: (AgreementState.IN_FORCE,),
    AgreementState.ENDED: (AgreementState.DRAFT, AgreementState.IN_FORCE, AgreementState.SUSPENDED),
}


def shown(agreement: Agreement) -> dict[str, Any]:
    """An agreement as its parties see it."""
    return {
        "id": agreement.id,
        "title": {"en": agreement.title_en, "es": agreement.title_es},
        "legal_basis": agreement.legal_basis,
        "document_sha256": agreement.document_sha256.hex(),
        "parties": None if agreement.parties is None else [selected(party) for party in agreement.parties],
        "valid_from": agreement.valid_from.isoformat(),
        "valid_until": agreement.valid_until.isoformat(),
        "state": agreement.state.value,
        "drafted_by": agreement.drafted_by,
        "approved_by": agreement.approved_by,
        "reason": agreement.reason,
        "version": agreement.version,
    }


def list_agreements(
    conn: Connection, asking: Asking, *, after: str, limit: int, state: AgreementState | None
) -> list[Agreement]:
    """The agreements that bind the caller's agency, behind the id `after`; operators and auditors see all."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_AGREEMENTS), READ_AGREEMENTS)
    party = None if sees_all(asking.principal) else asking.principal.agency
    return agreements.page(conn, after=after, limit=limit, state=state, party=party)


def read_agreement(conn: Connection, asking: Asking, agreement_id: str) -> Agreement:
    """
    One agreement.

    Raises:
        NotVisible: there is none, or it binds others.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_AGREEMENTS), READ_AGREEMENTS)
    return _visible(conn, asking, agreements.one(conn, agreement_id), agreement_id, "agreement.read")


def draft(conn: Connection, asking: Asking, agreement: Agreement) -> Agreement:
    """
    Write down an agreement; grants on it open nothing before somebody else puts it in force.

    Raises:
        Denied: the caller is neither an operator nor an admin.
        Invalid: a party is unknown, the caller's agency is none, or its time is over.
        Conflict: the id is taken.
    """
    decision = _may_write(asking, None)
    acts.require(conn, asking, "agreement.draft", decision, of=agreement.id, after=shown(agreement))
    flaws = _flaws(agreement, asking)
    if flaws:
        raise Invalid(flaws)
    drafted = replace(agreement, drafted_by=acts.actor(asking))
    if not agreements.draft(conn, drafted):
        raise Conflict(TAKEN)
    return drafted


def _flaws(agreement: Agreement, asking: Asking) -> tuple[Flaw, ...]:
    directory, agency = asking.view.rules.directory, asking.principal.agency
    found = []
    for number, party in enumerate(agreement.parties or ()):
        named = None if party.agency is None else directory.agencies.get(party.agency)
        if party.agency is not None and named is None:
            found.append(flaw(f"/parties/{number}/agency", UNKNOWN_AGENCY))
        elif named is not None and not party.covers(named):
            found.append(flaw(f"/parties/{number}", CONTRADICTS))
    if agreement.valid_until <= asking.at:
        found.append(flaw("/valid_until", EXPIRED))
    if not is_operator(asking.principal):
        if not agreement.binds(agency):
            found.append(flaw("/parties", NO_PARTY))
        if not is_own_name(agreement.id, agency.id, directory):
            found.append(flaw("/id", OTHERS_NAME))
    return tuple(found)


def approve(conn: Connection, asking: Asking, agreement_id: str, *, expected: int) -> Agreement:
    """
    Put a draft in force: a person of another party than the drafter's, or an operator, and never the drafter.

    Raises:
        Denied, NotVisible, Outdated: not the caller's to approve, not there, or changed meanwhile.
        Conflict: it is no draft, or its time is over.
    """
    present = _visible(conn, asking, agreements.locked(conn, agreement_id), agreement_id, "agreement.approve")
    decision = _may_approve(asking, present)
    before, after = {"state": present.state.value}, {"state": "in_force"}
    acts.require(conn, asking, "agreement.approve", decision, of=agreement_id, before=before, after=after)
    acts.require_version(present.version, expected)
    if present.state is not AgreementState.DRAFT:
        raise Conflict(CANNOT.format(state=CALLED[present.state]))
    if present.valid_until <= asking.at:
        raise Conflict(OVER)
    agreements.set_state(conn, present, AgreementState.IN_FORCE, by=acts.actor(asking), reason=None)
    return _after(conn, agreement_id)


def narrow(
    conn: Connection, asking: Asking, agreement_id: str, state: AgreementState, reason: str, *, expected: int
) -> Agreement:
    """
    Suspend or end it: every grant on it opens nothing from the next request on.

    Raises:
        Denied, NotVisible, Outdated: as above.
        Conflict: it cannot become that from what it is.
    """
    present = _visible(conn, asking, agreements.locked(conn, agreement_id), agreement_id, f"agreement.{state.value}")
    before, after = {"state": present.state.value}, {"state": state.value, "reason": reason}
    decision = _may_write(asking, present)
    acts.require(conn, asking, f"agreement.{state.value}", decision, of=agreement_id, before=before, after=after)
    acts.require_version(present.version, expected)
    if present.state not in MOVES[state]:
        raise Conflict(CANNOT.format(state=CALLED[present.state]))
    agreements.set_state(conn, present, state, by=acts.actor(asking), reason=reason)
    return _after(conn, agreement_id)


def resume(conn: Connection, asking: Asking, agreement_id: str, *, expected: int) -> tuple[Agreement, Offered]:
    """
    Let a suspended agreement go on; what its grants would have opened meanwhile, and what is active, comes again.

    Raises:
        Denied, NotVisible, Outdated: as above; only the side that suspended it resumes it.
        Conflict: it is not suspended.
    """
    present = _visible(conn, asking, agreements.locked(conn, agreement_id), agreement_id, "agreement.resume")
    before, after = {"state": present.state.value}, {"state": "in_force"}
    decision = _may_resume(asking, present)
    acts.require(conn, asking, "agreement.resume", decision, of=agreement_id, before=before, after=after)
    acts.require_version(present.version, expected)
    if present.state is not AgreementState.SUSPENDED or present.suspended_at is None:
        raise Conflict(CANNOT.format(state=CALLED[present.state]))
    offering.hold(conn, asking)
    agreements.set_state(conn, present, AgreementState.IN_FORCE, by=acts.actor(asking), reason=None)
    offered = Offered()
    for version in grants.standing_on(conn, agreement_id):
        offered += _offer_again(conn, asking, version, present)
    return _after(conn, agreement_id), offered


def _offer_again(conn: Connection, asking: Asking, version: Version, present: Agreement) -> Offered:
    directory, source = asking.view.rules.directory, version.grant.source
    sources = [agency for agency in directory.agencies.values() if source.covers(agency) and present.binds(agency)]
    held = in_use(rules.versions_of(conn, version.grant.id))
    assert present.suspended_at is not None  # noqa: S101 - the caller has looked
    return offering.resumed(conn, asking, sources, held, present.suspended_at)


def _visible(
    conn: Connection, asking: Asking, agreement: Agreement | None, agreement_id: str, action: str
) -> Agreement:
    if agreement is None or not (sees_all(asking.principal) or agreement.binds(asking.principal.agency)):
        acts.require(conn, asking, action, NONE_SUCH, of=agreement_id, hides=True)
        raise NotVisible
    return agreement


def _after(conn: Connection, agreement_id: str) -> Agreement:
    agreement = agreements.one(conn, agreement_id)
    assert agreement is not None  # noqa: S101 - it was locked in this transaction
    return agreement


def _may_write(asking: Asking, agreement: Agreement | None) -> Decision:
    """An operator, or an admin of a party; nobody is one of an agreement that is open to every agency."""
    principal = asking.principal
    decision = may_use(principal, WRITE_AGREEMENTS)
    if not decision.is_allowed or is_operator(principal):
        return decision
    is_admin = principal.person is not None and Role.ADMIN in principal.person.roles
    if is_admin and (agreement is None or (agreement.parties is not None and agreement.binds(principal.agency))):
        return decision
    text = Text("only an admin of a party may do this", "solo un administrador de una parte puede hacerlo")
    return Decision(False, text)


def _may_resume(asking: Asking, agreement: Agreement) -> Decision:
    decision = _may_write(asking, agreement)
    person = asking.view.rules.directory.persons.get(agreement.suspended_by or "")
    is_same = person is None or person.agency == asking.principal.agency.id
    if decision.is_allowed and not is_same and not is_operator(asking.principal):
        return Decision(False, Text("only who suspended it resumes it", "solo quien lo suspendió lo reanuda"))
    return decision


def _may_approve(asking: Asking, agreement: Agreement) -> Decision:
    decision = _may_write(asking, agreement)
    if decision.is_allowed:
        decision = may_second(asking.principal, agreement.drafted_by)
    drafter = asking.view.rules.directory.persons.get(agreement.drafted_by or "")
    is_same = drafter is not None and drafter.agency == asking.principal.agency.id
    if decision.is_allowed and is_same and not is_operator(asking.principal):
        return Decision(False, Text("another party has to approve it", "otra parte tiene que aprobarlo"))
    return decision
