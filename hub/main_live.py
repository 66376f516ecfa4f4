"""The composition root of the stream process."""

from __future__ import annotations

import contextlib
import ssl
import sys
from typing import TYPE_CHECKING

from hub import keys, main
from hub.cursor import Cursors
from hub.picture import Picture
from hub.rates import Rates
from hub.store import open_gateway_pool
from hub.tokens import TokenVerifier

if TYPE_CHECKING:
    from hub.settings import Settings


def run_stream(told: Settings) -> None:
    """Streams and long polls, until SIGTERM."""
    from hub.live.parts import Parts
    from hub.live.running import run

    own = main.issuer(told)
    url = main.database_url(told)
    with contextlib.closing(open_gateway_pool(url, name="puente-stream-readers", most=told.stream.threads)) as pool:
        parts = Parts(
            node=told.node.id,
            database_url=url,
            pool=pool,
            picture=Picture.unread(main.limits(told)),
            tokens=TokenVerifier(
                own.name, f"{told.node.id}/api", {own.key.kid: own.key.public}, cache=told.gateway.token_cache
            ),
            cursors=Cursors(keys.cursor_key(told.state_dir)),
            rates=Rates(told.rates, processes=1),
            settings=told.stream,
            now=main.now,
        )
        if not run(parts, tls(told)):
            sys.exit(1)


def tls(told: Settings) -> ssl.SSLContext | None:
    """As the gateway has it: TLS 1.3, where there is a certificate."""
    if not told.stream.certificate_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(told.file(told.stream.certificate_file), told.file(told.stream.key_file))
    return context
