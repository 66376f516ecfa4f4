"""What every part of the stream process works with, put together by `hub.main_live`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.entrance import enter
from hub.store import connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from psycopg_pool import ConnectionPool

    from hub.cursor import Cursors
    from hub.picture import Picture
    from hub.rates import Rates
    from hub.reading import Asking
    from hub.settings import StreamSettings
    from hub.store import Connection
    from hub.tokens import Claims, TokenVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    One stream process. `now` is the clock; intervals alone are measured by the monotonic one.

    `pool` is a gateway's, on which each reader reads for itself; what is told to many at once is read by the database's
    owner at `database_url`.
    """

    node: str
    database_url: str
    pool: ConnectionPool[Connection]
    picture: Picture
    tokens: TokenVerifier
    cursors: Cursors
    rates: Rates
    settings: StreamSettings
    now: Callable[[], datetime]

    def enter(self, claims: Claims) -> Asking:
        """
        Who asks; not in the event loop, since it may look at the database.

        Raises:
            NotAuthenticated: nobody who may.
            Unavailable: the database is away.
        """

        def refresh() -> None:
            with connection(self.pool) as conn:
                self.picture.refresh(conn)

        return enter(claims, self.picture, refresh, self.now)
