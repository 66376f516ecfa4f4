"""One waiting poll: the live loop wakes it when something has come for it, and it reads its page by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hub.live.audience import REVOKED, Listener

if TYPE_CHECKING:
    from hub.filters import Filter
    from hub.tokens import Claims


class Poll(Listener):
    """Waits for whatever happens first; `is_over`: there is no need to read again."""

    __slots__ = ("_woken", "is_over")

    is_sent = False

    def __init__(self, claims: Claims, wanted: Filter, seen: int) -> None:
        super().__init__(claims, wanted, seen)
        self.is_over = False
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, most_s: float) -> bool:
        """Whether it was woken before the time was over."""
        done, _ = await asyncio.wait((self._woken,), timeout=most_s)
        return bool(done)

    def take(self, position: int, _text: bytes, _at_s: float) -> bool:
        """There is something to read."""
        if position > self.seen:
            self._wake()
        return True

    def fall_behind(self) -> None:
        """There is something to read."""
        self._wake()

    def end(self, reason: str) -> None:
        """Its answer is that nothing has come; or a refusal, which it finds out for itself."""
        self.is_over = reason != REVOKED
        self._wake()

    def reconsider(self) -> None:
        """It has nothing on its way."""

    def _wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)
