"""Who may propose, approve, withdraw, suspend and end a grant, and how many it takes. Pure.

A grant is proposed by one side and approved by the owning one. A source selector may cover many agencies: each one's
approval opens its own events alone, so nobody gives away another's data. Persons count, not keys, and never the
proposer: one of the owning agency, and two where a nonprofit or another country reads, or `protected` fields open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hub.authority import APPROVE_GRANTS, PROPOSE_GRANTS, REVOKE_GRANTS, is_operator, may_second, may_use
from hub.directory import Kind, Role
from hub.policy import Decision
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hub.directory import Agency, Directory
    from hub.grants import Grant
    from hub.principal import Principal


class Opens(StrEnum):
    """What an approval opens of the past: nothing, what is active, or everything from a date on."""

    NOW = "now"
    ACTIVE = "active"
    SINCE = "since"


class Side(StrEnum):
    """Whose grant it is: what it opens belongs to the source, the right to the reader."""

    SOURCE = "source"
    READER = "reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person of an owning agency stands behind a version."""

    agency: str
    person: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A grant, and what of the past its approval is to open."""

    grant: Grant
    opens: Opens = Opens.ACTIVE
    opens_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a grant as it is administered: its terms as written, and who did what about it."""

    proposal: Proposal
    is_imported: bool
    proposed_by: str | None
    proposed_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    confirmed_at: datetime | None = None
    confirm_until: datetime | None = None
    revision: int = 1
    approvals: tuple[Approval, ...] = ()

    @property
    def grant(self) -> Grant:
        """Its terms."""
        return self.proposal.grant


def _no(en: str, es: str) -> Decision:
    return Decision(False, Text(en, es))


def sides_of(agency: Agency, grant: Grant) -> tuple[Side, ...]:
    """On which sides of a grant an agency is."""
    sides = ((Side.SOURCE, grant.source), (Side.READER, grant.reader))
    return tuple(side for side, selector in sides if selector.covers(agency))


def may_see(principal: Principal, grant: Grant) -> bool:
    """Whether the grant is any business of this person: those of others look like missing."""
    return sees_all(principal) or bool(sides_of(principal.agency, grant))


def sees_all(principal: Principal) -> bool:
    """Operators and auditors look on everywhere."""
    person = principal.person
    return person is not None and bool(person.roles & {Role.OPERATOR, Role.AUDITOR})


def _may_act(principal: Principal, scope: str, grant: Grant, *sides: Side) -> Decision:
    decision = may_use(principal, scope)
    if not decision.is_allowed:
        return decision
    if principal.person is None or Role.ADMIN not in principal.person.roles:
        return _no("only an agency's own admin may do this", "solo un administrador de la agencia puede hacerlo")
    if not set(sides) & set(sides_of(principal.agency, grant)):
        return _no("belongs to other agencies", "pertenece a otras agencias")
    return decision


def may_propose(principal: Principal, grant: Grant) -> Decision:
    """Whether this person may propose it: an admin of either side."""
    return _may_act(principal, PROPOSE_GRANTS, grant, Side.SOURCE, Side.READER)


def may_approve(principal: Principal, version: Version) -> Decision:
    """Whether this person may approve a version for its own agency, a source of it, and did not propose it."""
    decision = _may_act(principal, APPROVE_GRANTS, version.grant, Side.SOURCE)
    return may_second(principal, version.proposed_by) if decision.is_allowed else decision


def may_withdraw(principal: Principal, version: Version) -> Decision:
    """Whether this person may take back a proposal: only who made it."""
    decision = may_use(principal, PROPOSE_GRANTS)
    if decision.is_allowed and principal.person is not None and principal.person.id != version.proposed_by:
        return _no("only who proposed it may withdraw it", "solo quien lo propuso puede retirarlo")
    return decision


def may_halt(principal: Principal, grant: Grant, side: Side, *, for_good: bool) -> Decision:
    """Whether this person may suspend, resume or end it for this side; the reading side can only give it up."""
    decision = _may_act(principal, REVOKE_GRANTS, grant, side)
    if decision.is_allowed and side is Side.READER and not for_good:
        return _no("only the owning side suspends and resumes", "solo la parte propietaria suspende y reanuda")
    return decision


def may_know_effect(principal: Principal, grant: Grant) -> bool:
    """Whether this person may learn how many events of its own agency a grant concerns; an operator, of any."""
    person = principal.person
    in_office = person is not None and bool(person.roles & {Role.ADMIN, Role.AUDITOR})
    return is_operator(principal) or (in_office and grant.source.covers(principal.agency))


def needs_two(grant: Grant, owner: Agency, directory: Directory) -> bool:
    """Whether two persons of `owner` must stand behind it; a selector counts for whom it could ever cover."""
    reader = grant.reader
    named = directory.agencies.get(reader.agency) if reader.agency is not None else None
    kind = reader.kind if named is None else named.kind
    country = reader.country if named is None else named.country
    return kind in (None, Kind.NGO) or country != owner.country or grant.clearance is Sensitivity.PROTECTED


def standing_behind(version: Version, owner: str, directory: Directory) -> frozenset[str]:
    """The persons of `owner` whose approvals count: still there, still in office, not the proposer."""
    people = (directory.acting(one.person) for one in version.approvals if one.agency == owner)
    return frozenset(
        person.id for person in people if person and person.agency == owner and person.id != version.proposed_by
    )


def is_approved(version: Version, owner: Agency, directory: Directory) -> bool:
    """Whether enough persons of `owner` stand behind it."""
    needed = 2 if needs_two(version.grant, owner, directory) else 1
    return len(standing_behind(version, owner.id, directory)) >= needed


def is_whole(version: Version, agency: str, side: Side, owners: Iterable[str]) -> bool:
    """Whether what this agency ends is all there is: the only reader, or the only source left of `owners`."""
    grant = version.grant
    if side is Side.READER:
        return grant.reader.agency == agency
    return grant.source.agency == agency or (not version.is_imported and set(owners) == {agency})


def may_confirm(principal: Principal, grant: Grant) -> Decision:
    """Whether this person may tell a review that its agency still stands behind a grant."""
    return _may_act(principal, APPROVE_GRANTS, grant, Side.SOURCE)
