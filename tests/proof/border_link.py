"""The link fails in every way that a link has, while both sides go on with their work."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from tests.proof.border_load import at_gateway, readable
from tests.proof.border_post import CHECKPOINT, Post
from tests.proof.border_scene import Part, Scene
from tests.proof.border_stage import Stage
from tests.proof.border_wire import CUT, DEAF, SLOW, WHOLE
from tests.proof.facts import Fact
from tests.support.waiting import until

FLAP_S = 5.0
ACTS_S = 60.0  # within which what was taken back is unreadable over there
LISTENING = "0A"  # proc(5), net/tcp
POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long each fault lasts, and what is published in the longest of them."""

    cut_s: float
    cut_events: int
    deaf_s: float
    slow_s: float
    flap_s: float

    @property
    def per_s(self) -> float:
        """Events a side and second, in every fault."""
        return self.cut_events / self.cut_s


FULL = Plan(cut_s=600, cut_events=5000, deaf_s=45, slow_s=60, flap_s=60)
QUICK = Plan(cut_s=20, cut_events=300, deaf_s=8, slow_s=15, flap_s=20)


def link(scene: Scene, plan: Plan) -> list[Part]:
    """One fault after the other."""
    wire = scene.stage.wire

    def deaf() -> None:
        for state in DEAF:
            wire.become(state)
            time.sleep(plan.deaf_s)

    def slow() -> None:
        wire.become(SLOW)
        time.sleep(plan.slow_s)

    def flap() -> None:
        until_s = time.monotonic() + plan.flap_s
        while time.monotonic() < until_s:
            for state in (CUT, WHOLE):
                wire.become(state)
                time.sleep(FLAP_S)

    faults: list[tuple[str, float, Callable[[], None]]] = [
        ("deaf", 2 * plan.deaf_s, deaf),
        ("slow", plan.slow_s, slow),
        ("flap", plan.flap_s, flap),
    ]
    parts = [_cut(scene, plan)]
    parts += [scene.fault(name, round(plan.per_s * length_s), length_s, act) for name, length_s, act in faults]
    return parts


@dataclass(slots=True, kw_only=True)
class _Taken:
    """What a node takes back while the link is cut: an alert, and the grant under which a warning crossed."""

    own: Post
    there: Post
    recalled: str
    warned: str

    def is_open(self) -> bool:
        """Whether the reader over there may read both."""
        return all(readable(self.there, each) for each in (self.recalled, self.warned))

    def take_back(self) -> None:
        """The alert is recalled, the grant ends."""
        at_gateway(self.own, self.own.poster, lambda gateway: gateway.recall(self.recalled, {"reason": "wrong-person"}))
        self.own.grant(self.there.country, with_warnings=False)


def _cut(scene: Scene, plan: Plan) -> Part:
    taken = [_given(scene, own, there) for own, there in scene.ways]
    for one in taken:
        until(one.is_open, within_s=ACTS_S, what=f"what {one.own.id} gives, at {one.there.id}")
    still_open: list[bool] = []
    acted_s: dict[str, float] = {}

    def act() -> None:
        scene.stage.wire.become(CUT)
        time.sleep(plan.cut_s / 2)
        for one in taken:
            one.take_back()
        time.sleep(plan.cut_s / 2)
        still_open.extend(one.is_open() for one in taken)

    def healing() -> None:
        healed_s = time.monotonic()
        waits = {f"recall-{one.own.id}": (one.there, one.recalled) for one in taken}
        waits |= {f"grant-{one.own.id}": (one.there, one.warned) for one in taken}
        while waits and time.monotonic() - healed_s < 2 * ACTS_S:
            for name, (there, hub_id) in list(waits.items()):
                if readable(there, hub_id) is False:
                    acted_s[name] = time.monotonic() - healed_s
                    del waits[name]
            time.sleep(POLL_S)

    part = scene.fault("cut", plan.cut_events, plan.cut_s, act, healing)
    part.require("cut-was-a-cut", still_open == [True, True])
    part.require("taken-back", len(acted_s) == 4 and max(acted_s.values()) < ACTS_S)
    part.figures["acts_s"] = ",".join(f"{name}:{s:.1f}" for name, s in acted_s.items())
    print(f"  taken back over there after {part.figures['acts_s']} s", flush=True)
    return part


def _given(scene: Scene, own: Post, there: Post) -> _Taken:
    writer = scene.writers[own.id]
    alert = writer.alert("issued", Fact(f"recall-{own.id}", 1), is_released=True)
    warning = writer.warning(f"warning-{own.id}")

    def publish(event: object) -> str:
        return str(at_gateway(own, own.poster, lambda gateway: gateway.publish(orjson.dumps(event)).id))

    return _Taken(own=own, there=there, recalled=publish(alert), warned=publish(warning))


def unreachable(stage: Stage) -> Part:
    """Over the wire nothing of a node can be reached but its checkpoint; Kafka least of all."""
    part = Part()
    tried = 0
    for own, there in stage.ways:
        ports = _listening(there)
        kafka = int(there.running["PUENTE_KAFKA_BOOTSTRAP"].rpartition(":")[2])
        part.require(f"{there.id}-kafka-listens", kafka in ports)
        reached = own.inside(partial(_reached, there.address, ports))
        part.require(f"{there.id}-reached:{reached}", reached == [CHECKPOINT])
        tried += len(ports)
    part.figures["ports_tried"] = tried
    return part


def _reached(host: str, ports: Iterable[int]) -> list[int]:
    return [port for port in sorted(ports) if _connects(host, port)]


def _listening(post: Post) -> set[int]:
    found: set[int] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{post.keeper.pid()}/net/{table}").read_text("ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING:
                found.add(int(words[1].rpartition(":")[2], 16))
    return found


def _connects(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=3):
        return True
    return False
