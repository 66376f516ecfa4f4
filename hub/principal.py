"""Who asks: the claims of a verified token joined with the agency they speak for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.directory import Agency, Person

READ = "events:read"
PUBLISH = "events:publish"
ACKNOWLEDGE = "acks:write"
READ_REJECTIONS = "rejections:read"
SCOPES = (READ, PUBLISH, ACKNOWLEDGE, READ_REJECTIONS)
ANYWHERE = ("US", "MX")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An agency asking through one client, and `person` when somebody does under their own name.

    `scopes`, `jurisdictions` and `purpose` come from the token and can only narrow what the grants give.
    """

    agency: Agency
    client_id: str
    scopes: frozenset[str]
    jurisdictions: tuple[str, ...] = ANYWHERE
    purpose: str | None = None
    person: Person | None = None


def of_agency(agency: Agency) -> Principal:
    """The agency itself, with no token to narrow it: what its Kafka topic proves (broker ACL)."""
    return Principal(agency=agency, client_id=f"kafka:{agency.id}", scopes=frozenset(SCOPES))
