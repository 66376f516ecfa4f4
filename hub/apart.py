"""What consents of another node open of its events to one reader here, kept apart: whether it may be shown now. Pure.

It is shown only while the policy here gives the reader the projection that it widens, for the purposes that were
consented to, and only while we know how things stand at the origin: behind a link that is down nobody hears that a
consent was withdrawn. Otherwise the reader gets what it would get without the consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from hub.policy import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is kept here of it for one reader; `age_s`: how old our knowledge of the origin is, None for none at all."""

    event: UUID
    consents: tuple[str, ...]
    purposes: tuple[str, ...]
    projection: str
    text: str
    valid_until: datetime
    fresh_s: int
    age_s: float | None
    is_open: bool

    @property
    def consent(self) -> str:
        """The consents, as a disclosure entry names them."""
        return "+".join(self.consents)

    def may_be_shown(self, projection: str, decision: Decision, at: datetime) -> bool:
        """Whether the reader gets it in place of this projection, which its decision gives it."""
        return (
            self.is_open
            and self.age_s is not None
            and self.age_s <= self.fresh_s
            and at < self.valid_until
            and projection == self.projection
            and decision.is_allowed
            and decision.protected_for.issuperset(self.purposes)
        )


def best(held: Iterable[Held], projection: str, decision: Decision, at: datetime) -> Held | None:
    """Of what may be shown in place of a projection, what most consents open."""
    shown = (one for one in held if one.may_be_shown(projection, decision, at))
    return max(shown, key=lambda one: (len(one.consents), one.consents), default=None)
