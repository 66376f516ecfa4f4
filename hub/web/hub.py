"""What every view works with, put together by `hub.main`; views reach it through the app, never through globals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from psycopg_pool import ConnectionPool

    from hub.addresses import Network
    from hub.cap.press import Press
    from hub.clients import Grantor
    from hub.cursor import Cursors
    from hub.ladders import Ladders
    from hub.mail_links import MailLinks
    from hub.picture import Picture
    from hub.rates import Rates
    from hub.store import Connection
    from hub.tokens import TokenVerifier
    from hub.webhooks import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """
    One gateway process. `now` is the clock; nothing below reads another.

    `stream_url`: where streams are served. Without a `press` nothing is public.
    """

    node: str
    url: str
    stream_url: str
    pool: ConnectionPool[Connection]
    picture: Picture
    tokens: TokenVerifier
    grantor: Grantor
    cursors: Cursors
    rates: Rates
    signer: Signer  # of webhooks
    webhook_networks: tuple[Network, ...]  # which an operator has named, beside all that is public
    ladders: Ladders
    mail: MailLinks | None  # None: this node sends no mails
    now: Callable[[], datetime]
    press: Press | None = None


def current_hub() -> Hub:
    """The hub this request is answered by."""
    return cast("Hub", current_app.extensions["puente"])
