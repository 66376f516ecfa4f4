"""
Proof `delivery`: whatever is killed, nobody is skipped and nobody gets two events under one id; who is cut off gets
nothing more; and one bad receiver is nobody else's trouble.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hub.errors import Unavailable
from tests.proof.delivery_cast import Follower, Receiver, Receivers, broken, slow
from tests.proof.delivery_post import SOURCE, Post, stream_url, subscribe, token, until
from tests.proof.delivery_timing import CUT, cut_times, latencies, percentile
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.stage import Stage, stage
from tests.proof.verdict import Run, Verdict
from tests.support.services import state_folder

LOGS = Path(".puente/proof/delivery")
WELL = tuple(f"us-ca-well{number}" for number in range(6))
VICTIMS = ("sender", "dispatcher", "stream", "sequencer", "gateway")
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


def _prove(node: Stage, run: Run) -> Verdict:
    rng = random.Random(run.seed)  # noqa: S311 - moments, not secrets
    well = [Receiver(name) for name in WELL]
    bad = [Receiver("us-ca-slow", slow), Receiver("us-ca-broken", broken)]
    cut = Receiver(CUT)
    receivers = Receivers(*well, *bad, cut)
    for name in (SOURCE, *WELL, *(one.name for one in bad), CUT):
        node.enrol(name)
    with receivers.listening():
        subscribe(node, [*well, *bad], receivers)
        post = Post(node)
        follower = Follower(f"{stream_url(node)}/v1/stream", lambda: token(node, WELL[0]))
        follower.start()
        follower.connected.wait(30)
        kills = _play(node, post, rng, events_=600 if run.quick else 10_000, kills=5 if run.quick else 20)
        settled = until(lambda: _is_through(node, [one.name for one in well], post.accepted, follower), SETTLED_S, node)
        follower.stopping.set()
        books = _books(well, follower, post.accepted)
        calm, beside = latencies(node, post, well, bad, run)
        cuts = cut_times(node, post, cut, receivers, rounds=3 if run.quick else 10)
    p99s = [percentile(one, 0.99) for one in (calm, beside)]
    figures: dict[str, object] = {
        "events": len(post.accepted),
        "subscribers": len(well) + 1,
        **books,
        "kills": ",".join(f"{name}:{many}" for name, many in sorted(kills.items())),
        "settled": settled,
        "p99_ms": f"{1000 * p99s[0]:.0f}",
        "p99_beside_bad_ms": f"{1000 * p99s[1]:.0f}",
        **cuts,
    }
    empty = ("lost", "two_events_under_one_id", "holes", "stream_lost", "stream_doubled")
    done = {
        "everything-arrived": settled,
        "clean-books": not any(books[name] for name in empty),
        "cut-within-2-s": float(str(cuts["cut_last_s_p99"])) <= 2.0 and cuts["after_the_cut"] == 0,
        "bad-ones-isolated": p99s[1] <= 1.2 * p99s[0],
    }
    unmet = [name for name, is_met in done.items() if not is_met]
    return Verdict(held=not unmet, figures=figures | ({"unmet": ",".join(unmet)} if unmet else {}))


def _play(node: Stage, post: Post, rng: random.Random, *, events_: int, kills: int) -> dict[str, int]:
    """Publish everything, and kill on the way: at shares of the events, so that each kill finds some under way."""
    done: dict[str, int] = {}
    acts = [VICTIMS[number % len(VICTIMS)] for number in range(kills - 2)] + ["database", "broker"]
    rng.shuffle(acts)
    for act in acts:
        post.many(events_ // (len(acts) + 1))
        if act == "database":
            node.restart_database()
        elif act == "broker":
            node.restart_broker()
        else:
            pid = node.fleet.pids().get(act)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        done[act] = done.get(act, 0) + 1
    post.many(events_ - len(post.accepted))
    return done


def _is_through(node: Stage, names: Sequence[str], accepted: dict[str, float], follower: Follower) -> bool:
    try:
        with node.database() as conn:
            row = conn.execute(
                """
                SELECT count(*) FROM delivery d JOIN subscription s ON s.id = d.subscription
                 WHERE s.agency = ANY(%s) AND d.kind = 'event' AND d.state = 'delivered'
                """,
                (list(names),),
            ).fetchone()
    except Unavailable:
        return False
    return row is not None and int(str(row[0])) >= len(accepted) * len(names) and len(follower.got) >= len(accepted)


def _books(well: Sequence[Receiver], follower: Follower, accepted: dict[str, float]) -> dict[str, int]:
    """What came, against what was accepted."""
    sent = lost = doubled = two = holes = 0
    for one in well:
        by_message: dict[str, set[str]] = {}
        for got in one.got:
            by_message.setdefault(got.message, set()).add(got.event)
        sent += len(one.got)
        doubled += len(one.got) - len(by_message)
        two += sum(len(each) > 1 for each in by_message.values())
        lost += len(accepted.keys() - {got.event for got in one.got})
        seqs = {got.seq for got in one.got}
        holes += max(seqs, default=0) - len(seqs)
    return {
        "sent": sent,
        "delivered": sent - doubled,
        "doubled": doubled,
        "lost": lost,
        "two_events_under_one_id": two,
        "holes": holes,
        "stream_lost": len(accepted.keys() - set(follower.got)),
        "stream_doubled": len(follower.got) - len(set(follower.got)),
    }
