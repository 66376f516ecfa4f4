"""Envelopes in the making: each sealed as the next of its way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from hub.border import envelope
from hub.border.envelope import Head, Kind, Sealed
from hub.store.departures import Departure, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID


@dataclass(slots=True)
class Sheaf:
    """What one round makes for one peer; `way` moves on with each envelope."""

    origin: str
    way: Way
    sign: Callable[[Mapping[str, Any], str], str]
    at: datetime
    most: int
    made: list[Departure] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether the round has made as many as it may."""
        return len(self.made) >= self.most

    @property
    def room(self) -> int:
        """How many more it may make."""
        return max(self.most - len(self.made), 0)

    def add(
        self, kind: Kind, body: Mapping[str, Any], *, event: UUID | None = None, projections: tuple[str, ...] = ()
    ) -> int:
        """Seal a body as the next envelope; its sequence."""
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
        head = Head(
            origin=self.origin,
            destination=self.way.peer,
            stream=self.way.stream,
            seq=self.way.seq + 1,
            previous=self.way.hash,
            kind=kind,
            body=envelope.body_digest(text),
            at=self.at,
        )
        sealed = Sealed(head, self.sign(head.payload, envelope.TYPE), text)
        self.made.append(Departure(sealed, event, projections))
        self.way = replace(self.way, seq=head.seq, hash=head.digest)
        return head.seq

    def come_to(self, *, position: int | None = None, leaf: int | None = None) -> None:
        """Note how far of our log, or of our audit, it has looked."""
        self.way = replace(
            self.way,
            position=self.way.position if position is None else position,
            leaf=self.way.leaf if leaf is None else leaf,
        )
