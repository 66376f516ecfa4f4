"""What is public only while an alert is active: which variant of a projection holds at a moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hub.policy import FULL, NOTICE

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.envelope import Event

# The public phase of an Alerta AMBER is 72 hours at most (Protocolo Nacional Alerta AMBER México). The search goes on
# after it, and agencies go on reading.
AMBER_MX_PUBLIC = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When an event's public-while-active content stops being so."""

    lapses: bool
    lapsed_at: datetime | None
    public_until: datetime | None
    active_until: datetime | None


def timing_of(event: Event, *, lapses: bool) -> Timing:
    """When an event that was not yet accepted lapses: as its label says, and no later than its programme lets it."""
    public_until = event.label.public_until
    if event.data.get("programme") == "AMBER_MX":
        most = event.time + AMBER_MX_PUBLIC
        public_until = most if public_until is None else min(public_until, most)
    return Timing(lapses=lapses, lapsed_at=None, public_until=public_until, active_until=event.label.active_until)


def projection_at(name: str, timing: Timing, at: datetime) -> str:
    """The projection's name at a moment: `partner~` once the alert is over, `public~` already at `public_until`."""
    if not timing.lapses or name in (FULL, NOTICE):
        return name
    ends = [timing.active_until] if name != "public" else [timing.active_until, timing.public_until]
    # `lapsed_at` is the database's word that the alert is over; a gateway whose clock is slow must not doubt it.
    is_over = timing.lapsed_at is not None or any(end is not None and end <= at for end in ends)
    return f"{name}~" if is_over else name
