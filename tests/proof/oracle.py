"""Ask a running gateway for what is not there and for what is not the reader's, and time both."""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

import orjson

from tests.benchmark.load import Connection, request
from tests.benchmark.node import Node
from tests.support import events
from tests.support.events import SDPD

CALLS = 2000
WARM = 50
# The medians may not differ by more than this share of the spread (the middle half) of the calls themselves: a probe
# would have to repeat each question more often than its read budget lets it.
MOST_OF_SPREAD = 0.25
LABEL = b'{"reason":"error","label":{"tlp":"red"}}'
UNLIKE = re.compile(rb"(?mi)^date: .*\r\n")


@dataclass(frozen=True, slots=True)
class Timed:
    """One route, in microseconds."""

    route: str
    missing_us: float
    hidden_us: float
    spread_us: float
    unlike: int  # answers that differ by a byte

    @property
    def share(self) -> float:
        """The difference of the medians as a share of the spread."""
        return abs(self.hidden_us - self.missing_us) / self.spread_us

    @property
    def held(self) -> bool:
        """Nothing to tell the two apart by."""
        return not self.unlike and self.share <= MOST_OF_SPREAD


def told_apart(node: Node, stranger: str, seed: int, calls: int = CALLS) -> list[Timed]:
    """Every route that a reader names an event by; prints what it measures."""
    hub_id, subject = publish(node)
    headers = node.headers(stranger)
    routes: dict[str, Callable[[str, str], bytes]] = {
        "event": lambda id_, _: request("GET", f"/v1/events/{id_}", headers),
        "acks": lambda id_, _: request("POST", f"/v1/events/{id_}/acks", headers, b'{"state":"read"}'),
        "notes": lambda id_, _: request(
            "POST", f"/v1/events/{id_}/notes", headers, b'{"kind":"question","text":{"en":"?"}}'
        ),
        "recall": lambda id_, _: request("POST", f"/v1/events/{id_}/recall", headers, b'{"reason":"error"}'),
        "label": lambda id_, _: request("POST", f"/v1/events/{id_}/label", headers, LABEL),
        "case": lambda _, name: request("GET", f"/v1/cases/{name}", headers),
    }
    order = random.Random(seed)  # noqa: S311 - an order, no secret
    found = []
    with closing(_Raw(node.port)) as door:
        for name, ask in routes.items():
            asked = {"hidden": ask(hub_id, subject), "missing": ask(str(uuid4()), f"s{'0' * (len(subject) - 1)}")}
            timed = _time(door, name, asked, order, calls)
            print(
                f"  {name}: missing {timed.missing_us:.0f} us, hidden {timed.hidden_us:.0f} us, "
                f"spread {timed.spread_us:.0f} us, {timed.share:.3f} of it, {timed.unlike} unlike",
                flush=True,
            )
            found.append(timed)
    return found


def _time(door: _Raw, name: str, asked: Mapping[str, bytes], order: random.Random, calls: int) -> Timed:
    for _ in range(WARM):
        for each in asked.values():
            door.ask(each)
    took: dict[str, list[float]] = {"hidden": [], "missing": []}
    answers: set[bytes] = set()
    unlike = -1  # the first answer is like itself
    for _ in range(calls):
        for which in order.sample(sorted(asked), 2):
            began = time.perf_counter()
            answer = door.ask(asked[which])
            took[which].append((time.perf_counter() - began) * 1e6)
            if answer not in answers:
                answers.add(answer)
                unlike += 1
    middle = [statistics.quantiles(several, n=4) for several in took.values()]
    return Timed(
        name,
        statistics.median(took["missing"]),
        statistics.median(took["hidden"]),
        statistics.fmean(upper - lower for lower, _, upper in middle),
        unlike,
    )


class _Raw(Connection):
    """A connection whose answers come whole, head and body, without the one line that the clock writes."""

    def ask(self, asked: bytes) -> bytes:  # type: ignore[override]
        """Send one request and wait for all of its answer."""
        self.send(asked)
        held = b""
        while True:
            held += self._socket.recv(1 << 18)
            head, found, body = held.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            if found and length and len(body) >= int(length[1]):
                return UNLIKE.sub(b"", head + found) + body


def publish(node: Node) -> tuple[str, str]:
    """One alert; the hub's id of it, and its subject."""
    subject = f"s{uuid4().hex}"
    event = events.alert(id=subject, subject=subject)
    with closing(Connection(node.port)) as connection:
        answer = connection.ask(request("POST", "/v1/events", node.headers(SDPD), orjson.dumps(event)))
    assert answer.status == 201, answer
    return str(orjson.loads(answer.body)["id"]), subject


def figures(found: list[Timed]) -> Iterator[tuple[str, object]]:
    """For the proof's last line."""
    for one in found:
        yield f"{one.route}_missing_us", round(one.missing_us)
        yield f"{one.route}_hidden_us", round(one.hidden_us)
        yield f"{one.route}_share_of_spread", round(one.share, 3)
