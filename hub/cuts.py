"""Cut off an agency, a person or a client's key at once: one person, no version, no second one; then ask questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import acts, agencies, credentials, persons
from hub.authority import CUT, may_administer
from hub.directory import Standing
from hub.errors import NotVisible
from hub.store import credentials as stored_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.reading import Asking
    from hub.store import Connection


def cut(conn: Connection, asking: Asking, what: str, which: str, reason: str) -> None:
    """
    End everything that the agency, person or key can do, in the next statement.

    Operators cut off anybody; an agency's administrators their own people and keys; everybody may end their own
    enrolment. What is cut off already stays so: whoever is in a hurry may ask twice.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there.
    """
    _CUTS[what](conn, asking, which, reason)


def _agency(conn: Connection, asking: Asking, agency_id: str, reason: str) -> None:
    present = asking.view.rules.directory.agencies.get(agency_id)
    is_retired = present is not None and present.standing is Standing.RETIRED
    standing = Standing.RETIRED if is_retired else Standing.SUSPENDED
    agencies.set_standing(conn, asking, agency_id, standing, reason, expected=None)


def _person(conn: Connection, asking: Asking, person_id: str, reason: str) -> None:
    persons.disable(conn, asking, person_id, reason, scope=CUT)


def _key(conn: Connection, asking: Asking, client_id: str, reason: str) -> None:
    """A person's key as well as a machine's: whoever holds it can do nothing more with it."""
    agency = credentials.agency_of(client_id)
    may = may_administer(asking.principal, CUT, agency)
    if may.is_allowed:
        client = stored_credentials.locked(conn, client_id)
        if client is None:
            acts.require(conn, asking, "credential.cut", acts.NOTHING, of=client_id, hides=True)
            raise NotVisible
        acts.require(conn, asking, "credential.cut", may, of=client_id, after={"is_enabled": False, "reason": reason})
        stored_credentials.disable(conn, client)
        return
    hides = agency != asking.principal.agency.id
    acts.require(conn, asking, "credential.cut", may, of=client_id, hides=hides)


_CUTS: dict[str, Callable[[Connection, Asking, str, str], None]] = {
    "agency": _agency,
    "person": _person,
    "key": _key,
}
