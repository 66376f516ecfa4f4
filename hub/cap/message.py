"""What a public CAP document is made from, and for how long it may be shown. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from schemas.registry import closes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from hub.timing import Timing

UNSAID = timedelta(hours=24)  # how long an alert is public whose source names no end of any kind
TOLD_FOR = timedelta(hours=72)  # how long an end is told: the Cancel stays, and the feed names what is gone


# What stays said of an alert that is over. Free texts name the child; `event` is one of them.
KEPT_AT_END = ("programme", "event_code", "event_codes", "category", "sender_name", "areas")


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier document of the same alert; with the node's sender its identity (CAP 1.2 section 3.2.1)."""

    hub_id: UUID
    sent: str

    def written(self, sender: str) -> str:
        """As `references` names it."""
        return f"{sender},{identifier(self.hub_id)},{self.sent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    One event for the public, in its projection; `data` is what `body` makes of it.

    `source_name` is the name of the agency it is from, `references` are the earlier public ones of its alert.
    """

    hub_id: UUID
    sender: str
    event: Mapping[str, Any]
    data: Mapping[str, Any]
    expires: datetime
    source_name: str
    references: tuple[Reference, ...] = ()

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.event["type"])

    @property
    def sent(self) -> str:
        """When its source sent it, as CAP writes it."""
        return cap_time(instant(self.event["time"]))

    @property
    def message_type(self) -> str:
        """`Alert`, `Update` or `Cancel`; what the public knows nothing earlier of is an `Alert` to it."""
        if closes(self.type):
            return "Cancel"
        return "Update" if self.references else "Alert"


def body(event: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    What the document of an event says: all of it, although an update says only what changed; of an end very little.

    `earlier` are the bodies of the events of its alert before it, oldest first, as the public may have them now.
    """
    merged: dict[str, Any] = {}
    for one in (*earlier, event.get("data", {})):
        merged |= one
    return {name: merged[name] for name in KEPT_AT_END if name in merged} if closes(event["type"]) else merged


def whole(items: Iterable[Mapping[str, Any]], *members: str) -> list[Mapping[str, Any]]:
    """What of a list has all of these members: a label may have hidden the half of one."""
    return [one for one in items if all(name in one for name in members)]


def identifier(hub_id: UUID) -> str:
    """Of the document of an event; without the characters that CAP keeps for `references`."""
    return f"urn:uuid:{hub_id}"


def instant(written: str) -> datetime:
    """A time of an event."""
    return datetime.fromisoformat(written)


def cap_time(at: datetime) -> str:
    """To the second and with its offset; UTC is `-00:00`, never `Z` (CAP 1.2 section 3.3.2)."""
    written = at.replace(microsecond=0).isoformat()
    return f"{written[:-6]}-00:00" if written.endswith("+00:00") else written


def expiry(event: Mapping[str, Any], timing: Timing, accepted_at: datetime) -> datetime:
    """
    When the document of an event is over: at the first end that its source or the law set, else after 24 hours.

    A closing is told for 72 hours from when a hub learnt of it, which may be long after it was sent.
    """
    if closes(event["type"]):
        return max(accepted_at, instant(event["time"])) + TOLD_FOR
    said = event.get("data", {}).get("expires")
    ends = [instant(said) if said else None, timing.public_until, timing.active_until]
    return min((end for end in ends if end is not None), default=instant(event["time"]) + UNSAID).astimezone(UTC)
