"""Proof `kills`: whatever is killed, paused or away, an acknowledged event is everywhere once, and in order."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.errors import EmbeddedError
from hub.embedded.install import kafka_jars
from tests.proof import ledger
from tests.proof.casework import Desk
from tests.proof.door import Door
from tests.proof.facts import Fact, Pace, closes, facts, last_of_each
from tests.proof.faults import FULL, QUICK, TARGETS, Faults, Plan
from tests.proof.meter import Meter
from tests.proof.posting import Poster, Reader, profile, read_feed
from tests.proof.stage import Stage, stage
from tests.proof.verdict import NotRun, Run, Verdict
from tests.support.services import state_folder

POSTERS = 4
VICTIM, STEADY, ALERTS, READER = "us-ca-sdpd", "us-ca-sdso", "us-dc-desk", "us-ca-chp"
STEP_S = 0.1
TELL_S = 10.0
ORDERLY_S = 5.0  # an orderly end takes no longer, for any process
LOGS = Path(".puente/proof/kills")


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything that takes part, and what is known of it."""

    node: Stage
    desks: Sequence[Desk]
    posters: Sequence[Poster]
    reader: Reader
    faults: Faults
    meter: Meter
    hard_stop_s: float
    stopping: bool = False

    @property
    def expected(self) -> list[Fact]:
        """Every acknowledged event."""
        posted = [fact for poster in self.posters for fact in poster.acknowledged]
        return posted + [fact for desk in self.desks for fact in desk.acknowledged()]

    def step(self) -> None:
        """Start again what ended, publish what is due, do to the node what is due."""
        self.node.watch()
        for desk in self.desks:
            desk.watch()
        self.faults.step()

    @property
    def published(self) -> list[Fact]:
        """Everything that is to be published in all."""
        shares = [*(poster.share for poster in self.posters), *(desk.share for desk in self.desks)]
        return [fact for share in shares for fact in share]

    @property
    def is_over(self) -> bool:
        """Everything was done and has arrived everywhere."""
        published = all(not poster.is_alive() for poster in self.posters) and all(desk.is_done() for desk in self.desks)
        return self.faults.are_over and published and self.meter.is_through("log", "relay", "feed")


def kills(run: Run) -> Verdict:
    """
    10,000 events while every process is killed 20 times, and more (see `tests.proof.faults`).

    Raises:
        NotRun: this machine lacks what it takes.
    """
    plan = QUICK if run.quick else FULL
    if not sys.platform.startswith("linux"):
        raise NotRun("it looks up the gateway's workers in /proc, which is there on Linux only")
    try:
        kafka_jars()
    except EmbeddedError as error:
        raise NotRun(str(error)) from error
    print(f"seed {run.seed}{' (short run)' if run.quick else ''}", flush=True)
    began_s = time.monotonic()
    with state_folder() as folder, stage(folder) as node:
        held = False
        try:
            verdict = _prove(node, plan, run)
            held = verdict.held
        finally:
            if not held:
                _keep_logs(folder)
    figures = {**verdict.figures, "seed": run.seed, "duration_s": round(time.monotonic() - began_s)}
    return Verdict(held=verdict.held, figures=figures | ({"length": "SHORT"} if run.quick else {}))


def _prove(node: Stage, plan: Plan, run: Run) -> Verdict:
    with _scene(node, plan, random.Random(run.seed)) as scene:  # noqa: S311 - moments, not secrets
        is_through = _play(scene)
        expected = scene.expected
        entries = [*_entries_while_up(scene, expected)]
        endings = _end_in_order(scene)
        with node.database() as conn:
            entries += ledger.in_database(conn, expected)
            last = last_of_each(scene.published)
            ended = {fact.subject for fact in expected if closes(fact, last[fact.subject])}
            others = {
                "gaps": ledger.gaps(conn),
                "wrong_states": ledger.wrong_states(conn, last_of_each(expected), ended),
                **ledger.unfinished(conn),
                "orphans": scene.node.leftovers(),
            }
        entries += ledger.in_topics(node.login(), node.told.kafka.topic_prefix, expected)
        return _judge(scene, plan, entries, others, endings, is_through=is_through)


