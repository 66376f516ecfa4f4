"""Things to be told, as a worker gets them: tests say what differs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hub.errands import Errand
from hub.filters import Filter, Seen
from hub.store.claims import Claim
from hub.subscribing import Channel, State, Subscription
from tests.support.cast import POLICE, SHELTER

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SUBSCRIPTION = UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120002")
EVENT = UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120003")
NONCE = UUID("019ec1f0-7c3a-4e55-8c1b-0242ac120004")


def subscription(**differs: Any) -> Subscription:
    """SHELTER's, by mail, enabled."""
    usual: dict[str, Any] = {
        "id": SUBSCRIPTION,
        "agency": SHELTER.id,
        "name": "night desk",
        "channel": Channel.EMAIL,
        "address": "duty@shelter.example",
        "filter": Filter(),
        "language": "en",
        "desk": "duty",
        "quiet": None,
        "digest_at": None,
        "state": State.ENABLED,
        "reason": None,
        "jurisdictions": ("US",),
        "purpose": None,
        "created_by": SHELTER.id,
        "created_at": AT,
        "generation": 1,
        "rotated_at": None,
        "nonce": NONCE,
        "version": 1,
        "part": 0,
    }
    return Subscription(**usual | differs)


def claim(**differs: Any) -> Claim:
    """Of an event, urgent, the twelfth one, tried for the first time."""
    usual: dict[str, Any] = {
        "no": 7,
        "subscription": SUBSCRIPTION,
        "kind": "event",
        "seq": 12,
        "event": EVENT,
        "position": 4,
        "is_urgent": True,
        "about": None,
        "tries": 1,
        "made_at": AT,
        "told": 12,
    }
    return Claim(**usual | differs)


def seen(**differs: Any) -> Seen:
    """What a pointer may tell of an alert of POLICE."""
    usual: dict[str, Any] = {
        "source": POLICE.id,
        "type": "alert.missing_child.issued",
        "status": "actual",
        "subject": "subject-1",
        "jurisdictions": ("US-CA",),
        "severity": "Extreme",
        "urgency": "Immediate",
    }
    return Seen(**usual | differs)


def errand(of: Subscription | None = None, **differs: Any) -> Errand:
    """An event to be told; `differs` is of its claim, and of what is seen where it is named so."""
    shown = {name: differs.pop(name) for name in ("type", "status", "subject", "source") if name in differs}
    return Errand(claim=claim(**differs), subscription=of or subscription(), seen=seen(**shown))


def other(kind: str, of: Subscription | None = None, **differs: Any) -> Errand:
    """Something that is no event."""
    nothing: dict[str, Any] = {"seq": None, "event": None, "position": None, "is_urgent": False}
    return Errand(claim=claim(kind=kind, **nothing | differs), subscription=of or subscription())
