"""Which subscriptions of an agency are called, of those that it has at the moment, and by which ways."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.ladders import ways_to
from hub.store import subscriptions
from hub.subscribing import QUEUED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hub.ladders import Desks
    from hub.store import Connection
    from hub.subscribing import Subscription


@dataclass(frozen=True, slots=True)
class Called:
    """Who is told; `is_same_way`: others of the agency were told by each of these ways before, and it has no other."""

    subscriptions: tuple[Subscription, ...]
    is_same_way: bool

    @property
    def ways(self) -> list[str]:
        """For the record."""
        return sorted({str(one.channel) for one in self.subscriptions})


def calling(conn: Connection, agencies: Collection[str]) -> list[Subscription]:
    """What they are told by of what is real, right now; an exercise calls nobody."""
    return [one for one in subscriptions.calling(conn, agencies, QUEUED) if one.filter.status == "actual"]


def by_desk(held: Iterable[Subscription]) -> Desks:
    """The ways by which each desk is told."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in held:
        found[one.desk].add(str(one.channel))
    return {desk: frozenset(ways) for desk, ways in found.items()}


def call(desk: str, held: Sequence[Subscription], told: Desks) -> Called:
    """Whom a call of `desk` tells, of an agency that has `held` and of which those desks were `told` before."""
    desks = by_desk(held)
    ways, is_same_way = ways_to(desk, desks, told)
    beside = ways - desks.get(desk, frozenset())
    return Called(tuple(one for one in held if one.desk == desk or one.channel in beside), is_same_way)
