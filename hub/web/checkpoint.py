"""The checkpoint: where the other node's batches arrive. An application of its own, which shows nothing else.

What a stranger can make it do is bounded at each step: sizes are declared before anything is read, the sender is known
by its signature before the body is, and the body by its digest before it is unpacked.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from prometheus_client import Counter
from werkzeug.exceptions import HTTPException

from hub import arrivals, entering
from hub.border.batch import HEADER, MAX_PACKED_BYTES, MEDIA_TYPE, PATH
from hub.border.receipt import TYPE as RECEIPT
from hub.entering import Entering
from hub.errors import BorderRefused
from hub.problems import of_http
from hub.store import connection, receipts
from hub.store import peers as stored
from hub.web import problems

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from psycopg_pool import ConnectionPool

    from hub.arrivals import Arriving
    from hub.border_keys import Signer
    from hub.picture import Picture
    from hub.store import Connection

logger = logging.getLogger(__name__)

REFUSALS = Counter(
    "puente_border_refusals_total", "Batches of other nodes that were not taken, by reason.", ("reason",)
)
BATCHES = Counter("puente_border_batches_total", "Batches of other nodes that were taken.", ("peer",))
ENVELOPES = Counter("puente_border_envelopes_total", "Envelopes in the batches that were taken.", ("peer",))
QUIET_S = 10.0
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the process works with. `now` is the clock."""

    node: str
    pool: ConnectionPool[Connection]
    picture: Picture
    signer: Signer
    now: Callable[[], datetime]


def create_checkpoint_app(checkpoint: Checkpoint) -> Flask:
    """One endpoint, for nodes that are trusted."""
    app = Flask("puente-checkpoint", static_folder=None)
    said = _Said()
    app.config["MAX_CONTENT_LENGTH"] = MAX_PACKED_BYTES + 1
    problems.register(app)

    @app.errorhandler(HTTPException)
    def _unmatched(error: HTTPException) -> Response:
        return problems.answered(of_http(error.code or 500))

    @app.post(PATH)
    def take() -> Response:
        """A batch; the answer is its signed receipt."""
        try:
            return Response(_take(checkpoint), content_type="application/jose")
        except BorderRefused as refusal:
            REFUSALS.labels(refusal.code).inc()
            said.say(refusal.code)
            raise

    return app


class _Said:
    """A stranger must not fill the disk: each reason is logged once in a while, and counted each time."""

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}

    def say(self, code: str) -> None:
        """That a batch was refused for this reason."""
        now_s = time.monotonic()
        if now_s - self._last_s.get(code, -QUIET_S) >= QUIET_S:
            self._last_s[code] = now_s
            logger.warning("a batch is not taken: %s (not said again for %d s)", code, QUIET_S)


def _take(checkpoint: Checkpoint) -> str:
    length = _declared_bytes()
    with connection(checkpoint.pool) as conn:
        known = entering.sender_of(conn, checkpoint.node, request.headers.get(HEADER, ""), checkpoint.now())
    arriving = entering.arriving(known, _body(length))
    signed = _receive(checkpoint, known, arriving)
    BATCHES.labels(arriving.peer).inc()
    ENVELOPES.labels(arriving.peer).inc(len(arriving.envelopes))
    return signed


def _receive(checkpoint: Checkpoint, known: Entering, arriving: Arriving) -> str:
    """Take the batch, then sign for it. What comes again, because nobody has heard of it, is answered as it was."""
    with connection(checkpoint.pool) as conn:
        receipt = arrivals.receive(conn, checkpoint.picture, checkpoint.node, arriving, checkpoint.now())
        signed = checkpoint.signer.sign_for(stored.known_kids(conn, known.peer.node), receipt.payload, RECEIPT)
        if receipt.outcomes:
            receipts.keep(conn, known.peer.node, is_ours=True, first=receipt.first, last=receipt.last, signed=signed)
    return signed


def _declared_bytes() -> int:
    length = request.content_length
    if request.mimetype != MEDIA_TYPE or length is None:
        raise entering.malformed()
    if length > MAX_PACKED_BYTES:
        raise entering.too_large()
    return length


def _body(length: int) -> bytes:
    """What was declared and no more, however much is sent."""
    parts: list[bytes] = []
    left = length
    while left and (part := request.stream.read(min(left, _CHUNK_BYTES))):
        parts.append(part)
        left -= len(part)
    if left:
        raise entering.malformed()
    return b"".join(parts)
