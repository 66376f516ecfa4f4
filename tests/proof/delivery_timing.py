"""What the proof `delivery` times: how soon alerts come, alone and beside bad receivers, and how soon a cut is felt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from threading import Thread
from uuid import UUID

import httpx

from hub.directory import Standing
from hub.store import Connection, agencies, deliveries, subscriptions
from tests.proof.delivery_books import ARRIVES_S, CUT_S, STREAMS, Beside, Cut, Round, timed
from tests.proof.delivery_cast import Follower, Receiver, Receivers
from tests.proof.delivery_post import Post, stream_url, subscribe, token, until
from tests.proof.stage import Stage

CUT = "us-ca-cut"
OF_AGENCIES = "SELECT id FROM subscription WHERE agency = ANY(%s)"
WAITING = """
SELECT count(*) FROM delivery d JOIN subscription s ON s.id = d.subscription WHERE s.agency = %s AND d.state = 'due'
"""
NOBODY, GOOD, BAD = Beside
ORDER = (NOBODY, GOOD, BAD, BAD, GOOD, NOBODY, GOOD, NOBODY, BAD)  # none has always the later turn
LEAD = 16  # alerts before the timed ones of a round: by them bad receivers have as much under way as they may
QUIET_S = 60.0
TRIES = 3  # to have every stream open at a cut
HOLDS_S = 1.0  # of who is cut off, so that webhooks wait; below what counts as slow


def latencies(node: Stage, post: Post, well: Sequence[Receiver], bad: Sequence[Receiver], *, each: int) -> list[Round]:
    """Seconds from publish to arrival at those that behave, alone, beside two more, and beside these behaving badly."""
    ways = [one.behave for one in bad]
    found = []
    for beside in ORDER:
        began_quiet = until(lambda: _is_quiet(node, bad), QUIET_S, node)
        before = [one.calls for one in bad]
        for one, way in zip(bad, ways, strict=True):
            one.behave = way if beside is BAD else well[0].behave
        if beside is not NOBODY:
            _stands(node, bad, "enabled")
        post.many(LEAD)
        until(lambda: all(post.accepted.keys() <= one.arrived.keys() for one in well), ARRIVES_S, node)
        if beside is not NOBODY:
            until(partial(_are_called, bad, before), ARRIVES_S, node)
        took_s, never = timed(_one_by_one(node, post, well, each), well)
        calls = [one.calls - many for one, many in zip(bad, before, strict=True)]
        found.append(Round(beside=beside, began_quiet=began_quiet, took_s=took_s, never=never, calls=calls))
    return found


def _are_called(bad: Sequence[Receiver], before: Sequence[int]) -> bool:
    """Whether each of them has been called since then."""
    return all(one.calls > many for one, many in zip(bad, before, strict=True))


def _is_everywhere(event: str, well: Sequence[Receiver]) -> bool:
    return all(event in one.arrived for one in well)


def _is_quiet(node: Stage, bad: Sequence[Receiver]) -> bool:
    """Disable them; whether in a second after that none was called, and nothing is on its way to any."""
    _stands(node, bad, "disabled")
    before = [one.calls for one in bad]
    time.sleep(1.0)
    return before == [one.calls for one in bad] and not any(one.under_way for one in bad)


def _stands(node: Stage, receivers: Sequence[Receiver], state: str) -> None:
    """Put their subscriptions in this state; what waited for them is withdrawn."""
    with node.database() as conn:
        for row in conn.execute(OF_AGENCIES, ([one.name for one in receivers],)).fetchall():
            subscriptions.change(conn, UUID(str(row[0])), {"state": state})
            deliveries.withdraw(conn, UUID(str(row[0])))


def _one_by_one(node: Stage, post: Post, well: Sequence[Receiver], many: int) -> dict[str, float]:
    """When each was published; the next once one has come everywhere, and none after one that has not."""
    published: dict[str, float] = {}
    with httpx.Client(timeout=10) as client:
        for _ in range(many):
            event = post.one(client)
            published[event] = post.accepted[event]
            if not until(partial(_is_everywhere, event, well), ARRIVES_S, node):
                break
    return published


def cut_times(
    node: Stage, post: Post, cut: Receiver, other: Receiver, receivers: Receivers, *, rounds: int
) -> list[Cut]:
    """With 200 streams and a full queue, the agency is suspended; alerts go on meanwhile, and come to the `other`."""
    cut.behave = _a_while
    subscribe(node, [cut], receivers)
    return [_cut(node, post, cut, other) for _ in range(rounds)]


def _cut(node: Stage, post: Post, cut: Receiver, other: Receiver) -> Cut:
    with node.database() as conn:
        agencies.set_standing(conn, CUT, Standing.ACTIVE)
    followers = [Follower(f"{stream_url(node)}/v1/stream", lambda: token(node, CUT)) for _ in range(STREAMS)]
    threads = [one.start() for one in followers]
    _fill(node, post, followers)
    for one in followers:
        one.again = False
    ends = Counter(why for one in followers for why in one.ends)
    with node.database() as conn:
        streams = sum(one.is_open and bool(one.got) for one in followers)
        waiting = _waiting(conn)
        agencies.set_standing(conn, CUT, Standing.SUSPENDED)
    cut_s = time.monotonic()
    left_open = _go_on(node, post, other, threads, cut_s)
    for one in followers:
        one.stopping.set()
    came_s = [one.last_byte_s for one in followers] + [got.at_s for got in list(cut.got)]
    return Cut(
        streams=streams,
        ends_before=ends,
        waiting=waiting,
        ends_s=[at_s - cut_s for at_s in came_s if at_s > cut_s],
        left_open=left_open,
        others=sum(at_s > cut_s + CUT_S for at_s in list(other.arrived.values())),
    )


def _fill(node: Stage, post: Post, followers: Sequence[Follower]) -> None:
    """Until every stream is open and webhooks wait; a node that is late ends streams of itself, and they come again."""
    for _ in range(TRIES):
        until(lambda: all(one.is_open for one in followers), 60, node)
        post.many(60)
        if all(one.is_open for one in followers):
            return


def _go_on(node: Stage, post: Post, other: Receiver, threads: Sequence[Thread], cut_s: float) -> int:
    """Publish for longer than a cut may take, and wait for what may still come; how many streams are open then."""
    with httpx.Client(timeout=10) as client:
        while time.monotonic() < cut_s + CUT_S + 1.0:
            event = post.one(client)
            time.sleep(0.25)
    until(lambda: event in other.arrived, ARRIVES_S, node)
    until(lambda: not any(thread.is_alive() for thread in threads), 10, node)
    time.sleep(2 * HOLDS_S)  # what was being taken is kept by then
    return sum(thread.is_alive() for thread in threads)


def _waiting(conn: Connection) -> int:
    row = conn.execute(WAITING, (CUT,)).fetchone()
    return 0 if row is None else int(str(row[0]))


def _a_while() -> int:
    time.sleep(HOLDS_S)
    return 204
