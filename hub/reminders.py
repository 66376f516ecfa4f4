"""What ends soon and what to say of it: warnings at 30, 7 and 1 days before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hub.directory import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hub.directory import Agency, Attestation, Credential, PublishRight
    from hub.policy import Rules

THRESHOLDS_DAYS = (1, 7, 30)
LONGEST = timedelta(days=max(THRESHOLDS_DAYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something of an agency that comes to its end: an `attestation`, `publish_right`, `grant` or client `key`."""

    what: str
    id: str
    agency: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """An ending, with the nearest threshold before it that has been reached."""

    ending: Ending
    days: int


def threshold(ends_at: datetime, at: datetime) -> int | None:
    """The nearest threshold reached, in days before the end; None while there is time, and after the end."""
    if at >= ends_at:
        return None
    return next((days for days in THRESHOLDS_DAYS if at >= ends_at - timedelta(days=days)), None)


def due(endings: Iterable[Ending], at: datetime) -> list[Warned]:
    """What is to be warned of now, what ends first coming first."""
    found = [(one, threshold(one.ends_at, at)) for one in endings]
    warned = [Warned(ending=one, days=days) for one, days in found if days is not None]
    return sorted(warned, key=lambda each: (each.ending.ends_at, each.ending.what, each.ending.id))


def endings(agencies: Iterable[Agency]) -> list[Ending]:
    """What these agencies hold by the rules, and until when: what is renewed already does not end."""
    found = []
    for agency in agencies:
        found += [_of_attestation(agency, held) for held in agency.attestations if not _is_renewed(held, agency)]
        found += [
            Ending(what="publish_right", id=" ".join(right.types), agency=agency.id, ends_at=right.valid_until)
            for right in agency.publishes
            if not _goes_on(right, agency)
        ]
    return [one for one in found if one.ends_at < NEVER]


def endings_of_grants(rules: Rules, *, reader: Agency | None = None) -> list[Ending]:
    """Grants and their ends: those that name `reader`, or all."""
    return [
        Ending(
            what="grant",
            id=grant.id,
            agency=grant.reader.agency or grant.source.agency or "",
            ends_at=grant.valid_until,
        )
        for grant in rules.grants.grants
        if reader is None or grant.reader.covers(reader)
    ]


def endings_of_keys(clients: Iterable[Credential]) -> list[Ending]:
    """Clients and the ends of their keys."""
    return [
        Ending(what="key", id=client.client_id, agency=client.agency, ends_at=client.expires_at)
        for client in clients
        if client.expires_at is not None and client.is_enabled
    ]


def _of_attestation(agency: Agency, held: Attestation) -> Ending:
    return Ending(what="attestation", id=held.kind, agency=agency.id, ends_at=held.valid_until)


def _is_renewed(held: Attestation, agency: Agency) -> bool:
    return any(
        other.kind == held.kind and other.valid_from <= held.valid_until < other.valid_until
        for other in agency.attestations
    )


def _goes_on(right: PublishRight, agency: Agency) -> bool:
    """Whether another right in force opens the same and more time."""
    return any(
        set(right.types) <= set(other.types)
        and set(right.jurisdictions) <= set(other.jurisdictions)
        and other.valid_from <= right.valid_until < other.valid_until
        for other in agency.publishes
    )
