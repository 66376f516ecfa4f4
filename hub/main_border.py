"""The composition root of the border's two processes and its commands, beside `hub.main`."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from hub import border_keys, main
from hub.border import anchor as anchors
from hub.border.anchor import Anchor, is_authority
from hub.border_keys import Signer
from hub.picture import Picture
from hub.rollover import OwnAnchor
from hub.settings import SettingsError
from hub.store import open_pool
from schemas.texts import Text

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask

    from hub.settings import Settings
    from hub.workers.tls import ClientCertificate

THREADS = 4  # of the checkpoint: a peer sends one batch at a time

NO_BORDER = Text("border.url is empty: this node has no border", "border.url está vacío: este nodo no tiene frontera")
NOT_AN_AUTHORITY = Text(
    "border.authority_file: no certificate in PEM", "border.authority_file: no es un certificado en PEM"
)


def signer(told: Settings) -> Signer:
    """What this node signs with at the border; its first key is made if there is none."""
    return Signer(told.state_dir, main.now)


def require_border(told: Settings) -> None:
    """
    Only where a border is configured.

    Raises:
        SettingsError: there is none.
    """
    if not told.border.url:
        raise SettingsError([NO_BORDER])


def own_anchor(told: Settings, held: tuple[border_keys.OwnKey, ...], at: datetime) -> OwnAnchor:
    """
    What this node is, to the other side.

    Raises:
        SettingsError: there is no border, or nothing that vouches for its certificate.
    """
    require_border(told)
    path = told.file(told.border.authority_file)
    try:
        authority = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Text("{f}: {why}", "{f}: {why}").format(f=path, why=error)]) from error
    if not is_authority(authority):
        raise SettingsError([NOT_AN_AUTHORITY])
    keys = tuple(key.public for key in held[-anchors.MOST_KEYS :])
    anchor = Anchor(
        node=told.node.id,
        country=told.node.country,
        prefix=f"{told.node.id}-",
        url=told.border.url,
        authority=authority,
        keys=keys,
        issued_at=at,
    )
    return OwnAnchor(hashlib.sha256(orjson.dumps(anchor.payload["keys"])).digest(), anchor)


def anchor_of(told: Settings, own: Signer) -> Callable[[datetime], OwnAnchor]:
    """The same, made anew when there is another key."""
    made: tuple[tuple[border_keys.OwnKey, ...], OwnAnchor] | None = None

    def at_that_time(at: datetime) -> OwnAnchor:
        nonlocal made
        held = own.held()
        if made is None or made[0] is not held:
            made = held, own_anchor(told, held, at)
        return replace(made[1], anchor=replace(made[1].anchor, issued_at=at))

    return at_that_time


def client_certificate(told: Settings) -> ClientCertificate | None:
    """What this node shows to peers that ask for a certificate."""
    from hub.workers.tls import ClientCertificate

    border = told.border
    if not border.client_certificate_file:
        return None
    return ClientCertificate(told.file(border.client_certificate_file), told.file(border.client_key_file))


def context_for(told: Settings, authority: str) -> ssl.SSLContext:
    """TLS to a peer, as the worker has it."""
    from hub.workers import tls

    return tls.context_for(authority, client_certificate(told))


def checkpoint_app() -> Flask:
    """The WSGI application of the checkpoint; granian calls this in its process."""
    from hub.web.checkpoint import Checkpoint, create_checkpoint_app

    main.end_with_granian()
    main.log_to_stderr()
    told = main.settings()
    require_border(told)
    return create_checkpoint_app(
        Checkpoint(
            node=told.node.id,
            pool=open_pool(main.database_url(told), name="puente-checkpoint", most=THREADS),
            picture=Picture.unread(main.limits(told)),
            signer=signer(told),
            now=main.now,
        )
    )


def run_border(told: Settings) -> None:
    """The worker that sends, until SIGTERM."""
    from hub.workers import border

    require_border(told)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    own = signer(told)
    worker = border.Border(
        database_url=main.database_url(told),
        node=told.node.id,
        limits=main.limits(told),
        signer=own,
        anchor=anchor_of(told, own),
        client=client_certificate(told),
        window=told.border.window,
        batch=told.border.batch,
        now=main.now,
    )
    border.run(worker, main.until_told())
