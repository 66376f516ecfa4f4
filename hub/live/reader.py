"""Reading the log for one reader by itself, by the code that serves the feed: on a few threads, so many at a time."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hub.entrance import joined
from hub.errors import Unavailable
from hub.feed import Page, read_feed
from hub.items import items
from hub.live.telling import Line, body_of
from hub.picture import Stale
from hub.principal import READ
from hub.reading import require_scope
from hub.store import connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from hub.filters import Filter
    from hub.live.parts import Parts
    from hub.reading import Asking
    from hub.tokens import Claims

    T = TypeVar("T")

PAGE = 100


@dataclass(frozen=True, slots=True)
class Read:
    """A page for a stream; `began_s`: when, by the monotonic clock, it was begun."""

    lines: tuple[Line, ...]
    position: int
    more: bool
    began_s: float


@dataclass(frozen=True, slots=True)
class Found:
    """A page for a poll: its events as JSON, where the next one starts, and whether there may be more there."""

    events: str
    position: int
    has_some: bool
    more: bool


class Reader:
    """Reads on threads of its own; whoever comes when all are busy waits for its turn."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._threads = ThreadPoolExecutor(parts.settings.threads, thread_name_prefix="reader")

    def close(self) -> None:
        """No more readings; who still waits for the database is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def admit(self, claims: Claims) -> str:
        """
        The agency that asks, which may read events.

        Raises:
            NotAuthenticated: nobody who may ask.
            Denied: the token has no right to read events; that is on record.
            Unavailable: the database is away.
        """

        asking = joined(claims, self._parts.picture, self._parts.now())
        if asking is None:
            asking = await self._on_thread(lambda: self._parts.enter(claims))
        if READ not in asking.principal.scopes:
            await self._on_thread(partial(self._refuse, asking))
        return asking.reader

    def _refuse(self, asking: Asking) -> None:
        with connection(self._parts.pool, asking.reader) as conn:
            require_scope(conn, asking, READ)

    async def lines(self, claims: Claims, wanted: Filter, after: int) -> Read:
        """
        A page for a stream, on record.

        Raises:
            NotAuthenticated, Denied, Unavailable: as `admit`.
        """

        def read(asking: Asking) -> Read:
            began_s = time.monotonic()
            page = self._page(asking, wanted, after, PAGE, "stream")
            cursors, reader = self._parts.cursors, asking.reader
            lines = [
                Line.of(
                    one.row.position or 0,
                    cursors.seal(one.row.position or 0, reader, wanted.status),
                    body_of(one),
                )
                for one in page.shown
            ]
            return Read(tuple(lines), page.position, page.more, began_s)

        return await self._answer(claims, read)

    async def page(self, claims: Claims, wanted: Filter, after: int, limit: int) -> Found:
        """
        A page of the feed, on record.

        Raises:
            NotAuthenticated, Denied, Unavailable: as `admit`.
        """

        def read(asking: Asking) -> Found:
            page = self._page(asking, wanted, after, limit, "feed")
            return Found(items(page.shown), page.position, has_some=bool(page.shown), more=page.more)

        return await self._answer(claims, read)

    def _page(self, asking: Asking, wanted: Filter, after: int, limit: int, where: str) -> Page:
        with connection(self._parts.pool, asking.reader) as conn:
            return read_feed(conn, asking, after=after, limit=limit, wanted=wanted, where=where)

    async def _answer(self, claims: Claims, read: Callable[[Asking], T]) -> T:
        """As the gateway answers: when the rules have changed under it, it authenticates and asks again."""

        def answered() -> T:
            for _ in range(3):
                asking = self._parts.enter(claims)
                try:
                    return read(asking)
                except Stale:
                    with connection(self._parts.pool) as conn:
                        self._parts.picture.refresh(conn)
            raise Unavailable

        return await self._on_thread(answered)

    async def _on_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
