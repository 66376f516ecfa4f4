"""Rates per agency, with throttled-py: kept, no dependencies, and no thread started per window (limits does)."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from throttled import RateLimiterType, Throttled
from throttled.rate_limiter import per_duration
from throttled.store import MemoryStore

from hub.errors import TooMany

if TYPE_CHECKING:
    from hub.settings import RateSettings

WINDOW_S = 10


class Rates:
    """
    Counts in this process. Urgent alerts have a budget of their own: no other traffic can use it up.

    Ten seconds' worth may come at once; after that, what fits again fits evenly (GCRA). Each of the gateway's
    processes allows its share of the configured rate.
    """

    def __init__(self, settings: RateSettings, processes: int) -> None:
        shares = {
            "read": settings.reads_per_s,
            "publish": settings.publishes_per_s,
            "urgent": settings.urgent_per_s,
            "token": settings.tokens_per_s,
        }
        self._budgets = {name: _budget(per_s * WINDOW_S / processes) for name, per_s in shares.items()}

    def spend(self, budget: str, who: str) -> None:
        """
        Count one request of `who` against `budget`.

        Raises:
            TooMany: with the seconds after which one fits again.
        """
        result = self._budgets[budget].limit(who)
        if result.limited:
            raise TooMany(max(1, math.ceil(result.state.retry_after)))


def _budget(per_window: float) -> Throttled:
    most = max(1, round(per_window))
    quota = per_duration(timedelta(seconds=WINDOW_S), most, burst=most)
    return Throttled(using=RateLimiterType.GCRA.value, quota=quota, store=MemoryStore())
