"""What is killed in the proof `delivery`, always while alerts are being published."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from functools import partial

from hub.errors import Unavailable
from tests.proof.delivery_post import Post, until
from tests.proof.stage import Stage

VICTIMS = ("sender", "dispatcher", "stream", "sequencer", "gateway")
SERVICES = ("database", "broker")
THERE_S = 60.0  # until a process that was killed before runs again, and until half a share is published


def play(node: Stage, post: Post, rng: random.Random, *, events: int, kills: int) -> Counter[str]:
    """Publish everything, and kill on the way: amid a share of the events each. What was killed, and how often."""
    done: Counter[str] = Counter()
    acts = [*(VICTIMS[number % len(VICTIMS)] for number in range(kills - len(SERVICES))), *SERVICES]
    rng.shuffle(acts)
    share = events // (len(acts) + 1)
    for act in acts:
        until(partial(_runs, node, act), THERE_S, node)
        before = len(post.accepted)
        with post.publishing(share):
            until(partial(post.has, before + share // 2), THERE_S, node)
            done[act] += len(post.accepted) < before + share and _kill(node, act)
    post.many(events - len(post.accepted))
    return done


def _runs(node: Stage, act: str) -> bool:
    return _pid(node, act) is not None


def _kill(node: Stage, act: str) -> bool:
    """Whether it was there to be killed."""
    pid = _pid(node, act)
    if pid is None:
        return False
    if act == "database":
        node.restart_database()
    elif act == "broker":
        node.restart_broker()
    else:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
    return True


def _pid(node: Stage, act: str) -> int | None:
    """Its process, if it runs; of the two sequencers the one that leads."""
    if act in SERVICES:
        child = node.server.child if act == "database" else node.broker.child
        return child.pid if child.poll() is None else None
    if act != "sequencer":
        return node.fleet.pids().get(act)
    try:
        leader = node.leader()
    except Unavailable:
        return None
    return None if leader is None else leader[0]
