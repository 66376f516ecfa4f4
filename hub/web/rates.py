"""Rates per agency, with the `limits` library: kept, and its moving window is what a stated rate means."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from hub.errors import TooMany

if TYPE_CHECKING:
    from hub.settings import RateSettings

WINDOW_S = 10


class Rates:
    """
    Counts in this process. Urgent alerts have a budget of their own: no other traffic can use it up.

    Each of the gateway's processes allows its share of the configured rate.
    """

    def __init__(self, settings: RateSettings, processes: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._items = {
            name: RateLimitItemPerSecond(max(1, round(per_s * WINDOW_S / processes)), WINDOW_S)
            for name, per_s in (
                ("read", settings.reads_per_s),
                ("publish", settings.publishes_per_s),
                ("urgent", settings.urgent_per_s),
                ("token", settings.tokens_per_s),
            )
        }

    def spend(self, budget: str, who: str) -> None:
        """
        Count one request of `who` against `budget`.

        Raises:
            TooMany: with the seconds after which one fits again.
        """
        item = self._items[budget]
        if not self._limiter.hit(item, budget, who):
            reset = self._limiter.get_window_stats(item, budget, who).reset_time
            raise TooMany(max(1, math.ceil(reset - time.time())))