@contextmanager
def _scene(node: Stage, plan: Plan, rng: random.Random) -> Iterator[Scene]:
    with ExitStack() as stack:
        door = Door(int(node.environment["PUENTE_GATEWAY_PORT"]))
        stack.callback(door.close)
        halves = {ALERTS: plan.events // 2, VICTIM: plan.events // 3}
        halves[STEADY] = plan.events - sum(halves.values())
        keys = {agency: node.enrol(agency) for agency in (ALERTS, READER)}
        pace = Pace(plan.last_s + 10)
        endpoint = f"{node.gateway}/oauth/token"
        behind_door = f"http://127.0.0.1:{door.port}/oauth/token"
        sheets = plan.subjects // 4
        victim = Desk(node, VICTIM, facts("case-sdpd", halves[VICTIM], sheets), pace, endpoint)
        steady = Desk(node, STEADY, facts("case-sdso", halves[STEADY], sheets), pace, behind_door)
        scene: Scene
        told_to_stop = lambda: scene.stopping  # noqa: E731 - the threads need it before the scene is whole
        shares = [facts(f"alert-{n}", halves[ALERTS] // POSTERS, plan.subjects // 2 // POSTERS) for n in range(POSTERS)]
        posters = [Poster(profile(node, ALERTS, keys[ALERTS]), share, pace, told_to_stop) for share in shares]
        total = sum(map(len, shares)) + len(victim.share) + len(steady.share)
        reader = Reader(profile(node, READER, keys[READER]), total, told_to_stop)
        totals = {"http": sum(map(len, shares)), "kafka": len(victim.share) + len(steady.share)}
        totals |= dict.fromkeys(("log", "relay", "feed"), total)
        counts = {
            "http": lambda: sum(len(poster.acknowledged) for poster in posters),
            "feed": lambda: len(reader.seen),
        }
        meter = Meter(node.database_url, totals, counts)
        scene = Scene(
            node=node,
            desks=(victim, steady),
            posters=posters,
            reader=reader,
            faults=Faults(plan, node, victim, door, rng),
            meter=meter,
            hard_stop_s=time.monotonic() + plan.hard_stop_s,
        )
        stack.callback(_stop_all, scene)
        for desk in scene.desks:
            desk.connector.start()
        for thread in (*posters, reader, meter):
            thread.start()
        yield scene


def _stop_all(scene: Scene) -> None:
    scene.stopping = True
    for desk in scene.desks:
        desk.connector.stop()
    scene.meter.stop()


def _play(scene: Scene) -> bool:
    """Let it all happen, once everything runs; whether it came to its end before the hard stop."""
    began_s = told_s = time.monotonic()
    is_running = False
    while not scene.is_over:
        if not is_running and scene.meter.has_begun() and all(desk.acknowledged() for desk in scene.desks):
            is_running = True
            scene.faults.begin()
        scene.step()
        now_s = time.monotonic()
        if now_s - told_s >= TELL_S:
            told_s = now_s
            _tell(scene, now_s - began_s)
        if now_s > scene.hard_stop_s:
            return False
        time.sleep(STEP_S)
    _tell(scene, time.monotonic() - began_s)
    return True


def _tell(scene: Scene, at_s: float) -> None:
    done = scene.faults.kills + scene.faults.restarts + Counter(pauses=len(scene.faults.paused_fences))
    told = " ".join(f"{name} {count}" for name, count in done.items())
    print(f"{at_s:4.0f} s  {scene.meter.counts()} | {told}", flush=True)


def _entries_while_up(scene: Scene, expected: Sequence[Fact]) -> Iterator[ledger.Entry]:
    scene.reader.join(5)
    yield ledger.compare("feed-live", expected, scene.reader.seen)
    who = scene.reader.who
    yield ledger.compare("feed-again", expected, list(read_feed(who)))


def _end_in_order(scene: Scene) -> dict[str, float]:
    """Ask every process to end, all at once as an operator's Ctrl-C does; seconds until each had."""
    scene.meter.stop()
    running = {f"connector-{n}": desk.connector.pid() for n, desk in enumerate(scene.desks)}
    running |= {"standby": scene.node.standby.pid(), **scene.node.fleet.pids()}
    asked_s = time.monotonic()
    for pid in filter(None, running.values()):
        os.kill(pid, signal.SIGTERM)
    endings: dict[str, float] = {}
    while running and time.monotonic() - asked_s < 4 * ORDERLY_S:
        alive = set(scene.node.fleet.pids()) | ({"standby"} if not scene.node.standby.ended() else set())
        alive |= {f"connector-{n}" for n, desk in enumerate(scene.desks) if not desk.connector.ended()}
        for name in [name for name in running if name not in alive]:
            endings[name] = time.monotonic() - asked_s
            del running[name]
        time.sleep(0.02)
    return endings | dict.fromkeys(running, float("inf"))


def _judge(
    scene: Scene,
    plan: Plan,
    entries: Sequence[ledger.Entry],
    others: Mapping[str, int],
    endings: Mapping[str, float],
    *,
    is_through: bool,
) -> Verdict:
    faults = scene.faults
    for entry in entries:
        print(entry, flush=True)
    refused = [line for poster in scene.posters for line in poster.refused]
    print("refused:", refused[:5], "ends:", {name: round(s, 1) for name, s in endings.items()}, flush=True)
    done = {
        "all": is_through and sorted(scene.expected) == sorted(scene.published),
        "kills": all(faults.kills[target] >= plan.kills for target in TARGETS),
        "pauses": len(faults.paused_fences) >= min(3, plan.pauses),
        "clean": all(entry.is_clean for entry in entries) and not refused and not any(others.values()),
        "orderly": max(endings.values()) < ORDERLY_S,
    }
    figures: dict[str, object] = {
        "events": len(scene.expected),
        "lost": sum(entry.lost + entry.foreign for entry in entries),
        "doubled": sum(entry.doubled for entry in entries),
        "misordered": sum(entry.misordered for entry in entries),
        **others,
        "kills": ",".join(f"{target}:{faults.kills[target]}" for target in TARGETS),
        "gateway_parents": faults.parents,
        "late_wakes": len(faults.paused_fences),
        "restarts": ",".join(f"{name}:{count}" for name, count in faults.restarts.items()),
        "token_outage_s": round(faults.outage_s),
        "http_repeats": sum(poster.repeats for poster in scene.posters),
        "longest_stall_s": ",".join(f"{name}:{s}" for name, s in scene.meter.stalls().items()),
        "slowest_end_s": f"{max(endings, key=endings.__getitem__)}:{max(endings.values()):.1f}",
    }
    unmet = [name for name, is_met in done.items() if not is_met]
    return Verdict(held=not unmet, figures=figures | ({"unmet": ",".join(unmet)} if unmet else {}))


def _keep_logs(folder: Path) -> None:
    shutil.rmtree(LOGS, ignore_errors=True)
    for log in (log for log in folder.rglob("*.log") if "kafka/data" not in str(log)):
        kept = LOGS / str(log.relative_to(folder)).replace("/", "_")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, kept)
    print(f"logs kept in {LOGS}", flush=True)
