"""
Proof `delivery`: whatever is killed, nobody is skipped and nobody gets two events under one id; who is cut off gets
nothing more; and one bad receiver is nobody else's trouble.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx

from hub import main
from hub.directory import Standing
from hub.errors import Unavailable
from hub.principal import ANYWHERE, SCOPES
from hub.store import agencies, deliveries, subscriptions
from schemas import wire
from tests.proof.delivery_cast import Follower, Receiver, Receivers, broken, slow
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.stage import Stage, stage
from tests.proof.verdict import Run, Verdict
from tests.support import events
from tests.support.services import state_folder

LOGS = Path(".puente/proof/delivery")
SOURCE, CUT = "us-ca-sdpd", "us-ca-cut"
WELL = tuple(f"us-ca-well{number}" for number in range(6))
VICTIMS = ("sender", "dispatcher", "stream", "sequencer", "gateway")
SETTLED_S = 180.0
FILTER = (
    '{"changes": ["cancelled", "located", "new", "updated"], "jurisdictions": [], "own": false, "status": "actual",'
    ' "types": ["*"]}'
)
OF_AGENCIES = "SELECT id FROM subscription WHERE agency = ANY(%s)"
SUBSCRIBE = """
WITH made AS (
    INSERT INTO subscription (agency, name, channel, address, filter, language, desk, state, jurisdictions, created_by)
    VALUES (%s, 'proof', 'webhook', %s, %s, 'en', 'duty', 'enabled', ARRAY['US', 'MX'], 'proof') RETURNING id
)
INSERT INTO tally (subscription) SELECT id FROM made
"""


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
        _subscribe(node, [*well, *bad], receivers)
        post = Post(node)
        follower = Follower(f"{_stream(node)}/v1/stream", lambda: _token(node, WELL[0]))
        follower.start()
        follower.connected.wait(30)
        kills = _play(node, post, rng, events_=600 if run.quick else 10_000, kills=5 if run.quick else 20)
        settled = _until(
            lambda: _is_through(node, [one.name for one in well], post.accepted, follower), SETTLED_S, node
        )
        follower.stopping.set()
        books = _books(well, follower, post.accepted)
        calm, beside = _latencies(node, post, well, bad, run)
        cuts = _cuts(node, post, cut, receivers, rounds=3 if run.quick else 10)
    p99s = [_percentile(one, 0.99) for one in (calm, beside)]
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


def _subscribe(node: Stage, receivers: Sequence[Receiver], at: Receivers) -> None:
    with node.database() as conn:
        for one in receivers:
            conn.execute(SUBSCRIBE, (one.name, at.url(one), FILTER))


def _stream(node: Stage) -> str:
    return f"http://127.0.0.1:{node.environment['PUENTE_STREAM_PORT']}"


def _token(node: Stage, agency: str) -> str:
    claims = {
        "client_id": agency,
        "agency": agency,
        "jurisdictions": list(ANYWHERE),
        "scope": " ".join(SCOPES),
        "epoch": _epoch(node, agency),
    }
    return main.issuer(node.told).issue(claims, audience="us/api", ttl_s=300, at=datetime.now(UTC))


def _epoch(node: Stage, agency: str) -> int:
    try:
        with node.database() as conn:
            row = conn.execute("SELECT epoch FROM agency WHERE id = %s", (agency,)).fetchone()
    except Unavailable:
        return 1
    return int(str(row[0])) if row else 1


@dataclass(slots=True)
class Post:
    """Publishes until it is taken, whatever is being killed; `accepted`: the hub's ids, and when each was published."""

    node: Stage
    accepted: dict[str, float] = field(default_factory=dict)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self, client: httpx.Client) -> str:
        """One more urgent alert of its own subject."""
        with self._lock:
            self._number += 1
            name = f"delivery-{self._number:06d}"
        now = datetime.now(UTC)
        data = {"urgency": "Immediate", "expires": (now + timedelta(days=3)).isoformat(timespec="seconds")}
        raw = wire.encode(events.alert(id=name, subject=name, time=now.isoformat(timespec="milliseconds"), data=data))
        began_s = time.monotonic()
        while True:
            try:
                headers = {"Authorization": f"Bearer {_token(self.node, SOURCE)}", "Content-Type": "application/json"}
                answer = client.post(f"{self.node.gateway}/v1/events", content=raw, headers=headers)
                if answer.status_code in (200, 201):
                    self.accepted[answer.json()["id"]] = began_s
                    return str(answer.json()["id"])
                assert answer.status_code not in (400, 403, 409, 422), answer.text
            except httpx.HTTPError:
                pass
            time.sleep(0.1)

    def many(self, count: int) -> None:
        """So many, by four at once."""
        left = iter(range(count))

        def some() -> None:
            with httpx.Client(timeout=10) as client:
                while True:
                    with self._lock:
                        if next(left, None) is None:
                            return
                    self.one(client)

        threads = [threading.Thread(target=some, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)
                self.node.watch()


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


def _until(holds: Callable[[], bool], most_s: float, node: Stage) -> bool:
    end_s = time.monotonic() + most_s
    while time.monotonic() < end_s:
        if holds():
            return True
        node.watch()
        time.sleep(0.2)
    return False


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


def _latencies(
    node: Stage, post: Post, well: Sequence[Receiver], bad: Sequence[Receiver], run: Run
) -> tuple[list[float], list[float]]:
    """Seconds from publish to arrival at those that behave: without the bad ones, and beside them."""
    found: list[list[float]] = []
    for state in ("disabled", "enabled"):
        with node.database() as conn:
            for subscription in conn.execute(OF_AGENCIES, ([one.name for one in bad],)).fetchall():
                subscriptions.change(conn, UUID(str(subscription[0])), {"state": state})
                deliveries.withdraw(conn, UUID(str(subscription[0])))
        took: list[float] = []
        with httpx.Client(timeout=10) as client:
            for _ in range(60 if run.quick else 300):
                hub_id = post.one(client)
                _until(lambda hub_id=hub_id: all(_at(one, hub_id) for one in well), 20, node)  # type: ignore[misc]
                took += [_at(one, hub_id) - post.accepted[hub_id] for one in well]
        found.append(took)
    return found[0], found[1]


def _at(one: Receiver, hub_id: str) -> float:
    return next((got.at_s for got in reversed(one.got[-50:]) if got.event == hub_id), 0.0)


def _cuts(node: Stage, post: Post, cut: Receiver, receivers: Receivers, *, rounds: int) -> dict[str, object]:
    """With 200 streams and a full queue, the agency is suspended: when its last byte and its last webhook came."""
    last: list[float] = []
    after = 0
    cut.behave = _a_while
    _subscribe(node, [cut], receivers)
    for _ in range(rounds):
        _stand(node, Standing.ACTIVE)
        followers = [Follower(f"{_stream(node)}/v1/stream", lambda: _token(node, CUT), again=False) for _ in range(200)]
        threads = [one.start() for one in followers]
        _until(lambda: all(one.connected.is_set() for one in followers), 60, node)  # noqa: B023 - called at once
        post.many(60)
        cut_s = _stand(node, Standing.SUSPENDED)
        _until(lambda: not any(thread.is_alive() for thread in threads), 10, node)  # noqa: B023 - called at once
        time.sleep(2.5)
        ends = [one.last_byte_s - cut_s for one in followers if one.last_byte_s > cut_s]
        ends += [got.at_s - cut_s for got in cut.got if got.at_s > cut_s]
        last.append(max(ends, default=0.0))
        after += sum(each > 2.0 for each in ends)
    return {
        "cut_last_s_p50": f"{statistics.median(last):.2f}",
        "cut_last_s_p99": f"{_percentile(last, 0.99):.2f}",
        "after_the_cut": after,
        "cuts": rounds,
    }


def _a_while() -> int:
    time.sleep(0.2)
    return 204


def _stand(node: Stage, standing: Standing) -> float:
    with node.database() as conn:
        agencies.set_standing(conn, CUT, standing)
    return time.monotonic()


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
