"""Connections in use and at rest: so few to each receiver that a slow one holds up itself alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hub.workers.wire import Unanswered

if TYPE_CHECKING:
    from hub.workers.dialing import Dialer, Place
    from hub.workers.wire import Answer, Wire

IDLE_S = 15.0  # many receivers close what is idle for longer, and a request would meet that


@dataclass(slots=True)
class _Lane:
    """All connections to one host and port."""

    places: asyncio.Semaphore
    users: int = 0  # those that have a place, and those that wait for one
    idle: list[Wire] = field(default_factory=list)  # the one used last at the end


class Pool:
    """Asks receivers, over at most `per_host` connections to one host and port and `most` altogether, idle ones too."""

    def __init__(self, dialer: Dialer, *, per_host: int, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._dialer = dialer
        self._per_host = per_host
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._busy = 0  # places taken
        self._lanes: dict[str, _Lane] = {}  # by origin
        self._idle: dict[Wire, tuple[Place, float]] = {}  # and since when; the longest idle first
        self._open: set[Wire] = set()
        self._sweeping: asyncio.TimerHandle | None = None

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
            await _take(lane.places, deadline)
            try:
                await _take(self._places, deadline)
                self._busy += 1
                try:
                    return await self._asked(lane, place, request, deadline)
                finally:
                    self._busy -= 1
                    self._places.release()
            finally:
                lane.places.release()
        finally:
            lane.users -= 1
            self._tidy(place)

    async def close(self) -> None:
        """End all connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for wire in self._open:
            wire.abort()
        if self._open:
            await asyncio.wait([wire.ended for wire in self._open])

    def _lane(self, place: Place) -> _Lane:
        lane = self._lanes.get(place.origin)
        if lane is None:
            lane = self._lanes[place.origin] = _Lane(asyncio.Semaphore(self._per_host))
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
        self._open.add(wire)
        wire.ended.add_done_callback(partial(self._gone, wire))
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
        self._idle[wire] = place, self._loop.time()
        self._lanes[place.origin].idle.append(wire)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_S, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long."""
        self._sweeping = None
        for wire, (_, since) in list(self._idle.items()):
            if since + IDLE_S > self._loop.time():
                self._sweeping = self._loop.call_at(since + IDLE_S, self._sweep)
                break
            self._drop(wire)

    def _make_room(self) -> None:
        """For a new connection, which has its place already."""
        while self._idle and self._busy + len(self._idle) > self._most:
            self._drop(next(iter(self._idle)))

    def _drop(self, wire: Wire) -> None:
        place, _ = self._idle.pop(wire)
        self._lanes[place.origin].idle.remove(wire)
        self._tidy(place)
        wire.abort()

    def _gone(self, wire: Wire, _: object) -> None:
        self._open.discard(wire)
        if wire in self._idle:
            self._drop(wire)

    def _tidy(self, place: Place) -> None:
        lane = self._lanes[place.origin]
        if not lane.users and not lane.idle:
            del self._lanes[place.origin]


async def _take(places: asyncio.Semaphore, deadline: float) -> None:
    if not places.locked():  # a timeout costs more than all the rest of this module
        await places.acquire()
        return
    async with asyncio.timeout_at(deadline):
        await places.acquire()
