"""Register, change, suspend and retire agencies: what the node's operators do, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub import acts
from hub.authority import CUT, READ_AGENCIES, WRITE_AGENCIES, may_administer, may_operate, may_use
from hub.directory import Agency, Standing
from hub.errors import Invalid, NotVisible
from hub.store import agencies
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.policy import Decision
    from hub.reading import Asking
    from hub.store import Connection

TAKEN = Text("an agency with this id is enrolled", "ya hay una agencia registrada con este id")
# What an agency says of itself. Who it is and where it has authority is for others to say.
OWN = frozenset({"languages", "duty_phone", "duty_email"})
ANOTHERS = Text(
    "node {node} shows this agency, and says what it is", "el nodo {node} muestra esta agencia y dice qué es"
)
ELSEWHERE = Text(
    "this node enrols agencies whose id starts with {node}-",
    "este nodo registra agencias cuyo id empieza con {node}-",
    code="another-nodes-agency",
)


def shown(agency: Agency) -> dict[str, Any]:
    """An agency as the directory shows it to every person."""
    return {
        "id": agency.id,
        "name": agency.name,
        "kind": agency.kind.value,
        "country": agency.country,
        "jurisdictions": list(agency.jurisdictions),
        "identifiers": list(agency.identifiers),
        "languages": list(agency.languages),
        "duty_phone": agency.duty_phone,
        "duty_email": agency.duty_email,
        "standing": agency.standing.value,
        "peer": agency.peer,
        "publishes": [
            {"types": list(right.types), "jurisdictions": list(right.jurisdictions)} for right in agency.publishes
        ],
        "version": agency.version,
    }


def list_agencies(conn: Connection, asking: Asking, *, after: str, limit: int) -> list[Agency]:
    """The directory in order of ids, behind the id `after`."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_AGENCIES), READ_AGENCIES)
    enrolled = asking.view.rules.directory.agencies
    return [enrolled[id_] for id_ in sorted(enrolled) if id_ > after][:limit]


def read_agency(conn: Connection, asking: Asking, agency_id: str) -> Agency:
    """
    One agency.

    Raises:
        NotVisible: there is none with this id.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_AGENCIES), READ_AGENCIES)
    return _enrolled(asking, agency_id)


def register(conn: Connection, asking: Asking, node: str, agency: Agency) -> Agency:
    """
    Enrol a new agency; it may publish nothing until a right is approved, and nobody acts for it yet.

    Raises:
        Denied: the caller is no operator.
        Invalid: the id belongs to another node.
        Conflict: the id is taken.
    """
    decision = may_operate(asking.principal, WRITE_AGENCIES)
    clash = TAKEN if agency.id in asking.view.rules.directory.agencies else None
    acts.require(conn, asking, "agency.register", decision, of=agency.id, after=shown(agency), clash=clash)
    if not agency.id.startswith(f"{node}-"):
        raise Invalid((flaw("/id", ELSEWHERE.format(node=node)),))
    if not agencies.add(conn, agency):
        raise Invalid((flaw("/id", TAKEN),))  # by somebody who was quicker; nothing of ours is kept
    return agency


def amend(conn: Connection, asking: Asking, agency_id: str, changes: Mapping[str, Any], *, expected: int) -> Agency:
    """
    Change what the directory says of an agency; how its desk is reached its own admins may, too.

    Raises:
        Denied, NotVisible: not the caller's to change, or not there.
        Outdated: it has changed since the caller looked.
    """
    may = may_administer(asking.principal, WRITE_AGENCIES, agency_id)
    if not changes.keys() <= OWN:
        may = may_operate(asking.principal, WRITE_AGENCIES)
    present = _locked(conn, asking, "agency.amend", may, agency_id)
    clash = None if present.peer is None else ANOTHERS.format(node=present.peer)
    changed = replace(present, **changes, version=present.version + 1)
    acts.require(
        conn, asking, "agency.amend", may, of=agency_id, before=shown(present), after=shown(changed), clash=clash
    )
    acts.require_version(present.version, expected)
    agencies.amend(conn, changed)
    return changed


def set_standing(
    conn: Connection, asking: Asking, agency_id: str, standing: Standing, reason: str, *, expected: int | None
) -> Agency:
    """
    Suspend, retire or reinstate; every token of the agency issued before is void at once.

    `expected` None: whatever it is now, cut it off.

    Raises:
        Denied, NotVisible, Outdated: as for `amend`.
    """
    may = may_operate(asking.principal, CUT if expected is None else WRITE_AGENCIES)
    present = _locked(conn, asking, "agency.standing", may, agency_id)
    before, after = {"standing": present.standing.value}, {"standing": standing.value, "reason": reason}
    acts.require(conn, asking, "agency.standing", may, of=agency_id, before=before, after=after)
    if expected is not None:
        acts.require_version(present.version, expected)
    agencies.set_standing(conn, agency_id, standing)
    return replace(present, standing=standing, version=present.version + 1, epoch=present.epoch + 1)


def _enrolled(asking: Asking, agency_id: str) -> Agency:
    agency = asking.view.rules.directory.agencies.get(agency_id)
    if agency is None:
        raise NotVisible
    return agency


def _locked(conn: Connection, asking: Asking, action: str, may: Decision, agency_id: str) -> Agency:
    """The agency as it is now; who may not is told so whether or not there is one."""
    if not may.is_allowed:
        acts.require(conn, asking, action, may, of=agency_id)
    agency = agencies.locked(conn, agency_id)
    if agency is None:
        raise NotVisible
    return agency
