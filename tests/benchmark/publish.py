"""`publish` and `pages`: what the gateway takes in and hands out per second, beside its peers in the same rounds."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.benchmark import machine, peers, samples
from tests.benchmark.load import CONNECTIONS, Round, drive, request
from tests.benchmark.node import READER, Node, Stage, running, until
from tests.benchmark.report import Figure, Section, of_rounds, ratio

ROUNDS = 3
WARM_S = 2.0
ROUND_S = 4.0
STORED = 500  # events on either side when pages are read
PROCESSES = ("sequencer", "relay", "gateway")
AIM_PUBLISH, AIM_REST, AIM_PAGES = ">= 7", ">= 0.8", ">= 30"


def publishes(node: Node) -> Iterator[bytes]:
    """Requests that each publish one new event."""
    headers = node.headers(samples.PUBLISHER)
    for _, body in samples.bodies():
        yield request("POST", "/v1/events", headers, body)


def settle(node: Node) -> float:
    """Seconds until every accepted event has its position and the relay has sent it."""
    with node.database() as conn:

        def is_settled() -> bool:
            row = conn.execute(
                "SELECT NOT EXISTS (SELECT FROM pending) AND (SELECT position FROM lease WHERE name = 'relay')"
                " >= coalesce((SELECT max(position) FROM log), 0)"
            ).fetchone()
            return bool(row and row[0])

        return until(is_settled, what="the relay has sent everything", wait_s=60)


def measure_publish(stage: Stage) -> Section:
    """Durable, authorised, validated, audited publishes per second."""
    ours: list[Round] = []
    theirs: list[Round] = []
    proxied: list[Round] = []
    behind: list[float] = []
    proxy, missing = peers.rest_proxy(), peers.why_no_opentaxii()
    with ExitStack() as stack:
        node = stack.enter_context(running(stage, "publish", PROCESSES))
        peer = None if missing else stack.enter_context(peers.opentaxii(stage.server, stage.folder, "publish"))
        drive(node.port, publishes(node), seconds=WARM_S)
        settle(node)
        if peer:
            drive(peer.port, peer.publishes(), seconds=WARM_S)
        for _ in range(ROUNDS):
            ours.append(drive(node.port, publishes(node), seconds=ROUND_S))
            behind.append(settle(node))
            with machine.paused(node.fleet.pids().values()):
                if peer:
                    theirs.append(drive(peer.port, peer.publishes(), seconds=ROUND_S))
                if proxy:
                    proxied.append(drive(proxy.port, proxy.publishes(), seconds=ROUND_S))
        counts = f"stored at the end: {_stored(node)} here" + (f", {peer.stored()} in OpenTAXII" if peer else "")
    name = peer.name if peer else "OpenTAXII 0.9.3"
    own = _rates(ours)
    figures = [
        _against("publish", own, _rates(theirs), name, AIM_PUBLISH, missing),
        _against("publish.rest", own, _rates(proxied), "Kafka REST proxy", AIM_REST, "KAFKA_REST names none"),
        of_rounds("publish.relay-behind", "s", behind),
    ]
    conditions = [
        f"{CONNECTIONS} connections, {ROUND_S:.0f} s a round, 2 KB events; gateway 2 processes x 4 threads with the "
        "token cache on, policy, validation, audit, metrics; sequencer and relay run; fsync on.",
        "OpenTAXII: same PostgreSQL server, no authentication, each event as the content of a STIX note, one encoder "
        "call patched (0.9.3 answers 500 after storing without it); our processes are paused in its rounds.",
        "relay-behind: seconds after a round until the last event is acknowledged by Kafka.",
        f"{counts}; refused answers: {sum(r.refused for r in ours)} here, {sum(r.refused for r in theirs)} there.",
    ]
    return Section(name="publish", title="publishing over HTTP", conditions=conditions, figures=figures)


def measure_pages(stage: Stage) -> Section:
    """Pages of 20 per second, each decided, disclosed and audited."""
    ours: list[Round] = []
    theirs: list[Round] = []
    missing = peers.why_no_opentaxii()
    with ExitStack() as stack:
        node = stack.enter_context(running(stage, "pages", PROCESSES))
        peer = None if missing else stack.enter_context(peers.opentaxii(stage.server, stage.folder, "pages"))
        drive(node.port, publishes(node), seconds=60, count=STORED)
        settle(node)
        page = request("GET", "/v1/feed?limit=20", node.headers(READER))
        drive(node.port, itertools.repeat(page), seconds=WARM_S)
        if peer:
            drive(peer.port, peer.publishes(), seconds=60, count=STORED)
            drive(peer.port, itertools.repeat(peer.page()), seconds=WARM_S)
        for _ in range(ROUNDS):
            ours.append(drive(node.port, itertools.repeat(page), seconds=ROUND_S))
            time.sleep(0.5)
            if peer:
                with machine.paused(node.fleet.pids().values()):
                    theirs.append(drive(peer.port, itertools.repeat(peer.page()), seconds=ROUND_S))
        counts = f"stored: {_stored(node)} here" + (f", {peer.stored()} in OpenTAXII" if peer else "")
    name = peer.name if peer else "OpenTAXII 0.9.3"
    conditions = [
        f"{CONNECTIONS} connections, {ROUND_S:.0f} s a round, the first page of 20 events of 2 KB; each decided, "
        "one audit entry committed (fsync on) before each answer; token cache on.",
        f"{counts}; refused answers: {sum(r.refused for r in ours)} here, {sum(r.refused for r in theirs)} there.",
    ]
    figures = [_against("pages", _rates(ours), _rates(theirs), name, AIM_PAGES, missing)]
    return Section(name="pages", title="reading pages of 20", conditions=conditions, figures=figures)


def _rates(rounds: list[Round]) -> list[float]:
    return [one.per_s for one in rounds]


def _against(name: str, ours: list[float], theirs: list[float], reference: str, aim: str, missing: str) -> Figure:
    """Our rate over the peer's; a peer that was not there is said so beside our own."""
    if not theirs:
        return of_rounds(name, "requests/s", ours, reference=reference, aim=aim, why=missing)
    return of_rounds(name, "requests/s", ours, ratio=ratio(ours, theirs), reference=reference, aim=aim)


def _stored(node: Node) -> int:
    with node.database() as conn:
        row = conn.execute("SELECT count(*) FROM event").fetchone()
    return int(str(row[0])) if row else 0
