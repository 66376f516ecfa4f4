"""Events as the hub keeps and hands them out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hub.policy import Facts
    from hub.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event about to be stored: what the sender wrote, cut for every projection, and the lane it belongs to."""

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    facts: Facts
    timing: Timing
    digest: bytes
    projection_version: int
    cuts: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An event from the log. `position` None: accepted, and not yet in the log. `cuts` as in `schemas.projection`.

    `offers` are grants under which it was offered anew; `offered_by` the one whose offer this very row is.
    """

    hub_id: UUID
    lane: int
    position: int | None
    source: str
    type: str
    subject: str
    jurisdictions: tuple[str, ...]
    audience: tuple[str, ...]
    timing: Timing
    projection_version: int
    cuts: str
    text: str
    accepted_at: datetime
    recalled_at: datetime | None = None
    is_owed: bool = False
    offers: frozenset[str] = frozenset()
    offered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """An event that readers may have passed, with what decides whether a grant opens it to them."""

    hub_id: UUID
    lane: int
    jurisdictions: tuple[str, ...]
    audience: tuple[str, ...]
    accepted_at: datetime
    offers: frozenset[str]
