"""Tell a peer of a new key of ours in the stream, signed with one that it knows, and hear that it has taken it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from hub import signing
from hub.border import anchor as anchors
from hub.border.envelope import Kind
from hub.sheaf import Sheaf
from hub.store import departures, told
from hub.store import peers as stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hub.border.envelope import Sealed
    from hub.border.receipt import Receipt
    from hub.departures import Sender
    from hub.store import Connection

SENT = "sent"  # what the note of the anchor last sent is called, among those of keys that are known


@dataclass(frozen=True, slots=True)
class OwnAnchor:
    """What this node is; `digest` changes with its keys alone."""

    digest: bytes
    anchor: anchors.Anchor


def tell_keys(conn: Connection, sender: Sender, peer: str, own: OwnAnchor, at: datetime) -> bool:
    """Seal the anchor as the next envelope to a peer, unless it was sent with these keys already."""
    if told.sent_rules(conn, peer, "keys").get(SENT) == own.digest:
        return False
    with conn.transaction():
        way = departures.lock(conn, peer)
        if way is None or way.state != "open":
            return False
        sheaf = Sheaf(sender.node, way, sender.sign, at, 1)
        sheaf.add(Kind.KEYS, {"anchor": sender.sign(own.anchor.payload, anchors.TYPE)})
        departures.add(conn, peer, sheaf.made)
        departures.move(conn, sheaf.way)
        told.put_sent_rules(conn, peer, "keys", {SENT: own.digest})
    return True


def note_taken(conn: Connection, peer: str, sent: Sequence[Sealed], receipt: Receipt) -> bool:
    """Whether the peer has taken keys of ours that it was sent: from now on they may be signed with."""
    applied = {outcome.seq for outcome in receipt.outcomes if outcome.outcome == "applied"}
    anchored = [one for one in sent if one.head.kind is Kind.KEYS and one.head.seq in applied]
    for one in anchored:
        payload = signing.claimed(orjson.loads(one.body)["anchor"], max_chars=anchors.MAX_CHARS)
        stored.note_known(conn, peer, [key["kid"] for key in payload["keys"]])
    return bool(anchored)
