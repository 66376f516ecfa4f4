"""Consent records: what opens `protected` members, and nothing else does. Pure.

Informed, written and reasonably time-limited (34 USC 12291(b)(2); 28 CFR 94.115), for named recipients, for one
purpose, for stated members of one subject's events; withdrawn at any time, from that moment on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

LONGEST = timedelta(days=180)  # what "reasonably time-limited" means here; who still wants it signs again


class Giver(StrEnum):
    """Who may consent: the person, or who decides for them; of a minor, the minor too, where services are open to it.

    Never the abuser, nor an abuser of the other parent (34 USC 12291(b)(2)(B)(ii)).
    """

    INDIVIDUAL = "individual"
    CAREGIVER = "caregiver"
    GUARDIAN = "guardian"
    MINOR = "minor-self"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """`fields` are pointers of members (schemas.pins), `recipients` agencies by name; from signed_at to valid_until."""

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
        """A withdrawn consent is none, whatever the clock of who asks says about the moment of its withdrawal."""
        return self.withdrawn_at is None and self.signed_at <= at < self.valid_until

    def opens_to(self, reader: str, purpose: str, at: datetime) -> bool:
        """Whether it names this reader and purpose, and is in force."""
        return reader in self.recipients and purpose == self.purpose and self.is_in_force(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord(Consent):
    """A consent with how it was given and who put it on record."""

    given_by: Giver
    form_version: str
    language: str
    recorded_by: str = ""


NO_CONSENTS: Mapping[tuple[str, str], tuple[Consent, ...]] = MappingProxyType({})


def joined(consents: Sequence[Consent]) -> Consent | None:
    """Several that hold at once, as the one that opens all they open; its id names each of them."""
    if len(consents) < 2:
        return consents[0] if consents else None
    fields = dict.fromkeys(pointer for one in consents for pointer in one.fields)
    return replace(consents[0], id="+".join(one.id for one in consents), fields=tuple(fields))


def by_subject(consents: Iterable[Consent]) -> Mapping[tuple[str, str], tuple[Consent, ...]]:
    """Consents by (source, subject)."""
    found: defaultdict[tuple[str, str], list[Consent]] = defaultdict(list)
    for consent in consents:
        found[consent.source, consent.subject].append(consent)
    return MappingProxyType({key: tuple(held) for key, held in found.items()})
