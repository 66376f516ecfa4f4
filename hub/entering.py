"""Who sends a batch, and whether it is one: everything that is checked before any of it has an effect, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hub import signing
from hub.arrivals import Arriving
from hub.border import batch, envelope
from hub.border.batch import BatchHead, NotABatch
from hub.border.envelope import NotAHead, Sealed
from hub.errors import BorderRefused
from hub.signing import NotSealed
from hub.store import peers as stored
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric import ec

    from hub.border.anchor import BorderKey
    from hub.store import Connection
    from hub.store.peers import Peer

MOST_SKEW = timedelta(seconds=300)
MAX_ENVELOPE_CHARS = 4096  # a head is a tenth of it

UNKNOWN_PEER = Text("this node is not trusted here", "aquí no se confía en este nodo")
SIGNATURE = Text("a signature is not the sender's", "una firma no es del remitente")
KEY_EXPIRED = Text("a key was not valid when it signed", "una clave no era válida cuando firmó")
DESTINATION = Text("it is not for this node, or not from its sender", "no es para este nodo o no es de su remitente")
CLOCK = Text("the clocks differ by more than five minutes", "los relojes difieren en más de cinco minutos")
STOPPED = Text(
    "crossing is stopped until an operator resumes it", "el cruce está detenido hasta que un operador lo reanude"
)
STREAM = Text("another stream has begun here", "aquí ha comenzado otra secuencia")
DIGEST = Text("a body is not the one that was signed for", "un contenido no es el que se firmó")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entering:
    """A batch whose sender is known, before its body is read."""

    node: str
    peer: Peer
    keys: Mapping[str, BorderKey]
    head: BatchHead

    @property
    def public(self) -> dict[str, ec.EllipticCurvePublicKey]:
        """The sender's pinned keys."""
        return {kid: key.public for kid, key in self.keys.items()}


def malformed() -> BorderRefused:
    """Not a batch at all."""
    return _refused(batch.MALFORMED)


def too_large() -> BorderRefused:
    """Over a bound."""
    return _refused(batch.TOO_LARGE)


def sender_of(conn: Connection, node: str, signed: str, at: datetime) -> Entering:
    """
    Whose batch it is, by its signed head.

    Raises:
        BorderRefused: a stranger's, or one that may not be taken now; a stranger is told no more than that.
    """
    try:
        claimed = signing.claimed(signed, max_chars=batch.MAX_HEAD_CHARS).get("iss")
    except NotSealed as error:
        raise malformed() from error
    peer = stored.peer(conn, claimed) if isinstance(claimed, str) and len(claimed) == 2 else None
    if peer is None or peer.state == "removed":
        raise BorderRefused("unknown-peer", UNKNOWN_PEER)
    keys = stored.keys_of(conn, peer.node)
    head = _head(signed, keys)
    if head.destination != node:
        raise BorderRefused("destination", DESTINATION)
    if abs(head.at - at) > MOST_SKEW:
        raise BorderRefused("clock", CLOCK)
    if peer.state == "stopped":
        raise BorderRefused("stopped", STOPPED)
    crossing = stored.crossing(conn, peer.node)
    if crossing is not None and crossing.in_stream not in (None, head.stream):
        raise BorderRefused("stream", STREAM)
    return Entering(node=node, peer=peer, keys=keys, head=head)


def _head(signed: str, keys: Mapping[str, BorderKey]) -> BatchHead:
    public = {kid: key.public for kid, key in keys.items()}
    opened = _opened(signed, batch.TYPE, public, batch.MAX_HEAD_CHARS)
    try:
        head = batch.batch_head_of(opened.payload)
    except NotABatch as error:
        raise _refused(error.text) from error
    if not keys[opened.kid].is_valid(head.at):
        raise BorderRefused("key-expired", KEY_EXPIRED)
    return head


def arriving(entering: Entering, packed: bytes) -> Arriving:
    """
    The envelopes of a batch, each its sender's, for this node, in sequence, and with the body it was signed for.

    Raises:
        BorderRefused: one of them is not, so none of them is taken.
    """
    head = entering.head
    if batch.digest_of(packed) != head.digest:
        raise BorderRefused("digest", DIGEST)
    try:
        lines = batch.unpack(packed, count=head.count)
    except NotABatch as error:
        raise _refused(error.text) from error
    public = entering.public
    sealed = [
        _envelope(entering, public, seq, signed, body) for seq, (signed, body) in enumerate(lines, start=head.first)
    ]
    return Arriving(
        peer=entering.peer.node,
        stream=head.stream,
        first=head.first,
        envelopes=sealed,
        digest=head.digest,
        placed=head.placed,
        sent_at=head.at,
    )


def _envelope(
    entering: Entering, public: Mapping[str, ec.EllipticCurvePublicKey], seq: int, signed: str, body: str
) -> Sealed:
    opened = _opened(signed, envelope.TYPE, public, MAX_ENVELOPE_CHARS)
    try:
        head = envelope.head_of(opened.payload)
    except NotAHead as error:
        raise malformed() from error
    if not entering.keys[opened.kid].is_valid(head.at):
        raise BorderRefused("key-expired", KEY_EXPIRED)
    if (head.origin, head.destination) != (entering.peer.node, entering.node):
        raise BorderRefused("destination", DESTINATION)
    if head.stream != entering.head.stream:
        raise BorderRefused("stream", STREAM)
    if head.seq != seq:
        raise malformed()
    if envelope.body_digest(body) != head.body:
        raise BorderRefused("digest", DIGEST)
    return Sealed(head, signed, body)


def _opened(signed: str, typ: str, keys: Mapping[str, ec.EllipticCurvePublicKey], max_chars: int) -> signing.Opened:
    try:
        return signing.open_sealed(signed, typ, keys, max_chars=max_chars)
    except NotSealed as error:
        if error.text.code in (signing.KEY.code, signing.SIGNATURE.code):
            raise BorderRefused("signature", SIGNATURE) from error
        raise malformed() from error


def _refused(text: Text) -> BorderRefused:
    return BorderRefused(text.code, text)
