"""
Which alert a message belongs to: the root of its chain of references, as far as this connector has seen the chain.

An update that arrives before what it refers to gets the subject that its oldest reference would have, which is right
whenever that one is the root. It waits; when the missing message arrives, whatever changed is published again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from connectors.cap import kinds
from connectors.cap.identity import Identity

MAX_WAITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a message stands."""

    subject: str  # event id of the root
    kind: str  # of the whole chain: "missing_child" or "warning"
    is_dangling: bool = False  # nothing it refers to has been seen
    waits: tuple[str, ...] = ()  # event ids whose arrival may move it

    @property
    def digest_part(self) -> str:
        """What of it shows in the event, to tell whether a message must be published again."""
        return f"{self.subject} {self.kind} {'dangling' if self.is_dangling else 'joined'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is remembered of one message."""

    placement: Placement
    sent: str  # UTC, to order by
    sha256: str  # of the bytes it came in, under which the original is kept
    content: str  # digest of what it says, whatever the bytes

    def dumps(self) -> str:
        """As a mark of the journal."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> Link:
        """From a mark of the journal."""
        raw = json.loads(text)
        placement = raw.pop("placement")
        return cls(placement=Placement(**{**placement, "waits": tuple(placement["waits"])}), **raw)


Lookup = Callable[[str], Link | None]  # by event id


def place(identity: Identity, earlier: Sequence[Identity], *, kind: str, is_first: bool, seen: Lookup) -> Placement:
    """
    Place one message.

    Args:
        earlier: its references.
        kind: what the message itself says it is about.
        is_first: an Alert; its references are followed if known and not missed otherwise.
        seen: what is remembered of a message, or None.
    """
    others = sorted((one for one in earlier if one != identity), key=lambda one: (one.sent, one.id))
    for other in others:
        link = seen(other.id)
        if link is not None:
            known = link.placement
            return Placement(subject=known.subject, kind=_joined(kind, known.kind), waits=known.waits)
    if is_first or not others:
        return Placement(subject=identity.id, kind=kind)
    waits = tuple(one.id for one in others[:MAX_WAITS])
    return Placement(subject=others[0].id, kind=kind, is_dangling=True, waits=waits)


def _joined(own: str, chain: str) -> str:
    """A Cancel seldom repeats the event code of what it cancels."""
    return kinds.MISSING_CHILD if kinds.MISSING_CHILD in (own, chain) else own
