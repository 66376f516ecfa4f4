"""People: enrolled by one, confirmed by another; their roles, their keys, and their end.

What gives somebody power waits for a second person: an enrolment, a further role, a key that somebody else brings.
What takes power away counts at once, and one person is enough for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub import acts, client_keys
from hub.agency_rows import PERSON_ID
from hub.authority import (
    READ_PERSONS,
    WRITE_PERSONS,
    WRITE_SELF,
    is_operator,
    may_administer,
    may_confirm,
    may_use,
    unfit,
)
from hub.directory import Person, PersonState, Standing
from hub.errors import Invalid, NotVisible
from hub.policy import Decision
from hub.store import agencies, credentials, persons
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.directory import Role
    from hub.reading import Asking
    from hub.store import Connection

TAKEN = Text("this id is taken", "este id ya está en uso")
NOTHING_WAITS = Text("nothing waits for confirmation", "nada espera confirmación")
DISABLED = Text("disabled; a new key brings the person back", "deshabilitada; una clave nueva la reincorpora")
UNKNOWN_AGENCY = Text("no such agency, or a retired one", "no existe tal agencia, o fue dada de baja", code="no-agency")


def agency_of(person_id: str) -> str:
    """The agency that an id names, whether or not there is such a person."""
    return person_id.rpartition(".")[0]


def shown(person: Person) -> dict[str, Any]:
    """A person as those see it who may."""
    return {
        "id": person.id,
        "agency": person.agency,
        "name": person.name,
        "roles": sorted(role.value for role in person.roles),
        "state": person.state.value,
        "enrolled_by": person.enrolled_by,
        "confirmed_by": person.confirmed_by,
        "wanted_roles": sorted(role.value for role in person.wanted_roles),
        "wanted_by": person.wanted_by,
        "version": person.version,
    }


def _noted(person: Person) -> Mapping[str, Any]:
    """The same for the audit, which holds nobody's name."""
    return {name: value for name, value in shown(person).items() if name not in ("id", "agency", "name")}


