"""Who may administer what: persons, their roles, and what needs a second one. Pure.

A person's scopes follow from its roles and from nothing else; a token can only narrow them. Machines administer
nothing. Two-person rules count persons: the same one with another key is still one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.directory import Kind, Person, PersonState, Role
from hub.policy import Decision
from hub.principal import ACKNOWLEDGE, PUBLISH, READ, READ_REJECTIONS
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.directory import Agency, Directory
    from hub.principal import Principal

READ_AGENCIES = "agencies:read"
WRITE_AGENCIES = "agencies:write"
READ_PERSONS = "persons:read"
WRITE_PERSONS = "persons:write"
READ_CREDENTIALS = "credentials:read"
WRITE_CREDENTIALS = "credentials:write"
READ_AGREEMENTS = "agreements:read"
WRITE_AGREEMENTS = "agreements:write"
READ_GRANTS = "grants:read"
PROPOSE_GRANTS = "grants:propose"
APPROVE_GRANTS = "grants:approve"
REVOKE_GRANTS = "grants:revoke"
READ_ATTESTATIONS = "attestations:read"
WRITE_ATTESTATIONS = "attestations:write"
READ_CONSENTS = "consents:read"
WRITE_CONSENTS = "consents:write"
READ_DECISIONS = "decisions:read"
READ_DISCLOSURES = "disclosures:read"
WRITE_REVIEWS = "reviews:write"
READ_AUDIT = "audit:read"
CUT = "cuts:write"
WRITE_SELF = "self:write"  # one's own key and end; a token that was narrowed for a tool has it only if asked for

_EVERYBODY = frozenset({READ_AGENCIES, READ_GRANTS, WRITE_SELF})
_LOOKS_ON = frozenset({READ_PERSONS, READ_CREDENTIALS, READ_AGREEMENTS, READ_ATTESTATIONS})

ROLE_SCOPES = {
    Role.OPERATOR: _EVERYBODY
    | _LOOKS_ON
    | {WRITE_AGENCIES, WRITE_PERSONS, WRITE_CREDENTIALS, WRITE_AGREEMENTS, WRITE_ATTESTATIONS, WRITE_REVIEWS, CUT}
    | {PROPOSE_GRANTS, APPROVE_GRANTS, REVOKE_GRANTS},  # of publish rights alone: it owns no event
    Role.ADMIN: _EVERYBODY
    | _LOOKS_ON
    | {WRITE_AGENCIES, WRITE_PERSONS, WRITE_CREDENTIALS, WRITE_AGREEMENTS}
    | {PROPOSE_GRANTS, APPROVE_GRANTS, REVOKE_GRANTS}
    | {READ_CONSENTS, WRITE_CONSENTS, READ_DECISIONS, READ_DISCLOSURES, WRITE_REVIEWS, CUT},
    Role.AUDITOR: _EVERYBODY | _LOOKS_ON | {READ_CONSENTS, READ_DECISIONS, READ_DISCLOSURES, READ_AUDIT},
    Role.OFFICER: _EVERYBODY | {READ, PUBLISH, ACKNOWLEDGE, READ_REJECTIONS},
}


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Everything these roles may do."""
    return frozenset().union(*(ROLE_SCOPES[role] for role in roles))


def unfit(agency: Agency, roles: Iterable[Role]) -> Text | None:
    """Why nobody at this agency may hold these roles, if so: who runs the node has no part in what passes through."""
    of_operators = {Role.OPERATOR, Role.AUDITOR}
    wanted = frozenset(roles)
    if agency.kind is Kind.OPERATOR and not wanted <= of_operators:
        return Text("who runs the node is operator or auditor there", "quien opera el nodo es operador o auditor ahí")
    if agency.kind is not Kind.OPERATOR and Role.OPERATOR in wanted:
        return Text(
            "operators belong to the agency that runs the node", "los operadores son de la agencia que opera el nodo"
        )
    return None


def _no(en: str, es: str) -> Decision:
    return Decision(False, Text(en, es))


def may_use(principal: Principal, scope: str) -> Decision:
    """Whether this person may use an administrative scope at all, whatever on."""
    if principal.person is None:
        return _no("only a named person may do this", "solo una persona identificada puede hacerlo")
    if scope not in principal.scopes:
        return Decision(False, Text("the token lacks {scope}", "el token no incluye {scope}").format(scope=scope))
    return Decision(True, Text("by role", "por su función"))


def may_administer(principal: Principal, scope: str, agency: str) -> Decision:
    """Whether this person may use `scope` on what belongs to `agency`: an operator on all, others on their own."""
    decision = may_use(principal, scope)
    if not decision.is_allowed or is_operator(principal) or principal.agency.id == agency:
        return decision
    return _no("belongs to another agency", "pertenece a otra agencia")


def may_act_for(principal: Principal, scope: str, agency: str) -> Decision:
    """Whether this person may use `scope` for `agency`: its own people alone, whoever runs the node."""
    decision = may_use(principal, scope)
    if not decision.is_allowed or principal.agency.id == agency:
        return decision
    return _no("belongs to another agency", "pertenece a otra agencia")


def may_operate(principal: Principal, scope: str) -> Decision:
    """Whether this person may do what only the node's operators do."""
    decision = may_use(principal, scope)
    if not decision.is_allowed or is_operator(principal):
        return decision
    return _no("only an operator of the node may do this", "solo un operador del nodo puede hacerlo")


def may_second(principal: Principal, first: str | None) -> Decision:
    """Whether this person is another one than who did the first half."""
    if principal.person is not None and principal.person.id != first:
        return Decision(True, Text("a second person", "una segunda persona"))
    return _no("a second person is needed", "se necesita una segunda persona")


def may_keep(principal: Principal, scope: str, agency: str) -> Decision:
    """Whether this person may use `scope` on what is the agency's own alone: what its events are read through."""
    decision = may_use(principal, scope)
    if not decision.is_allowed or principal.agency.id == agency:
        return decision
    return _no("only the agency's own administrators do this", "solo los administradores de la agencia lo hacen")


def may_confirm(principal: Principal, scope: str, person: Person, directory: Directory) -> Decision:
    """
    Whether this person may stand behind what another one proposed of `person`: an enrolment, a role, a key.

    Neither who proposed it nor whom it is about. Where the agency has an administrator, one of the two is of the
    agency: otherwise two operators could put in somebody who reads.
    """
    first = person.enrolled_by if person.state is PersonState.PROPOSED else person.wanted_by
    decision = may_administer(principal, scope, person.agency)
    if decision.is_allowed:
        decision = may_second(principal, first)
    if not decision.is_allowed:
        return decision
    if principal.person is not None and principal.person.id == person.id:
        return _no("nobody confirms themselves", "nadie se confirma a sí mismo")
    admins = {each.id for each in directory.persons.values() if _administers(each, person.agency)} - {person.id}
    proposer = directory.persons.get(first or "")
    if admins and principal.agency.id != person.agency and (proposer is None or proposer.agency != person.agency):
        return _no("one of the two must be of the agency", "una de las dos personas debe ser de la agencia")
    return decision


def _administers(person: Person, agency: str) -> bool:
    return person.agency == agency and person.state is PersonState.ACTIVE and Role.ADMIN in person.roles


def looks_on(principal: Principal) -> bool:
    """Whether the person audits the node: sees that and why something was decided, and never what an event says."""
    person = principal.person
    return person is not None and Role.AUDITOR in person.roles and principal.agency.kind is Kind.OPERATOR


def is_operator(principal: Principal) -> bool:
    """Whether the person runs the node."""
    return principal.person is not None and Role.OPERATOR in principal.person.roles
