"""
Proof `delivery`: whatever is killed, nobody is skipped and nobody gets two events under one id; who is cut off gets
nothing more; and one bad receiver is nobody else's trouble.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.errors import Unavailable
from tests.proof.delivery_books import ARRIVES_S, Finding, books, cut, isolation
from tests.proof.delivery_cast import Follower, Receiver, Receivers, broken, slow
from tests.proof.delivery_kills import play
from tests.proof.delivery_post import SOURCE, Post, stream_url, subscribe, token, until
from tests.proof.delivery_timing import CUT, cut_times, latencies
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.stage import Stage, stage
from tests.proof.verdict import Run, Verdict
from tests.support.services import state_folder

LOGS = Path(".puente/proof/delivery")
WELL = tuple(f"us-ca-well{number}" for number in range(6))
SETTLED_S = 180.0


def delivery(run: Run) -> Verdict:
    """
    10,000 events to six webhooks and a stream while processes are killed 20 times; then cuts with everything full.

    Raises:
        NotRun: this machine lacks what it takes.
    """
    require_kafka()
    print(f"seed {run.seed}{' (short run)' if run.quick else ''}", flush=True)
    began_s = time.monotonic()
    told = {"PUENTE_DELIVERY_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
    told |= {"PUENTE_STREAM_MOST_PER_AGENCY": "300", "PUENTE_RATES_READS_PER_S": "100000"}
    with state_folder() as folder, _environment(told), stage(folder) as node:
        try:
            verdict = _prove(node, run)
        finally:
            keep_logs(folder, LOGS)
    figures = {**verdict.figures, "seed": run.seed, "duration_s": round(time.monotonic() - began_s)}
    return Verdict(held=verdict.held, figures=figures | ({"length": "SHORT"} if run.quick else {}))


@contextmanager
def _environment(told: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How much of everything: `timed` alerts in each round, with and without bad receivers."""

    events: int
    kills: int
    timed: int
    cuts: int


FULL = _Plan(events=10_000, kills=20, timed=100, cuts=10)
QUICK = _Plan(events=600, kills=5, timed=20, cuts=3)


def _prove(node: Stage, run: Run) -> Verdict:
    plan = QUICK if run.quick else FULL
    well = [Receiver(name) for name in WELL]
    bad = [Receiver("us-ca-slow", slow), Receiver("us-ca-broken", broken)]
    off = Receiver(CUT)
    receivers = Receivers(*well, *bad, off)
    for name in (SOURCE, *WELL, *(one.name for one in bad), CUT):
        node.enrol(name)
    with receivers.listening():
        subscribe(node, [*well, *bad], receivers)
        post = Post(node)
        found = [_killed(node, post, well, plan, run.seed)]
        found += [isolation(latencies(node, post, well, bad, each=plan.timed), timings=plan.timed * len(well))]
        found += [cut(cut_times(node, post, off, well[0], receivers, rounds=plan.cuts))]
        is_all = until(lambda: all(post.accepted.keys() <= one.arrived.keys() for one in well), ARRIVES_S, node)
        ends = {"all-accepted": len(post.accepted) == post.asked, "all-arrived-in-the-end": is_all}
        found += [Finding(figures={"alerts": post.asked}, kept=ends)]
    figures = {key: value for one in found for key, value in one.figures.items()}
    unmet = [name for one in found for name, is_kept in one.kept.items() if not is_kept]
    return Verdict(held=not unmet, figures=figures | ({"unmet": ",".join(unmet)} if unmet else {}))


def _killed(node: Stage, post: Post, well: Sequence[Receiver], plan: _Plan, seed: int) -> Finding:
    """Everything is published while processes are killed; then the books are made."""
    follower = Follower(f"{stream_url(node)}/v1/stream", lambda: token(node, WELL[0]))
    follower.start()
    is_connected = until(follower.connected.is_set, 30, node)
    rng = random.Random(seed)  # noqa: S311 - moments, not secrets
    kills = play(node, post, rng, events=plan.events, kills=plan.kills)
    settled = until(lambda: _is_through(node, post.accepted, follower), SETTLED_S, node)
    follower.stopping.set()
    found = books(well, _numbered(node), follower.got, post.accepted)
    figures = {
        "events": len(post.accepted),
        "subscribers": len(well) + 1,
        **found.figures,
        "kills": ",".join(f"{name}:{many}" for name, many in sorted(kills.items())),
        "settled": settled,
    }
    kept = {
        "stream-connected": is_connected,
        "all-kills-made": kills.total() == plan.kills,
        "everything-published": len(post.accepted) == plan.events,
        "everything-arrived": settled,
    }
    return Finding(figures=figures, kept={**kept, **found.kept})


def _is_through(node: Stage, accepted: Collection[str], follower: Follower) -> bool:
    """Whether each event is written down as delivered to each receiver that behaves, and has come by the stream."""
    try:
        with node.database() as conn:
            row = conn.execute(
                """
                SELECT count(DISTINCT (d.subscription, d.event))
                  FROM delivery d JOIN subscription s ON s.id = d.subscription
                 WHERE s.agency = ANY(%s) AND d.kind = 'event' AND d.state = 'delivered'
                """,
                (list(WELL),),
            ).fetchone()
    except Unavailable:
        return False
    return row is not None and int(str(row[0])) >= len(accepted) * len(WELL) and set(accepted) <= set(follower.got)


def _numbered(node: Stage) -> dict[str, int]:
    """How many numbers were given to each agency's subscription."""
    with node.database() as conn:
        rows = conn.execute(
            "SELECT s.agency, t.seq FROM tally t JOIN subscription s ON s.id = t.subscription"
        ).fetchall()
    return {str(agency): int(str(seq)) for agency, seq in rows}
