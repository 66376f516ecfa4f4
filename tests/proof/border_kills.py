"""Processes of both nodes are killed at random moments, under load: nothing is lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.proof.border_post import Post
from tests.proof.border_scene import Part, Scene
from tests.proof.border_stage import Stage

# `session`: one of the database's own processes, which takes all its sessions with it; `database`: the whole server,
# after which the node is started again.
TARGETS = ("border", "checkpoint", "gateway", "gateway-child", "session", "database")
AGAIN_S = 0.3
TRIES_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many kills within which time, and what is published meanwhile on each side."""

    kills: int
    length_s: float
    events: int


FULL = Plan(kills=30, length_s=240, events=1200)
QUICK = Plan(kills=6, length_s=45, events=200)


@dataclass(slots=True, kw_only=True)
class _Killing:
    stage: Stage
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def kill(self, post: Post, target: str) -> None:
        """Kill one process as soon as it is there."""
        until_s = time.monotonic() + TRIES_S
        while time.monotonic() < until_s:
            self.stage.watch()
            pid = self._pid(post, target)
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.done[f"{post.id}-{target}"] += 1
                    if target == "database":
                        post.restart()
                    return
            time.sleep(AGAIN_S)

    def _pid(self, post: Post, target: str) -> int | None:
        family = post.family(target.partition("-")[0] if target != "session" else "postgres")
        if target == "database":
            family = post.family("postgres")
        if target in ("gateway-child", "session"):
            return self.rng.choice(family[1:]) if family[1:] else None
        return family[0] if family else None


def kills(scene: Scene, plan: Plan, seed: int) -> Part:
    """Each target in turn, in a random order, at random moments and sides."""
    rng = random.Random(seed)  # noqa: S311 - moments, not secrets
    targets = [TARGETS[number % len(TARGETS)] for number in range(plan.kills)]
    rng.shuffle(targets)
    moments = sorted(rng.uniform(0, plan.length_s) for _ in targets)
    killing = _Killing(stage=scene.stage, rng=rng)

    def act() -> None:
        began_s = time.monotonic()
        for moment_s, target in zip(moments, targets, strict=True):
            while time.monotonic() - began_s < moment_s:
                scene.stage.watch()
                time.sleep(0.05)
            killing.kill(rng.choice(scene.stage.both), target)

    part = scene.fault("kills", plan.events, plan.length_s, act, is_gentle=False)
    part.require("all-kills", sum(killing.done.values()) == plan.kills)
    part.figures["kills"] = ",".join(f"{name}:{count}" for name, count in sorted(killing.done.items()))
    return part
