"""What is done to the node, and when: kills, pauses, restarts and an outage, at moments drawn from a seed."""

from __future__ import annotations

import heapq
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hub.errors import Unavailable
from tests.proof.casework import Desk
from tests.proof.door import Door
from tests.proof.stage import Stage

TARGETS = ("connector", "ingest", "sequencer", "reconciler", "relay", "gateway")
AGAIN_S = 0.3  # what cannot be done now (its victim is only starting) is tried again
TAKEOVER_S = 20.0
AIM_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything. Times are seconds from the beginning; faults fall between `first_s` and `last_s`."""

    events: int
    subjects: int
    kills: int
    pauses: int
    outage_s: float
    first_s: float
    last_s: float
    hard_stop_s: float


FULL = Plan(
    events=10_000, subjects=200, kills=20, pauses=4, outage_s=600, first_s=10, last_s=620, hard_stop_s=900
)  # fmt: skip
QUICK = Plan(
    events=900, subjects=30, kills=2, pauses=1, outage_s=20, first_s=5, last_s=40, hard_stop_s=150
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """By which a moment is known at which a kill does most harm."""

    asking: Callable[[], bool]  # a publish over HTTP has no answer yet
    sending: Callable[[], bool]  # the connector has written down what is not acknowledged yet
    done: Callable[[], int]  # events acknowledged so far: when it grows, they are on their way through the node


@dataclass(order=True, slots=True)
class _Fault:
    at_s: float
    order: int
    act: Callable[[], bool] = field(compare=False)


class Faults:
    """The schedule, and what came of it; `step` does what is due."""

    def __init__(self, plan: Plan, stage: Stage, *, victim: Desk, door: Door, signs: Signs, rng: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self.restarts: Counter[str] = Counter()
        self.paused_fences: list[int] = []  # of leaders that woke when another had taken over
        self.parents = 0  # how many of the gateway's kills hit its parent process
        self.outage_s = 0.0
        self._stage = stage
        self._victim = victim
        self._door = door
        self._signs = signs
        self._rng = rng
        self._stopped: set[int] = set()  # sequencers that are paused now
        self._heap: list[_Fault] = []
        self._began_s = float("inf")
        self._lay(plan)

    def begin(self) -> None:
        """Let the schedule's time run from now on."""
        self._began_s = time.monotonic()

    def _lay(self, plan: Plan) -> None:
        span = (plan.first_s, plan.last_s)
        for target in TARGETS:
            for _ in range(plan.kills):
                self._add(self._rng.uniform(*span), lambda target=target: self._kill(target))  # type: ignore[misc]
        for _ in range(plan.pauses):
            self._add(self._rng.uniform(*span), self._pause)
        middle = (plan.first_s + plan.last_s) / 2
        self._add(self._rng.uniform(plan.first_s, middle), self._restart_broker)
        self._add(self._rng.uniform(middle, plan.last_s), self._restart_database)
        self._add(plan.first_s, lambda: self._shut(plan.outage_s))

    @property
    def are_over(self) -> bool:
        """Whether everything was done."""
        return not self._heap

    def step(self) -> None:
        """Do what is due; what cannot be done yet comes again."""
        now_s = time.monotonic() - self._began_s
        while self._heap and self._heap[0].at_s <= now_s:
            fault = heapq.heappop(self._heap)
            try:
                is_done = fault.act()
            except Unavailable:
                is_done = False
            if not is_done:
                self._add(now_s + AGAIN_S, fault.act)

    def _add(self, at_s: float, act: Callable[[], bool]) -> None:
        heapq.heappush(self._heap, _Fault(at_s, self._rng.randrange(2**30), act))

    def _later(self, wait_s: float, act: Callable[[], bool]) -> None:
        self._add(time.monotonic() - self._began_s + wait_s, act)

    def _kill(self, target: str) -> bool:
        self._aim(target)
        pid = self._pid(target)
        if pid is None or pid in self._stopped:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills[target] += 1
            return True
        return False

    def _aim(self, target: str) -> None:
        """Every other time, wait for the next moment at which there is something under way to break."""
        if self._rng.random() < 0.5:
            return
        done = self._signs.done()
        signs: dict[str, Callable[[], bool]] = {"gateway": self._signs.asking, "connector": self._signs.sending}
        has_come = signs.get(target, lambda: self._signs.done() > done)
        deadline = time.monotonic() + AIM_S
        while not has_come() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(self._rng.uniform(0, 0.01))

    def _pid(self, target: str) -> int | None:
        if target == "connector":
            return self._victim.connector.pid()
        if target == "sequencer":
            leader = self._stage.leader()
            return leader[0] if leader else None
        if target == "gateway":
            parent, workers = self._stage.gateway_processes()
            chosen = self._rng.choice([parent, *workers])
            self.parents += chosen is not None and chosen == parent
            return chosen
        return self._stage.fleet.pids().get(target)

    def _pause(self) -> bool:
        """Stop the leading sequencer, and let it go on only after another leads: it wakes late."""
        leader = self._stage.leader()
        if leader is None or self._stopped or len(self._stage.sequencers()) < 2:
            return False
        pid, fence = leader
        os.kill(pid, signal.SIGSTOP)
        self._stopped.add(pid)
        stopped_s = time.monotonic()
        wait_s = self._stage.told.workers.lease_ms / 1000 + self._rng.uniform(0.5, 4)
        self._later(wait_s, lambda: self._wake(pid, fence, stopped_s))
        return True

    def _wake(self, pid: int, fence: int, stopped_s: float) -> bool:
        leader = self._stage.leader()
        is_replaced = leader is not None and leader[1] > fence
        if not is_replaced and time.monotonic() - stopped_s < TAKEOVER_S:
            return False
        if is_replaced:
            self.paused_fences.append(fence)
        self._stopped.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        return True

    def _restart_broker(self) -> bool:
        self._stage.restart_broker()
        self.restarts["broker"] += 1
        return True

    def _restart_database(self) -> bool:
        self._stage.restart_database()
        self.restarts["database"] += 1
        return True

    def _shut(self, outage_s: float) -> bool:
        self._door.shut()
        shut_s = time.monotonic()
        self._later(outage_s, lambda: self._reopen(shut_s))
        return True

    def _reopen(self, shut_s: float) -> bool:
        self._door.open()
        self.outage_s = time.monotonic() - shut_s
        return True
