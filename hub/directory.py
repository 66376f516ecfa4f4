"""Who takes part: agencies as the node knows them at one version of its directory. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A participant. `jurisdictions` is where it has authority, `publishes` the types it may publish (prefixes).

    A token older than `epoch` is refused: it rises when a credential, a scope or the standing changes.
    """

    id: str
    name: str
    kind: Kind
    country: str
    jurisdictions: tuple[str, ...]
    publishes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    standing: Standing = Standing.ACTIVE
    epoch: int = 1

    @property
    def is_active(self) -> bool:
        """Suspended and retired agencies neither read nor publish."""
        return self.standing is Standing.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A client of an agency: one key, and the most that its tokens may carry."""

    client_id: str
    agency: str
    public_key_pem: str
    scopes: frozenset[str]
    jurisdictions: tuple[str, ...]
    expires_at: datetime | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Directory:
    """All agencies at one `version`; statements that rely on it prove in SQL that it is still the current one."""

    version: int
    agencies: Mapping[str, Agency] = field(default_factory=lambda: MappingProxyType({}))

    def active(self, agency_id: str) -> Agency | None:
        """The agency, if it is enrolled and may act."""
        agency = self.agencies.get(agency_id)
        return agency if agency is not None and agency.is_active else None