def list_persons(conn: Connection, asking: Asking, *, agency: str | None, after: str, limit: int) -> list[Person]:
    """People in order of ids: operators see all, others those of their own agency."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_PERSONS), READ_PERSONS)
    own = agency if is_operator(asking.principal) else asking.principal.agency.id
    if agency is not None and agency != own:
        return []
    enrolled = asking.view.rules.directory.persons
    return [enrolled[id_] for id_ in sorted(enrolled) if id_ > after and own in (None, enrolled[id_].agency)][:limit]


def read_person(conn: Connection, asking: Asking, person_id: str) -> Person:
    """
    One person.

    Raises:
        NotVisible: there is none, or of an agency that is not the caller's.
    """
    return _held(conn, asking, READ_PERSONS, "person.read", person_id)


def enrol(conn: Connection, asking: Asking, person: Person, pem: str) -> Person:
    """
    Propose a person with their key; they count once a second person has confirmed it.

    Raises:
        Denied: not the caller's to do.
        Conflict: the id is taken.
        Invalid: no such agency, a role that is not held there, a key that cannot be used.
    """
    key = client_keys.readable(pem)
    may = may_administer(asking.principal, WRITE_PERSONS, person.agency)
    is_taken = may.is_allowed and (persons.locked(conn, person.id) or credentials.locked(conn, person.id))
    acts.require(
        conn, asking, "person.enrol", may, of=person.id, after=_noted(person), clash=TAKEN if is_taken else None
    )
    _require_fit(asking, person.agency, person.roles)
    enrolled = replace(person, enrolled_by=acts.actor(asking))
    client = client_keys.of_person(enrolled, key)
    if not (persons.add(conn, enrolled) and credentials.add(conn, client)):
        raise Invalid((flaw("/id", TAKEN),))  # by somebody who was quicker; nothing of ours is kept
    client_keys.require_own(conn, enrolled.id)
    return enrolled


def confirm(conn: Connection, asking: Asking, person_id: str, *, expected: int) -> Person:
    """
    Stand behind an enrolment, a further role, or a key that somebody else has proposed.

    Raises:
        Denied: the caller proposed it, is the person, or may not; NotVisible: of another agency.
        Conflict: nothing waits. Outdated: it is no longer what the caller saw.
    """
    present = _held(conn, asking, WRITE_PERSONS, "person.confirm", person_id)
    is_new = present.state is PersonState.PROPOSED
    waits = is_new or (present.state is PersonState.ACTIVE and bool(present.wanted_roles))
    may = may_confirm(asking.principal, WRITE_PERSONS, present, asking.view.rules.directory)
    if not waits:
        may = may_administer(asking.principal, WRITE_PERSONS, present.agency)
    confirmed = replace(
        present,
        state=PersonState.ACTIVE,
        roles=present.roles if is_new else present.wanted_roles,
        wanted_roles=frozenset(),
        wanted_by=None,
        confirmed_by=asking.principal.person.id if is_new and asking.principal.person else present.confirmed_by,
        version=present.version + 1,
    )
    clash = None if waits else NOTHING_WAITS
    _require_change(conn, asking, "person.confirm", may, present, confirmed, clash=clash)
    acts.require_version(present.version, expected)
    persons.change(conn, confirmed)
    return confirmed


def set_roles(conn: Connection, asking: Asking, person_id: str, roles: Iterable[Role], *, expected: int) -> Person:
    """
    Give a person these roles; if one of them is new, all of it waits for a second person.

    Raises:
        Denied, NotVisible, Outdated: as for `confirm`. Invalid: not held at this agency. Conflict: disabled.
    """
    present = _held(conn, asking, WRITE_PERSONS, "person.roles", person_id)
    may = may_administer(asking.principal, WRITE_PERSONS, present.agency)
    actor = asking.principal.person.id if asking.principal.person else None
    wanted = frozenset(roles)
    if present.state is PersonState.PROPOSED:  # who confirms must not be who decided what
        changed = replace(present, roles=wanted, enrolled_by=actor)
    elif wanted <= present.roles:
        changed = replace(present, roles=wanted, wanted_roles=frozenset(), wanted_by=None)
    else:
        changed = replace(present, wanted_roles=wanted, wanted_by=actor)
    changed = replace(changed, version=present.version + 1)
    clash = DISABLED if present.state is PersonState.DISABLED else None
    _require_change(conn, asking, "person.roles", may, present, changed, clash=clash)
    acts.require_version(present.version, expected)
    _require_fit(asking, present.agency, wanted)
    persons.change(conn, changed)
    return changed


def set_key(conn: Connection, asking: Asking, person_id: str, pem: str, *, expected: int) -> Person:
    """
    Put another key in the place of a person's; tokens under the old one are void at once.

    One's own key counts at once. A key that somebody else brings waits for a second person: who could give another
    one a key alone would be two persons.

    Raises:
        Denied, NotVisible, Outdated: as for `confirm`. Invalid: the key cannot be used.
    """
    key = client_keys.readable(pem)
    present = _held(conn, asking, WRITE_PERSONS, "person.key", person_id, for_oneself=True)
    changed = replace(present, version=present.version + 1)
    if not _is_oneself(asking, person_id):
        actor = asking.principal.person.id if asking.principal.person else None
        waiting = {"state": PersonState.PROPOSED, "enrolled_by": actor, "confirmed_by": None}
        changed = replace(changed, **waiting, wanted_roles=frozenset(), wanted_by=None)  # type: ignore[arg-type]
    _require_change(conn, asking, "person.key", _may_end(asking, present), present, changed)
    acts.require_version(present.version, expected)
    persons.change(conn, changed)
    agencies.give_credential(conn, client_keys.of_person(changed, key))
    client_keys.require_own(conn, person_id)
    return persons.locked(conn, person_id) or changed


def disable(conn: Connection, asking: Asking, person_id: str, reason: str, *, scope: str = WRITE_PERSONS) -> Person:
    """
    End what a person may do, in the next statement; one person is enough, and anybody may for themselves.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there.
    """
    present = _held(conn, asking, scope, "person.disable", person_id, for_oneself=True)
    changed = replace(
        present,
        state=PersonState.DISABLED,
        wanted_roles=frozenset(),
        wanted_by=None,
        epoch=present.epoch + 1,
        version=present.version + 1,
    )
    _require_change(conn, asking, "person.disable", _may_end(asking, present, scope), present, changed, reason=reason)
    persons.change(conn, changed)
    return changed


def _is_oneself(asking: Asking, person_id: str) -> bool:
    return asking.principal.person is not None and asking.principal.person.id == person_id


def _may_end(asking: Asking, present: Person, scope: str = WRITE_PERSONS) -> Decision:
    if _is_oneself(asking, present.id):
        return may_use(asking.principal, WRITE_SELF)
    return may_administer(asking.principal, scope, present.agency)


def _held(
    conn: Connection, asking: Asking, scope: str, action: str, person_id: str, *, for_oneself: bool = False
) -> Person:
    """The person, locked, if the caller may know of them: decided by the id alone, so that no answer tells more."""
    if not PERSON_ID.fullmatch(person_id):  # what goes into the audit is an id, whoever wrote it
        raise NotVisible
    may = may_administer(asking.principal, scope, agency_of(person_id))
    if _is_oneself(asking, person_id) and (for_oneself or scope == READ_PERSONS):
        may = may_use(asking.principal, WRITE_SELF)
    if not may.is_allowed:
        acts.require(conn, asking, action, may, of=person_id, hides=agency_of(person_id) != asking.principal.agency.id)
    person = persons.locked(conn, person_id)
    if person is None:
        acts.require(conn, asking, action, acts.NOTHING, of=person_id, hides=True)
        raise NotVisible
    return person


def _require_change(
    conn: Connection,
    asking: Asking,
    action: str,
    may: Decision,
    present: Person,
    changed: Person,
    *,
    clash: Text | None = None,
    reason: str | None = None,
) -> None:
    after = {**_noted(changed), **({"reason": reason} if reason else {})}
    acts.require(conn, asking, action, may, of=present.id, before=_noted(present), after=after, clash=clash)


def _require_fit(asking: Asking, agency_id: str, roles: Iterable[Role]) -> None:
    agency = asking.view.rules.directory.enrolled(agency_id)
    if agency is None or agency.standing is Standing.RETIRED:
        raise Invalid((flaw("/id", UNKNOWN_AGENCY),))
    why = unfit(agency, roles)
    if why is not None:
        raise Invalid((flaw("/roles", why),))
