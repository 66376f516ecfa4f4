"""Which events a subscriber wants to be told of: one rule for live streams, polls, webhooks and replays alike. Pure.

A filter only takes away from what the policy gives. It looks at nothing but the rendering that its reader gets, so what
comes and what stays away says nothing about fields that the reader may not see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from hub.grants import covers_type
from schemas.alert import SEVERITIES, URGENCIES
from schemas.places import touches
from schemas.registry import LABEL_CHANGED, RECALLED, closes

if TYPE_CHECKING:
    from collections.abc import Mapping


class Change(StrEnum):
    """What an event means for who follows its alert or case; what is said about it (answers, notes) is new."""

    NEW = "new"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    LOCATED = "located"


EVERY_CHANGE = frozenset(Change)
_CHANGES: Mapping[str, Change] = {
    "updated": Change.UPDATED,
    "cancelled": Change.CANCELLED,
    "closed": Change.CANCELLED,
    "located": Change.LOCATED,
    RECALLED.rpartition(".")[2]: Change.CANCELLED,
    LABEL_CHANGED.rpartition(".")[2]: Change.UPDATED,
}


def change_of(event_type: str) -> Change:
    """What an event of this type means for who follows."""
    return _CHANGES.get(event_type.rpartition(".")[2], Change.NEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What of an event its reader sees that filters ask for; a notice has neither severity nor urgency."""

    source: str
    type: str
    status: str
    subject: str
    jurisdictions: tuple[str, ...]
    severity: str | None
    urgency: str | None

    @property
    def is_urgent(self) -> bool:
        """Whether it may not wait: an alert that asks for action at once (CAP urgency), or the end of any alert."""
        return self.type.startswith("alert.") and (self.urgency == "Immediate" or closes(self.type))


def seen_in(text: str) -> Seen:
    """What filters look at, from the very text that the reader gets."""
    event: dict[str, Any] = orjson.loads(text)
    data = event.get("data", {})
    return Seen(
        source=event["source"],
        type=event["type"],
        status=event["status"],
        subject=event["subject"],
        jurisdictions=tuple(event["jurisdictions"]),
        severity=data.get("severity"),
        urgency=data.get("urgency"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """
    What is wanted; each part that is not given leaves everything.

    `types` are prefixes as in a grant (`alert.*`). `jurisdictions`: an event that touches one of them. `severity` and
    `urgency` are the least that is wanted (CAP 1.2 section 3.2.2); what does not say, as a notice of an end, comes too,
    so that nobody is left with an alert that was taken back. What is not actual never comes with what is.
    """

    types: tuple[str, ...] = ("*",)
    jurisdictions: tuple[str, ...] = ()
    subject: str | None = None
    severity: str | None = None
    urgency: str | None = None
    changes: frozenset[Change] = EVERY_CHANGE
    status: str = "actual"
    own: bool = False

    @property
    def takes_all(self) -> bool:
        """Whether there is nothing to look for in what has this status."""
        return self == replace(EVERYTHING, status=self.status)

    def wants(self, seen: Seen, reader: str) -> bool:
        """Whether `reader` is to be told of it."""
        return (
            seen.status == self.status
            and (self.own or seen.source != reader)
            and (self.subject is None or seen.subject == self.subject)
            and change_of(seen.type) in self.changes
            and covers_type(self.types, seen.type)
            and _at_least(seen.severity, self.severity, SEVERITIES)
            and _at_least(seen.urgency, self.urgency, URGENCIES)
            and (not self.jurisdictions or _touch(self.jurisdictions, seen.jurisdictions))
        )


EVERYTHING = Filter(own=True)


def _at_least(said: str | None, wanted: str | None, order: tuple[str, ...]) -> bool:
    """CAP lists both from the most to the least; `Unknown`, its last, is below everything that is known."""
    return wanted is None or said is None or order.index(said) <= order.index(wanted)


def _touch(wanted: tuple[str, ...], places: tuple[str, ...]) -> bool:
    return any(touches(one, place) for one in wanted for place in places)
