"""How many mails a minute go to one agency's addresses, with throttled-py as the gateway's rates."""

from __future__ import annotations

import time
from datetime import timedelta

from throttled import RateLimiterType, Throttled
from throttled.rate_limiter import per_duration
from throttled.store import MemoryStore


class Budget:
    """A minute's worth may go at once; after that, what fits again fits evenly (GCRA). For one process."""

    def __init__(self, per_minute: int) -> None:
        quota = per_duration(timedelta(minutes=1), per_minute, burst=per_minute)
        self._limiter = Throttled(using=RateLimiterType.GCRA.value, quota=quota, store=MemoryStore())
        self._again_at_s: dict[str, float] = {}

    def spend(self, agency: str) -> bool:
        """Whether one more mail fits; it is counted if it does."""
        result = self._limiter.limit(agency)
        if result.limited:
            self._again_at_s[agency] = time.monotonic() + result.state.retry_after
        return not result.limited

    def spent(self) -> tuple[str, ...]:
        """The agencies for whose addresses none fits at the moment."""
        now_s = time.monotonic()
        self._again_at_s = {agency: at_s for agency, at_s in self._again_at_s.items() if at_s > now_s}
        return tuple(self._again_at_s)
