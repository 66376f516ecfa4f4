"""Who listens: those that neither the policy nor the filter can tell apart are one group, and are decided for once."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hub.entrance import joined
from hub.errors import TooMany, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.filters import Filter
    from hub.live.parts import Parts
    from hub.principal import Principal
    from hub.tokens import Claims

TRY_AGAIN_S = 30

EXPIRED, REVOKED, SLOW, RESTARTING = "token-expired", "revoked", "too-slow", "restarting"  # why a listener is ended


class Listener(ABC):
    """
    An open stream or a waiting poll.

    `seen`: everything up to this position has been dealt with, one by one, for this one; what its group was told since
    it joined is not counted here. `group` None: it does not listen, but reads by itself.
    `due_s`: when, by the monotonic clock, it must be looked after, though nothing has come for it.
    """

    __slots__ = ("claims", "due_s", "group", "seen", "wanted")

    is_sent = True  # gets the events themselves from the live loop, which therefore puts them on record

    def __init__(self, claims: Claims, wanted: Filter, seen: int) -> None:
        self.claims = claims
        self.wanted = wanted
        self.seen = seen
        self.group: Group | None = None
        self.due_s = math.inf

    @abstractmethod
    def take(self, position: int, text: bytes, at_s: float) -> bool:
        """Something has come for it, `at_s` by the monotonic clock; False: it cannot take any more."""

    @abstractmethod
    def fall_behind(self) -> None:
        """It must read for itself what comes behind what it has seen."""

    @abstractmethod
    def end(self, reason: str) -> None:
        """No more for it, and why."""

    @abstractmethod
    def reconsider(self) -> None:
        """The rules have changed: what is on its way to it and was decided on the earlier ones must not arrive."""


class Group:
    """
    Listeners alike. `members` know all that the live loop has told of; `boarding` ones are being brought that far, each
    from what it has seen; `newcomers` are of the next round.
    """

    __slots__ = ("boarding", "is_sent", "members", "newcomers", "principal", "wanted")

    def __init__(self, principal: Principal, wanted: Filter, *, is_sent: bool) -> None:
        self.principal = principal
        self.wanted = wanted
        self.is_sent = is_sent
        self.members: set[Listener] = set()
        self.boarding: set[Listener] = set()
        self.newcomers: set[Listener] = set()

    def begin(self, known: int) -> int:
        """A round begins: behind which position it is to be told; members know everything up to `known`."""
        self.boarding |= self.newcomers
        self.newcomers = set()
        since = [one.seen for one in self.boarding]
        return min([*since, known] if self.members else since, default=known)

    def hearers(self, position: int, known: int) -> tuple[Listener, ...]:
        """Who is to be told of what is at this position."""
        return (*self.members, *self.boarding) if position > known else tuple(self.boarding)

    def settle(self, last: int, *, is_all: bool) -> None:
        """They have been told up to `last`; `is_all`: of everything."""
        if is_all:
            self.members |= self.boarding
            self.boarding = set()
        for one in self.boarding:
            one.seen = max(one.seen, last)


class Audience:
    """
    Everybody who listens, in groups; of the event loop alone.

    `known`: the members of every group have been told of everything up to this position.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._groups: dict[tuple[Principal, Filter, bool], Group] = {}
        self._places: Counter[str] = Counter()
        self._taken = 0
        self.known = 0
        self.everybody: set[Listener] = set()

    @contextmanager
    def place(self, agency: str) -> Iterator[None]:
        """
        One of the connections that an agency may hold.

        Raises:
            TooMany: it holds as many as it may.
            Unavailable: there are as many as this process takes.
        """
        settings = self._parts.settings
        if self._places[agency] >= settings.most_per_agency:
            raise TooMany(TRY_AGAIN_S)
        if self._taken >= settings.most_streams:
            raise Unavailable
        self._places[agency] += 1
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._places[agency] -= 1
            if not self._places[agency]:
                del self._places[agency]

    def join(self, listener: Listener) -> bool:
        """It is told of what comes from the next round on, and before that of what it has not seen; whether it may."""
        asking = joined(listener.claims, self._parts.picture, self._parts.now())
        if asking is None:
            return False
        self._put(listener, asking.principal)
        return True

    def _put(self, listener: Listener, principal: Principal) -> None:
        key = principal, listener.wanted, listener.is_sent
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(principal, listener.wanted, is_sent=listener.is_sent)
        group.newcomers.add(listener)
        listener.group = group

    def leave(self, listener: Listener) -> None:
        """It is told nothing any more; what it has seen is from now on its own to know."""
        group = listener.group
        if group is None:
            return
        if listener in group.members:
            listener.seen = max(listener.seen, self.known)
        listener.group = None
        for those in (group.members, group.boarding, group.newcomers):
            those.discard(listener)
        if not group.members and not group.boarding and not group.newcomers:
            self._groups.pop((group.principal, group.wanted, group.is_sent), None)

    def groups(self) -> list[Group]:
        """All of them."""
        return list(self._groups.values())

    def move(self, listener: Listener, principal: Principal) -> None:
        """It asks as another principal now, and goes on where it was."""
        self.leave(listener)
        self._put(listener, principal)

    def fall_behind(self, group: Group, position: int) -> None:
        """From this position on each of them reads for itself."""
        for listener in (*group.members, *group.boarding):
            self.leave(listener)
            listener.seen = max(listener.seen, position)
            listener.fall_behind()

    def end(self, listener: Listener, reason: str) -> None:
        """No more for it: it goes on, if it comes back, behind what it has got up to now."""
        self.leave(listener)
        listener.end(reason)
