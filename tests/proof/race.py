"""200 readers who never stop asking, while the grant they all read under is revoked and given again."""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from hub.directory import Agency
from tests.benchmark.load import Connection, request
from tests.benchmark.node import Node, until
from tests.benchmark.report import percentile

READERS = 200
ROUNDS = 25
MOST_S = 2.0
LOOK_S = 3.0  # how long a revocation is watched at least
GRANT = "grant-0"


class Crowd(threading.Thread):
    """The readers, each on a connection of its own, in one thread that does nothing but send and receive."""

    def __init__(self, node: Node, agencies: Sequence[Agency], marker: bytes) -> None:
        """`marker` is in every page that holds an event, and in no empty one."""
        super().__init__(name="crowd", daemon=True)
        self.stopping = threading.Event()
        self.answers = 0
        self.failures: list[str] = []
        # By reader: when it last got an event, and when its last empty page came, on the monotonic clock.
        self.seen_s = [0.0] * len(agencies)
        self.empty_s = [0.0] * len(agencies)
        self._node = node
        self._agencies = agencies
        self._marker = marker

    def wait(self, answers: str, since_s: float) -> None:
        """Until every reader has had an answer of this sort since then."""

        def have() -> bool:
            return not self.is_alive() or all(at_s > since_s for at_s in getattr(self, answers))

        until(have, what=answers, wait_s=60)

    def run(self) -> None:
        """Ask, and ask again as soon as an answer has come."""
        try:
            self._run()
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}")

    def _run(self) -> None:
        asked = [request("GET", "/v1/feed?limit=10", self._node.headers(agency.id)) for agency in self._agencies]
        with ExitStack() as stack:
            selector = stack.enter_context(selectors.DefaultSelector())
            for number, question in enumerate(asked):
                connection = Connection(self._node.port)
                stack.callback(connection.close)
                selector.register(connection, selectors.EVENT_READ, (number, connection))
                connection.send(question)
            while not self.stopping.is_set():
                for key, _ in selector.select(1.0):
                    number, connection = key.data
                    answer = connection.receive()
                    if answer is None:
                        continue
                    self._note(number, answer.status, answer.body)
                    connection.send(asked[number])

    def _note(self, number: int, status: int, body: bytes) -> None:
        now_s = time.monotonic()
        self.answers += 1
        if status != 200:
            self.failures.append(f"{status} {body[:200]!r}")
        elif self._marker in body:
            self.seen_s[number] = now_s
        else:
            self.empty_s[number] = now_s


@dataclass(frozen=True, slots=True)
class Raced:
    """How long after the revoking commit each reader last got an event; 0 where it got none any more."""

    lateness_s: list[float]
    answers: int
    failures: int

    @property
    def held(self) -> bool:
        """Nobody got anything later than is promised."""
        return not self.failures and max(self.lateness_s) <= MOST_S

    @property
    def figures(self) -> Mapping[str, object]:
        """For the proof's last line."""
        ordered = sorted(self.lateness_s)
        return {
            "readers": READERS,
            "revocations": len(ordered) // READERS,
            "answers": self.answers,
            "failures": self.failures,
            "revoked_p50_ms": round(percentile(ordered, 0.5) * 1000),
            "revoked_p99_ms": round(percentile(ordered, 0.99) * 1000),
            "revoked_max_ms": round(max(ordered) * 1000),
        }


def raced(node: Node, agencies: Sequence[Agency], marker: bytes, rounds: int = ROUNDS) -> Raced:
    """Revoke and grant again, `rounds` times."""
    crowd = Crowd(node, agencies, marker)
    crowd.start()
    lateness: list[float] = []
    try:
        for number in range(rounds):
            given_s = _set(node, "in_force")
            crowd.wait("seen_s", given_s)
            revoked_s = _set(node, "revoked")
            time.sleep(LOOK_S)
            crowd.wait("empty_s", revoked_s)
            late = [max(0.0, at - revoked_s) for at in crowd.seen_s]
            lateness += late
            print(f"  revocation {number + 1}: last event after {max(late) * 1000:.0f} ms", flush=True)
    finally:
        crowd.stopping.set()
        crowd.join(30)
    for told in crowd.failures[:3]:
        print(f"  FAILURE {told}")
    return Raced(lateness, crowd.answers, len(crowd.failures))


def _set(node: Node, state: str) -> float:
    """The moment at which the change had been committed."""
    with node.database() as conn:
        conn.execute("UPDATE access_grant SET state = %s WHERE id = %s", (state, GRANT))
        return time.monotonic()
