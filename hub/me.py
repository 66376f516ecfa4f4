"""Who am I, what may I see, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.grants import Grant
    from hub.reading import Asking


@dataclass(frozen=True, slots=True)
class Self:
    """The asking principal and the grants that name it as a reader, those not yet ended."""

    asking: Asking
    grants: tuple[Grant, ...]


def describe(asking: Asking) -> Self:
    """What the node knows about the caller; discloses no event."""
    reader = asking.principal.agency
    mine = [
        grant
        for grant in asking.view.rules.grants.grants
        if grant.reader.covers(reader) and asking.at < grant.valid_until
    ]
    return Self(asking, tuple(mine))
