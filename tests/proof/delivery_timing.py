"""What the proof `delivery` times: how soon alerts come, alone and beside bad receivers, and how soon a cut is felt."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from uuid import UUID

import httpx

from hub.directory import Standing
from hub.store import agencies, deliveries, subscriptions
from tests.proof.delivery_cast import Follower, Receiver, Receivers
from tests.proof.delivery_post import Post, stream_url, subscribe, token, until
from tests.proof.stage import Stage
from tests.proof.verdict import Run

CUT = "us-ca-cut"
OF_AGENCIES = "SELECT id FROM subscription WHERE agency = ANY(%s)"


def latencies(
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
                until(lambda hub_id=hub_id: all(_at(one, hub_id) for one in well), 20, node)  # type: ignore[misc]
                took += [_at(one, hub_id) - post.accepted[hub_id] for one in well]
        found.append(took)
    return found[0], found[1]


def _at(one: Receiver, hub_id: str) -> float:
    return next((got.at_s for got in reversed(one.got[-50:]) if got.event == hub_id), 0.0)


def cut_times(node: Stage, post: Post, cut: Receiver, receivers: Receivers, *, rounds: int) -> dict[str, object]:
    """With 200 streams and a full queue, the agency is suspended: when its last byte and its last webhook came."""
    last: list[float] = []
    after = 0
    cut.behave = _a_while
    subscribe(node, [cut], receivers)
    for _ in range(rounds):
        _stand(node, Standing.ACTIVE)
        followers = [
            Follower(f"{stream_url(node)}/v1/stream", lambda: token(node, CUT), again=False) for _ in range(200)
        ]
        threads = [one.start() for one in followers]
        until(lambda: all(one.connected.is_set() for one in followers), 60, node)  # noqa: B023 - called at once
        post.many(60)
        cut_s = _stand(node, Standing.SUSPENDED)
        until(lambda: not any(thread.is_alive() for thread in threads), 10, node)  # noqa: B023 - called at once
        time.sleep(2.5)
        ends = [one.last_byte_s - cut_s for one in followers if one.last_byte_s > cut_s]
        ends += [got.at_s - cut_s for got in cut.got if got.at_s > cut_s]
        last.append(max(ends, default=0.0))
        after += sum(each > 2.0 for each in ends)
    return {
        "cut_last_s_p50": f"{statistics.median(last):.2f}",
        "cut_last_s_p99": f"{percentile(last, 0.99):.2f}",
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


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share (0 to 1) of them stays within; 0 of none."""
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
