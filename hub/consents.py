"""Consent records: what opens `protected` members, and nothing else does. Pure.

Informed, written and reasonably time-limited (34 USC 12291(b)(2); 28 CFR 94.115), for named recipients, for one
purpose, for stated members of one subject's events; withdrawn at any time, from that moment on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """`fields` are JSON pointers of members, `recipients` agencies by name; in force in [signed_at, valid_until)."""

    id: str
    source: str
    subject: str
    fields: tuple[str, ...]
    recipients: frozenset[str]
    purpose: str
    signed_at: datetime
    valid_until: datetime
    withdrawn_at: datetime | None = None

    def is_in_force(self, at: datetime) -> bool:
        """A withdrawn consent is none from the moment of its withdrawal."""
        return self.signed_at <= at < min(self.valid_until, self.withdrawn_at or self.valid_until)

    def opens_to(self, reader: str, purpose: str, at: datetime) -> bool:
        """Whether it names this reader and purpose, and is in force."""
        return reader in self.recipients and purpose == self.purpose and self.is_in_force(at)


NO_CONSENTS: Mapping[tuple[str, str], tuple[Consent, ...]] = MappingProxyType({})


def by_subject(consents: Iterable[Consent]) -> Mapping[tuple[str, str], tuple[Consent, ...]]:
    """Consents by (source, subject)."""
    found: defaultdict[tuple[str, str], list[Consent]] = defaultdict(list)
    for consent in consents:
        found[consent.source, consent.subject].append(consent)
    return MappingProxyType({key: tuple(held) for key, held in found.items()})
