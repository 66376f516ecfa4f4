"""One grant with all its versions, for who may know of it; its tag, and how people are shown it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub import acts
from hub.errors import NotVisible
from hub.granting import Version, is_approved, may_see, needs_two
from hub.grants import GrantState
from hub.offering import Offered
from hub.policy import Decision
from hub.store import grant_owners, grants
from hub.versions import STANDING
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.directory import Directory
    from hub.grants import Selector
    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.grant_owners import Owned, Part

NOTHING_STANDS = Text("no version of it is in force", "ninguna versión está vigente")
NO_AGREEMENT = Text("its agreement is not in force", "su convenio no está vigente")
NONE_SUCH = Decision(False, Text("no such grant", "no existe tal permiso"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A grant with everything about it; never empty."""

    versions: tuple[Version, ...]
    owners: tuple[Owned, ...]
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """What all versions share."""
        return self.versions[0].grant.id

    @property
    def tag(self) -> int:
        """Rises with every change to any version, so it can stand for them all in If-Match."""
        return sum(version.revision for version in self.versions)

    @property
    def current(self) -> Version | None:
        """The version in force, or suspended."""
        return next((one for one in self.versions if one.grant.state in STANDING), None)

    @property
    def proposed(self) -> Version | None:
        """The version that waits for approval."""
        return next((one for one in self.versions if one.grant.state is GrantState.PROPOSED), None)

    @property
    def newest(self) -> Version:
        """The last one written."""
        return self.versions[-1]

    def owner_ids(self) -> set[str]:
        """The sources that stand behind any version and have not ended their part."""
        ended = {part.agency for part in self.parts if part.side == "source" and part.state == "revoked"}
        return {owner.agency for owner in self.owners} - ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The grant after an act, and how much of the past it opened."""

    grant: Held
    offered: Offered = Offered()


def held(conn: Connection, asking: Asking, grant_id: str, action: str, *, for_update: bool = True) -> Held:
    """
    A grant that the caller may know of, held against others' changes until the transaction ends.

    Raises:
        NotVisible: there is none, or it is none of the caller's business; that somebody asked is on record.
    """
    versions = grants.locked(conn, grant_id) if for_update else grants.of_id(conn, grant_id)
    if not versions or not may_see(asking.principal, versions[-1].grant):
        acts.require(conn, asking, action, NONE_SUCH, of=grant_id, hides=True)
        raise NotVisible
    return _with_owners(conn, versions)


def _with_owners(conn: Connection, versions: list[Version]) -> Held:
    ids = [versions[0].grant.id]
    return Held(
        versions=tuple(versions),
        owners=tuple(grant_owners.of_grants(conn, ids)),
        parts=tuple(grant_owners.parts_of(conn, ids)),
    )


def joined(conn: Connection, versions: Iterable[Version]) -> list[Held]:
    """Versions in order of their ids as grants, with what stands beside them."""
    by_id: dict[str, list[Version]] = {}
    for version in versions:
        by_id.setdefault(version.grant.id, []).append(version)
    owners = grant_owners.of_grants(conn, list(by_id))
    parts = grant_owners.parts_of(conn, list(by_id))
    return [
        Held(
            versions=tuple(each),
            owners=tuple(one for one in owners if one.grant_id == id_),
            parts=tuple(one for one in parts if one.grant_id == id_),
        )
        for id_, each in by_id.items()
    ]


def shown(grant: Held, directory: Directory) -> dict[str, Any]:
    """A grant as its two sides see it, newest version first."""
    newest = grant.newest.grant
    return {
        "id": grant.id,
        "agreement": newest.agreement,
        "source": selected(newest.source),
        "reader": selected(newest.reader),
        "purpose": newest.purpose,
        "revision": grant.tag,
        "ended": [
            {"agency": part.agency, "side": part.side, "state": part.state, "reason": part.reason}
            for part in grant.parts
        ],
        "versions": [_version(grant, version, directory) for version in reversed(grant.versions)],
    }


def _version(grant: Held, version: Version, directory: Directory) -> dict[str, Any]:
    terms = version.grant
    owners = [one for one in grant.owners if one.version == terms.version]
    return terms_of(version) | {
        "version": terms.version,
        "state": terms.state.value,
        "proposed_by": version.proposed_by,
        "proposed_at": version.proposed_at.isoformat(),
        "approvals": [{"agency": one.agency, "person": one.person} for one in version.approvals],
        "waits_for": _waiting(version, directory) if terms.state is GrantState.PROPOSED else [],
        "owners": [
            {
                "agency": one.agency,
                "events_from": one.events_from.isoformat(),
                "confirm_until": None if one.confirm_until is None else one.confirm_until.isoformat(),
            }
            for one in owners
        ],
        "confirm_until": None if version.confirm_until is None else version.confirm_until.isoformat(),
        "reason": version.reason,
    }


def _waiting(version: Version, directory: Directory) -> list[dict[str, Any]]:
    """The first owners whose approval is missing, and how many persons of each it takes."""
    owners = sorted(one for one, agency in directory.agencies.items() if version.grant.source.covers(agency))
    waiting = [
        directory.agencies[one] for one in owners if not is_approved(version, directory.agencies[one], directory)
    ]
    return [
        {"agency": owner.id, "persons": 2 if needs_two(version.grant, owner, directory) else 1}
        for owner in waiting[:20]
    ]


def terms_of(version: Version) -> dict[str, Any]:
    """What a version opens: what an approval stands behind, and an audit entry repeats."""
    terms, proposal = version.grant, version.proposal
    return {
        "types": list(terms.types),
        "jurisdictions": list(terms.jurisdictions),
        "max_tlp": terms.max_tlp.name.lower().replace("_", "+"),
        "clearance": terms.clearance.name.lower(),
        "requires": list(terms.requires),
        "valid_from": terms.valid_from.isoformat(),
        "valid_until": terms.valid_until.isoformat(),
        "opens": proposal.opens.value,
        "opens_since": None if proposal.opens_since is None else proposal.opens_since.isoformat(),
    }


def selected(selector: Selector) -> dict[str, str]:
    """A selector as it is written."""
    members = {"agency": selector.agency, "kind": selector.kind, "country": selector.country}
    return {name: str(value) for name, value in members.items() if value is not None}
