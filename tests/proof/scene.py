"""Everything that takes part in the proof `kills`: who publishes, who reads, what is done to the node meanwhile."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.proof.casework import Desk
from tests.proof.door import Door
from tests.proof.facts import Fact, Pace, facts
from tests.proof.faults import Faults, Plan, Signs
from tests.proof.meter import Meter
from tests.proof.posting import Poster, Reader, profile
from tests.proof.stage import Stage

POSTERS = 4
VICTIM, STEADY, ALERTS, READER = "us-ca-sdpd", "us-ca-sdso", "us-dc-desk", "us-ca-chp"
STEP_S = 0.1
TELL_S = 10.0
ENDING_S = 20.0


@dataclass(slots=True, kw_only=True)
class Scene:
    """The cast on its stage, and what is known of it."""

    node: Stage
    desks: Sequence[Desk]
    posters: Sequence[Poster]
    reader: Reader
    faults: Faults
    meter: Meter
    hard_stop_s: float
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def acknowledged(self) -> list[Fact]:
        """Every acknowledged event."""
        posted = [fact for poster in self.posters for fact in poster.acknowledged]
        return posted + [fact for desk in self.desks for fact in desk.acknowledged()]

    @property
    def planned(self) -> list[Fact]:
        """Everything that is to be published in all."""
        shares = [*(poster.share for poster in self.posters), *(desk.share for desk in self.desks)]
        return [fact for share in shares for fact in share]

    @property
    def is_over(self) -> bool:
        """Whether everything was done and has arrived everywhere."""
        published = all(not poster.is_alive() for poster in self.posters) and all(desk.is_done() for desk in self.desks)
        return self.faults.are_over and published and self.meter.is_through("log", "relay", "feed")

    def play(self) -> bool:
        """Let it all happen, faults once everything runs; whether it came to its end before the hard stop."""
        began_s = told_s = time.monotonic()
        is_running = False
        while not self.is_over:
            if not is_running and self.meter.has_begun() and all(desk.acknowledged() for desk in self.desks):
                is_running = True
                self.faults.begin()
            self._step()
            now_s = time.monotonic()
            if now_s - told_s >= TELL_S:
                told_s = now_s
                self._tell(now_s - began_s)
            if now_s > self.hard_stop_s:
                return False
            time.sleep(STEP_S)
        self._tell(time.monotonic() - began_s)
        return True

    def _step(self) -> None:
        """Start again what ended, publish what is due, do to the node what is due."""
        self.node.watch()
        for desk in self.desks:
            desk.watch()
        self.faults.step()

    def _tell(self, at_s: float) -> None:
        done = self.faults.kills + self.faults.restarts + Counter(pauses=len(self.faults.paused_fences))
        told = " ".join(f"{name} {count}" for name, count in done.items())
        print(f"{at_s:4.0f} s  {self.meter.counts()} | {told}", flush=True)

    def end_in_order(self) -> dict[str, float]:
        """Ask every process to end, all at once as an operator's Ctrl-C does; seconds until each had."""
        self.meter.stop()
        asked_s = time.monotonic()
        for pid in self._running().values():
            os.kill(pid, signal.SIGTERM)
        names = set(self._running())
        endings: dict[str, float] = {}
        while len(endings) < len(names) and time.monotonic() - asked_s < ENDING_S:
            for name in names - self._running().keys() - endings.keys():
                endings[name] = time.monotonic() - asked_s
            time.sleep(0.02)
        return dict.fromkeys(names, float("inf")) | endings

    def _running(self) -> dict[str, int]:
        kept = {f"connector-{desk.agency}": desk.connector.pid() for desk in self.desks}
        kept["standby"] = self.node.standby.pid()
        return {name: pid for name, pid in kept.items() if pid is not None} | self.node.fleet.pids()

    def stop(self) -> None:
        """End what the stage does not end."""
        self.stopping.set()
        for desk in self.desks:
            desk.connector.stop()
        self.meter.stop()


@contextmanager
def scene(node: Stage, plan: Plan, rng: random.Random) -> Iterator[Scene]:
    """Two desks with connectors, one of them out of reach of the token endpoint; posters; a reader; all at work."""
    pace = Pace(plan.last_s + 10)
    with ExitStack() as stack:
        door = Door(int(node.environment["PUENTE_GATEWAY_PORT"]))
        stack.callback(door.close)
        desks = _desks(node, plan, pace, door)
        stopping = threading.Event()
        posters = _posters(node, plan, pace, stopping)
        http, kafka = (sum(len(one.share) for one in several) for several in (posters, desks))
        reader = Reader(profile(node, READER, node.enrol(READER)), http + kafka, stopping.is_set)

        def posted() -> int:
            return sum(len(poster.acknowledged) for poster in posters)

        signs = Signs(
            asking=lambda: any(poster.is_asking for poster in posters), sending=desks[0].is_sending, done=posted
        )
        totals = {"http": http, "kafka": kafka, **dict.fromkeys(("log", "relay", "feed"), http + kafka)}
        made = Scene(
            node=node,
            desks=desks,
            posters=posters,
            reader=reader,
            faults=Faults(plan, node, victim=desks[0], door=door, signs=signs, rng=rng),
            meter=Meter(node.database_url, totals, {"http": posted, "feed": lambda: len(reader.seen)}),
            hard_stop_s=time.monotonic() + plan.hard_stop_s,
            stopping=stopping,
        )
        stack.callback(made.stop)
        for desk in desks:
            desk.connector.start()
        for thread in (*posters, reader, made.meter):
            thread.start()
        yield made


def _desks(node: Stage, plan: Plan, pace: Pace, door: Door) -> list[Desk]:
    """The first is killed again and again; the second goes on, and asks for its tokens through the door."""
    half = plan.events - plan.events // 2
    killed, subjects = half * 2 // 3, plan.subjects // 4
    behind = f"http://127.0.0.1:{door.port}/oauth/token"
    return [
        Desk(node, VICTIM, facts("case-sdpd", killed, subjects), pace, f"{node.gateway}/oauth/token"),
        Desk(node, STEADY, facts("case-sdso", half - killed, subjects), pace, behind),
    ]


def _posters(node: Stage, plan: Plan, pace: Pace, stopping: threading.Event) -> list[Poster]:
    who = profile(node, ALERTS, node.enrol(ALERTS))
    events, subjects = plan.events // 2 // POSTERS, plan.subjects // 2 // POSTERS
    shares = [facts(f"alert-{n}", events, subjects) for n in range(POSTERS)]
    return [Poster(who, share, pace, stopping.is_set) for share in shares]
