"""Grants: who may read what of whom, in force from when until when. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from hub.directory import BEGINNING
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hub.directory import Agency, Kind
    from schemas.sensitivity import Sensitivity


class Tlp(IntEnum):
    """Traffic Light Protocol 2.0 (FIRST), ordered by how far a reader may carry what it got."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @classmethod
    def of(cls, code: str) -> Tlp:
        """From the wire form, e.g. `amber+strict`."""
        return cls[code.upper().replace("+", "_")]

    def __str__(self) -> str:
        return f"TLP:{self.name.replace('_', '+')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Agencies by id, by kind, by country; what is None does not narrow. At least one is set."""

    agency: str | None = None
    kind: Kind | None = None
    country: str | None = None

    def covers(self, agency: Agency) -> bool:
        """Whether every stated condition holds for `agency`."""
        return (
            (self.agency is None or self.agency == agency.id)
            and (self.kind is None or self.kind is agency.kind)
            and (self.country is None or self.country == agency.country)
        )


class GrantState(StrEnum):
    """Where a version of a grant stands. Only what is in force opens anything."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"  # by who had proposed it, before anyone approved
    SUPERSEDED = "superseded"  # by the next version


NOT_IN_FORCE = {
    GrantState.PROPOSED: Text("waits for approval", "espera aprobación"),
    GrantState.SUSPENDED: Text("suspended", "suspendido"),
    GrantState.REVOKED: Text("revoked", "revocado"),
    GrantState.WITHDRAWN: Text("withdrawn before approval", "retirado antes de aprobarse"),
    GrantState.SUPERSEDED: Text("replaced by a later version", "reemplazado por una versión posterior"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A source whose people stand behind a grant; what it sent before `events_from` stays shut, unless offered.

    `events_until`: a later version speaks for what came from then on. `valid_until`: an access review has asked, and
    without an answer this source's part ends then.
    """

    agency: str
    events_from: datetime
    events_until: datetime | None = None
    valid_until: datetime | None = None
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A right of readers to events of sources, up to `max_tlp` and `clearance`, in [valid_from, valid_until).

    `valid_until` is already the earliest of the grant's own end, its agreement's, and that of an access review which
    nobody has answered. `requires` names attestations that the reader must hold. `parties` None: the agreement is open
    to every agency; `owners` None: the grant came from a file and stands for every source it covers.

    `without_sources`, `without_readers`: whose part is suspended or ended. `is_replaced`: an earlier version that
    speaks for what was accepted before the next one, and for the sources that have not approved that one. `peer`: the
    node that released it, for its own sources; its id is `node:id` here.
    """

    id: str
    source: Selector
    reader: Selector
    types: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    purpose: str
    max_tlp: Tlp
    clearance: Sensitivity
    valid_from: datetime
    valid_until: datetime
    version: int = 1
    agreement: str = ""
    state: GrantState = GrantState.IN_FORCE
    requires: tuple[str, ...] = ()
    parties: tuple[Selector, ...] | None = None
    owners: tuple[Owner, ...] | None = None
    without_sources: frozenset[str] = frozenset()
    without_readers: frozenset[str] = frozenset()
    is_replaced: bool = False
    peer: str | None = None

    @property
    def offer_name(self) -> str:
        """What events are offered under: this version, so that a later one opens no more of them by itself."""
        return self.id if self.version == 1 else f"{self.id}@{self.version}"

    def is_in_force(self, at: datetime) -> bool:
        """Half-open: a grant ends at its `valid_until`, not after it."""
        return self.state is GrantState.IN_FORCE and self.valid_from <= at < self.valid_until

    def binds(self, agency: Agency) -> bool:
        """Whether `agency` is a party of the agreement."""
        return self.parties is None or any(party.covers(agency) for party in self.parties)

    def owner(self, agency_id: str) -> Owner | None:
        """The source as an owner of this grant, if its people stand behind it."""
        return next((owner for owner in self.owners or () if owner.agency == agency_id), None)

    def since(self, source: str) -> datetime:
        """When this source opened it. Of two grants alike the older counts: what the later offers is no news then."""
        owner = self.owner(source)
        return BEGINNING if owner is None else owner.approved_at or owner.events_from

    def not_standing(self, reader: Agency, source: Agency, at: datetime) -> Text | None:
        """Why nobody may use it now, if so: its state, its time, its parties, what its reader must hold."""
        if self.state is not GrantState.IN_FORCE:
            return NOT_IN_FORCE[self.state]
        if not self.is_in_force(at):
            return Text("not in force at this time", "no vigente en este momento")
        if not (self.binds(reader) and self.binds(source)):
            return Text("not both are parties of its agreement", "no ambas son parte de su convenio")
        if source.id in self.without_sources or reader.id in self.without_readers:
            return Text("suspended or ended by one side", "suspendido o terminado por una de las partes")
        owner = self.owner(source.id)
        if self.owners is not None and owner is None:
            return Text("the source has not approved it", "la fuente no lo ha aprobado")
        if owner is not None and owner.valid_until is not None and owner.valid_until <= at:
            return Text("not confirmed in an access review", "no confirmado en una revisión de accesos")
        return unattested(self.requires, reader, at)

    def not_of_its_time(self, source: str, accepted_at: datetime | None, offers: frozenset[str]) -> Text | None:
        """Why it does not open an event accepted then, if so; None stands for a new event."""
        owner = self.owner(source)
        if owner is None:
            return None
        if owner.events_until is not None and (accepted_at is None or accepted_at >= owner.events_until):
            return NOT_IN_FORCE[GrantState.SUPERSEDED]
        is_early = accepted_at is not None and accepted_at < owner.events_from
        if is_early and self.offer_name not in offers:
            return Text("opens only later events", "solo abre eventos posteriores")
        return None


def unattested(required: Iterable[str], reader: Agency, at: datetime) -> Text | None:
    """The first of the attestations that `reader` does not hold, in words."""
    missing = next((kind for kind in required if not reader.attests(kind, at)), None)
    if missing is None:
        return None
    return Text("needs a live attestation: {kind}", "requiere una acreditación vigente: {kind}").format(kind=missing)


@dataclass(frozen=True, slots=True)
class GrantSet:
    """All grants of the node and the digest that stands for them in the policy version."""

    grants: tuple[Grant, ...] = ()
    digest: str = hashlib.sha256(b"").hexdigest()


def covers_type(patterns: tuple[str, ...], event_type: str) -> bool:
    """Selectors match by prefix at a dot: `alert.*` covers `alert.warning.issued`; `*` covers all."""
    return any(
        pattern in ("*", event_type) or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
        for pattern in patterns
    )
