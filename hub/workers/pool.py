"""Connections in use and at rest: so few to each receiver that a slow one holds up itself alone."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hub.workers.wire import Unanswered

if TYPE_CHECKING:
    from hub.workers.dialing import Dialer, Place
    from hub.workers.wire import Answer, Wire

IDLE_S = 15.0  # many receivers close what is idle for longer, and a request would meet that
LOOK_S = 0.05  # how late a time that is over may be seen


class Gate:
    """
    So many may be inside; who comes later waits in turn.

    Where nobody waits nothing is awaited: `asyncio.Semaphore` costs ten times as much, for each request twice.
    """

    def __init__(self, most: int) -> None:
        self.free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    def enters(self) -> bool:
        """Come in at once, if that is possible."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def wait(self) -> None:
        """Come in when one of those that are inside leaves."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was given away in the same moment
                self.leave()
            raise

    def leave(self) -> None:
        """Give one's place to whoever has waited longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.free += 1


@dataclass(slots=True)
class _Lane:
    """All connections to one host and port."""

    gate: Gate
    users: int = 0  # those that have a place, and those that wait for one
    idle: list[Wire] = field(default_factory=list)  # the one used last at the end


class Pool:
    """Asks receivers, over at most `per_host` connections to one host and port and `most` altogether, idle ones too."""

    def __init__(self, dialer: Dialer, *, per_host: int, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._dialer = dialer
        self._per_host = per_host
        self._most = most
        self._gate = Gate(most)
        self._lanes: dict[str, _Lane] = {}  # by origin
        self._idle: dict[Wire, str] = {}  # and where they lead; the longest idle first
        self._open: set[Wire] = set()
        self._looking: asyncio.TimerHandle | None = None

    async def ask(self, place: Place, request: bytes, deadline: float) -> Answer:
        """
        Send a request when there is a place for it, and wait for the answer, all until `deadline` on the loop's clock.

        A request that a used connection ends upon without a word is sent once more, on a new one: the receiver had
        closed it while it was idle, or else gets the request twice and knows it by its id.

        Raises:
            TimeoutError: the time was over before the head of an answer was there.
            What `Dialer.connect` and `Wire.ask` raise.
        """
        lane = self._lane(place)
        lane.users += 1
        try:
            if not lane.gate.enters():
                await _in_time(lane.gate, deadline)
            try:
                if not self._gate.enters():
                    await _in_time(self._gate, deadline)
                try:
                    return await self._asked(lane, place, request, deadline)
                finally:
                    self._gate.leave()
            finally:
                lane.gate.leave()
        finally:
            lane.users -= 1
            self._tidy(place.origin)

    async def close(self) -> None:
        """End all connections."""
        if self._looking is not None:
            self._looking.cancel()
        for wire in self._open:
            wire.abort()
        if self._open:
            await asyncio.wait([wire.ended for wire in self._open])

    def _lane(self, place: Place) -> _Lane:
        lane = self._lanes.get(place.origin)
        if lane is None:
            lane = self._lanes[place.origin] = _Lane(Gate(self._per_host))
        return lane

    async def _asked(self, lane: _Lane, place: Place, request: bytes, deadline: float) -> Answer:
        wire = self._rested(lane)
        if wire is not None:
            try:
                return await self._asked_over(wire, place, request, deadline)
            except Unanswered:
                pass
        async with asyncio.timeout_at(deadline):
            self._make_room()
            wire = await self._dialer.connect(place)
        wire.ended.add_done_callback(partial(self._gone, wire))
        self._open.add(wire)
        if self._looking is None:
            self._looking = self._loop.call_later(LOOK_S, self._look)
        return await self._asked_over(wire, place, request, deadline)

    async def _asked_over(self, wire: Wire, place: Place, request: bytes, deadline: float) -> Answer:
        try:
            return await wire.ask(request, deadline)
        finally:
            if wire.is_free:
                self._rest(wire, place)

    def _rested(self, lane: _Lane) -> Wire | None:
        """The connection used last, for it is the likeliest to live."""
        if not lane.idle:
            return None
        wire = lane.idle.pop()
        del self._idle[wire]
        return wire

    def _rest(self, wire: Wire, place: Place) -> None:
        wire.until = self._loop.time() + IDLE_S
        self._idle[wire] = place.origin
        self._lanes[place.origin].idle.append(wire)

    def _look(self) -> None:
        """End what has no time left."""
        now = self._loop.time()
        for wire in self._open:
            if wire.until <= now:
                wire.late()
        self._looking = self._loop.call_later(LOOK_S, self._look) if self._open else None

    def _make_room(self) -> None:
        """For a new connection, which is inside already: with it and those at rest there are `most` and no more."""
        while len(self._idle) > self._gate.free:
            self._drop(next(iter(self._idle)))

    def _drop(self, wire: Wire) -> None:
        origin = self._idle.pop(wire)
        self._lanes[origin].idle.remove(wire)
        self._tidy(origin)
        wire.abort()

    def _gone(self, wire: Wire, _: object) -> None:
        self._open.discard(wire)
        if wire in self._idle:
            self._drop(wire)

    def _tidy(self, origin: str) -> None:
        lane = self._lanes[origin]
        if not lane.users and not lane.idle:
            del self._lanes[origin]


async def _in_time(gate: Gate, deadline: float) -> None:
    async with asyncio.timeout_at(deadline):
        await gate.wait()
