"""Who takes part: agencies as the node knows them at one version of its directory. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What an agency is; the ceilings of `config/limits.toml` hang on it."""

    LAW_ENFORCEMENT = "law_enforcement"
    PROSECUTOR = "prosecutor"
    CHILD_PROTECTION = "child_protection"
    HEALTH = "health"
    SCHOOL = "school"
    SEARCH_COMMISSION = "search_commission"
    CONSULAR = "consular"
    NGO = "ngo"
    PUBLIC = "public"
    OPERATOR = "operator"


class Standing(StrEnum):
    """Whether an agency may act at all."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Role(StrEnum):
    """What a person does at an agency; `hub.authority` says which scopes follow."""

    OPERATOR = "operator"  # of the node: agencies, people, health; never the content of an event
    ADMIN = "agency_admin"  # its own agency's grants, people, keys, attestations and consents
    AUDITOR = "auditor"  # reads the audit, changes nothing
    OFFICER = "officer"  # reads, publishes and acknowledges for its agency


class PersonState(StrEnum):
    """A person counts once a second one has confirmed the enrolment."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at an agency who acts under their own name and key. Two-person rules count persons, not keys.

    `wanted_roles` wait for a second person, being proposed by `wanted_by`. A token older than `epoch` is refused.
    """

    id: str
    agency: str
    name: str
    roles: frozenset[Role]
    state: PersonState = PersonState.ACTIVE
    enrolled_by: str | None = None
    confirmed_by: str | None = None
    wanted_roles: frozenset[Role] = frozenset()
    wanted_by: str | None = None
    epoch: int = 0
    version: int = 1


class RightState(StrEnum):
    """Where a publish right stands. Only what is in force counts."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


_WITHHELD = {
    RightState.PROPOSED: Text(
        "the right to publish this waits for approval", "el derecho a publicarlo espera aprobación"
    ),
    RightState.SUSPENDED: Text("the right to publish this is suspended", "el derecho a publicarlo está suspendido"),
    RightState.REVOKED: Text("the right to publish this was revoked", "el derecho a publicarlo fue revocado"),
}
_NONE = Text("the agency does not publish this type", "la agencia no publica este tipo")
_EXPIRED = Text("the right to publish this has expired", "el derecho a publicarlo venció")
_NOT_YET = Text("the right to publish this has not begun", "el derecho a publicarlo aún no comienza")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRight:
    """What an agency may publish (type prefixes) and where, in [valid_from, valid_until)."""

    types: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    valid_from: datetime = BEGINNING
    valid_until: datetime = NEVER
    state: RightState = RightState.IN_FORCE

    def is_in_force(self, at: datetime) -> bool:
        """Half-open, like a grant."""
        return self.refusal(at) is None

    def refusal(self, at: datetime) -> Text | None:
        """Why nobody may publish on it now, if so."""
        if self.state is not RightState.IN_FORCE:
            return _WITHHELD[self.state]
        if at < self.valid_from:
            return _NOT_YET
        return None if at < self.valid_until else _EXPIRED


def publishing(types: Iterable[str], jurisdictions: Iterable[str]) -> tuple[PublishRight, ...]:
    """One right for all these types in all these places, without an end; none for no type."""
    prefixes = tuple(types)
    return (PublishRight(types=prefixes, jurisdictions=tuple(jurisdictions)),) if prefixes else ()


def why_none(rights: Iterable[PublishRight], at: datetime) -> Text:
    """Why none of these rights lets anybody publish: the newest says what became of it."""
    reasons = [right.refusal(at) for right in rights]
    return reasons[-1] if reasons and reasons[-1] is not None else _NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """Something an agency has shown to hold (`28-cfr-23`, `nda`, `data-processing`) in [valid_from, valid_until)."""

    kind: str
    valid_from: datetime
    valid_until: datetime

    def is_in_force(self, at: datetime) -> bool:
        """A lapsed attestation takes with it what depends on it, at that minute."""
        return self.valid_from <= at < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A participant. `jurisdictions` is where it has authority, `publishes` what it may publish, and where.

    `withheld` are publish rights that do not stand: they open nothing, and only say why something is refused. A token
    older than `epoch` is refused: it rises when a credential, a scope or the standing changes. `peer` is the node that
    shows an agency to this one; None: it is enrolled here. `is_shown`: the other side may know of it.
    """

    id: str
    name: str
    kind: Kind
    country: str
    jurisdictions: tuple[str, ...]
    publishes: tuple[PublishRight, ...] = ()
    withheld: tuple[PublishRight, ...] = ()
    languages: tuple[str, ...] = ("en",)
    standing: Standing = Standing.ACTIVE
    epoch: int = 1
    attestations: tuple[Attestation, ...] = ()
    identifiers: tuple[str, ...] = ()
    duty_phone: str = ""
    duty_email: str = ""
    version: int = 1
    peer: str | None = None
    is_shown: bool = True

    @property
    def is_active(self) -> bool:
        """Suspended and retired agencies neither read nor publish."""
        return self.standing is Standing.ACTIVE

    def attests(self, kind: str, at: datetime) -> bool:
        """Whether it holds a live attestation of this kind."""
        return any(held.kind == kind and held.is_in_force(at) for held in self.attestations)


def epoch_of(agency: Agency, person: Person | None) -> int:
    """What a token must carry: both numbers only ever rise, so their sum stays the same only while both do."""
    return agency.epoch + (0 if person is None else person.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A client of an agency: one key, and the most that its tokens may carry; `person` when it is somebody's own."""

    client_id: str
    agency: str
    public_key_pem: str
    scopes: frozenset[str]
    jurisdictions: tuple[str, ...]
    expires_at: datetime | None = None
    is_enabled: bool = True
    person: str | None = None
    version: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Directory:
    """Agencies and their people at one `version`; statements that rely on it prove that it is the current one."""

    version: int
    agencies: Mapping[str, Agency] = field(default_factory=lambda: MappingProxyType({}))
    persons: Mapping[str, Person] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, version: int, agencies: Iterable[Agency], persons: Iterable[Person] = ()) -> Directory:
        """A directory of these, by id."""
        by_id = MappingProxyType({agency.id: agency for agency in agencies})
        return cls(version, by_id, MappingProxyType({person.id: person for person in persons}))

    def enrolled(self, agency_id: str) -> Agency | None:
        """The agency, if this node has enrolled it, whatever its standing; not one that another node shows."""
        agency = self.agencies.get(agency_id)
        return agency if agency is not None and agency.peer is None else None

    def active(self, agency_id: str) -> Agency | None:
        """The agency, if it is enrolled here and may act; those that another node shows act there."""
        agency = self.enrolled(agency_id)
        return agency if agency is not None and agency.is_active else None

    def acting(self, person_id: str) -> Person | None:
        """The person, if enrolled, confirmed and not disabled."""
        person = self.persons.get(person_id)
        return person if person is not None and person.state is PersonState.ACTIVE else None
