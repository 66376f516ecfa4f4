"""Trust another node, renew that trust as its keys roll over, and end it: what a node's own machine decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hub import signing
from hub.border import anchor as anchors
from hub.border.anchor import Anchor, NotAnAnchor, fingerprint, is_fingerprint
from hub.errors import BorderRefused, Conflict, Invalid, NotVisible
from hub.signing import NotSealed
from hub.store import audit
from hub.store import peers as stored
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hub.border.anchor import BorderKey
    from hub.store import Connection
    from hub.store.peers import Peer

MOST_AHEAD = timedelta(minutes=5)  # a clock may be off by so much

UNSIGNED = Text(
    "the anchor is not signed by a key in it: {why}",
    "el ancla no está firmada por una clave suya: {why}",
    code="unsigned",
)
ENDED = Text("every key of the anchor has ended", "todas las claves del ancla han terminado", code="ended")
OUT_OF_TIME = Text(
    "the anchor was signed with a key that was not valid then",
    "el ancla se firmó con una clave que entonces no era válida",
    code="key-not-valid",
)
FROM_AHEAD = Text(
    "the anchor is from the future: compare the clocks", "el ancla viene del futuro: compare los relojes", code="ahead"
)
OWN = Text("this is the anchor of this node itself", "esta es el ancla de este mismo nodo")
OVERLAPS = Text("its agencies' prefix is that of node {node}", "el prefijo de sus agencias es el del nodo {node}")
ANOTHER_FINGERPRINT = Text(
    "the fingerprint is {found}, not the one that was told", "la huella es {found}, no la que se indicó"
)
CHANGED = Text(
    "node {node} is trusted already, and none of its pinned keys has signed this anchor",
    "ya se confía en el nodo {node}, y ninguna de sus claves fijadas ha firmado esta ancla",
)
OLDER = Text("a newer anchor of node {node} is pinned", "ya hay fijada un ancla más nueva del nodo {node}")
NOT_STOPPED = Text(
    "node {node} is not stopped; a removed one comes back by import",
    "el nodo {node} no está detenido; uno retirado vuelve con import",
)
REMOVED = Text("node {node} is removed already", "el nodo {node} ya está retirado")
ANOTHERS = Text("the anchor is of another node, prefix or country", "el ancla es de otro nodo, prefijo o país")


@dataclass(frozen=True, slots=True)
class Shown:
    """An anchor that is whole, and what to compare aloud before it is trusted."""

    anchor: Anchor
    signed: str
    kid: str

    @property
    def fingerprint(self) -> str:
        """In groups of four."""
        return fingerprint(self.anchor.node, self.anchor.prefix, self.kid)


def read(signed: str, at: datetime) -> Shown:
    """
    An anchor from a file.

    Raises:
        Invalid: it is none, its own keys did not sign it, or it is past or to come.
    """
    try:
        anchor = anchors.anchor_of(signing.claimed(signed, max_chars=anchors.MAX_CHARS))
    except NotSealed as error:
        raise Invalid((flaw("", UNSIGNED.format(why=error.text)),)) from error
    except NotAnAnchor as error:
        raise Invalid((flaw("", error.text),)) from error
    kid = _signer(signed, {key.kid: key for key in anchor.keys})
    signer = anchor.key(kid)
    if all(key.valid_until <= at for key in anchor.keys):
        raise Invalid((flaw("", ENDED),))
    if signer is None or not signer.is_valid(anchor.issued_at):
        raise Invalid((flaw("", OUT_OF_TIME),))
    if anchor.issued_at > at + MOST_AHEAD:
        raise Invalid((flaw("", FROM_AHEAD),))
    return Shown(anchor, signed, kid)


def trust(
    conn: Connection, node: str, shown: Shown, at: datetime, *, told: str | None = None, replace: bool = False
) -> Anchor:
    """
    Pin an anchor, whose fingerprint somebody has compared; `told` is the one that they heard.

    `replace`: also where a node that is trusted shows up with keys that none of its pinned ones vouches for.

    Raises:
        Conflict: it is this node's own, of agencies with a prefix of another's, not the one compared, or changed.
    """
    anchor = shown.anchor
    if anchor.node == node:
        raise Conflict(OWN)
    if told is not None and not is_fingerprint(told, shown.fingerprint):
        raise Conflict(ANOTHER_FINGERPRINT.format(found=shown.fingerprint))
    with conn.transaction():
        held = stored.locked(conn, anchor.node)
        _require_own_prefix(conn, node, anchor)
        if held is not None and held.state != "removed" and not replace:
            _require_vouched(conn, held, shown, at)
        stored.pin(conn, anchor, shown.signed)
        detail = {"peer": anchor.node, "kids": [key.kid for key in anchor.keys], "url": anchor.url, "replace": replace}
        audit.note(conn, node, "peer.import", detail)
    return anchor


def renew(conn: Connection, peer: str, anchor_jws: str, at: datetime) -> None:
    """
    Take the keys of an anchor that came in the stream; where the node is and who vouches for it does not change.

    One that was sealed before the pinned one was exported, and names no other keys, is taken and changes nothing.

    Raises:
        BorderRefused: `keys`: it is no anchor, of another node, older, or not signed by a key pinned and valid.
    """
    held = stored.locked(conn, peer)
    try:
        shown = read(anchor_jws, at)
        if held is None or (shown.anchor.node, shown.anchor.prefix) != (held.node, held.prefix):
            raise Conflict(ANOTHERS)
        if shown.anchor.country != held.country:
            raise Conflict(ANOTHERS)
        if _is_no_news(conn, held, shown):
            return
        _require_vouched(conn, held, shown, at)
    except Invalid as error:
        raise BorderRefused("keys", error.flaws[0].text) from error
    except Conflict as error:
        raise BorderRefused("keys", error.text) from error
    if anchor_jws != held.anchor:
        stored.renew(conn, shown.anchor, anchor_jws)


def remove(conn: Connection, node: str, peer: str, reason: str) -> None:
    """
    Trust a node no longer: nothing is sent, and nothing of it is taken. What crossed stays under its grants.

    Raises:
        NotVisible, Conflict: there is no such node, or it is removed already.
    """
    with conn.transaction():
        held = _locked(conn, peer)
        if held.state == "removed":
            raise Conflict(REMOVED.format(node=peer))
        stored.set_state(conn, peer, "removed", reason)
        audit.note(conn, node, "peer.remove", {"peer": peer, "reason": reason})


def stop(conn: Connection, node: str, peer: str, code: str) -> bool:
    """Leave a node alone until an operator has looked, because of `code`; False when it is not open anyway."""
    with conn.transaction():
        held = stored.locked(conn, peer)
        if held is None or held.state != "open":
            return False
        stored.set_state(conn, peer, "stopped", code)
        audit.note(conn, node, "peer.stop", {"peer": peer, "reason": code})
        return True


def resume(conn: Connection, node: str, peer: str, at: datetime) -> None:
    """
    Begin again with a node that was stopped: both directions from their beginning. What is known there stays known.

    Raises:
        NotVisible, Conflict: there is no such node, or it is not stopped.
    """
    with conn.transaction():
        held = _locked(conn, peer)
        if held.state != "stopped":
            raise Conflict(NOT_STOPPED.format(node=peer))
        stored.start_over(conn, peer, at)
        stored.set_state(conn, peer, "open", None)
        audit.note(conn, node, "peer.resume", {"peer": peer, "was": held.reason})


def show(conn: Connection, node: str, agency: str, *, is_shown: bool) -> bool:
    """
    Let the other side know of an agency, or not; whether that changed anything.

    Raises:
        NotVisible: no such agency is enrolled here.
    """
    with conn.transaction():
        changed = stored.show(conn, agency, is_shown=is_shown)
        if changed is None:
            raise NotVisible
        if changed:
            audit.note(conn, node, "peer.show" if is_shown else "peer.hide", {"agency": agency})
    return changed


def _locked(conn: Connection, peer: str) -> Peer:
    held = stored.locked(conn, peer)
    if held is None:
        raise NotVisible
    return held


def _signer(signed: str, keys: Mapping[str, BorderKey]) -> str:
    try:
        public = {kid: key.public for kid, key in keys.items()}
        return signing.open_sealed(signed, anchors.TYPE, public, max_chars=anchors.MAX_CHARS).kid
    except NotSealed as error:
        raise Invalid((flaw("", UNSIGNED.format(why=error.text)),)) from error


def _require_own_prefix(conn: Connection, node: str, anchor: Anchor) -> None:
    others = {f"{node}-": node} | {
        peer.prefix: peer.node for peer in stored.all_peers(conn) if peer.node != anchor.node
    }
    for prefix, other in others.items():
        if prefix.startswith(anchor.prefix) or anchor.prefix.startswith(prefix):
            raise Conflict(OVERLAPS.format(node=other))


def _is_no_news(conn: Connection, held: Peer, shown: Shown) -> bool:
    return _is_older(held, shown) and {key.kid for key in shown.anchor.keys} <= stored.keys_of(conn, held.node).keys()


def _is_older(held: Peer, shown: Shown) -> bool:
    pinned: int = signing.claimed(held.anchor, max_chars=anchors.MAX_CHARS)["iat"]
    return shown.anchor.issued_at.timestamp() < pinned


def _require_vouched(conn: Connection, held: Peer, shown: Shown, at: datetime) -> None:
    """The anchor is the pinned one, or a newer one that a pinned key, valid then and now, has signed."""
    if shown.signed == held.anchor:
        return
    signer = stored.keys_of(conn, held.node).get(shown.kid)
    if signer is None or not signer.is_valid(at) or not signer.is_valid(shown.anchor.issued_at):
        raise Conflict(CHANGED.format(node=held.node))
    if _is_older(held, shown):
        raise Conflict(OLDER.format(node=held.node))
