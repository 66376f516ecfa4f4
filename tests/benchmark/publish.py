"""`publish` and `pages`: what the gateway takes in and hands out per second, beside its peers in the same rounds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from hub.store import connect
from tests.benchmark import machine, peers, samples
from tests.benchmark.load import CONNECTIONS, Round, drive, request
from tests.benchmark.node import READER, Node, Stage, running, until
from tests.benchmark.report import Figure, Section, of_rounds, ratio

ROUNDS = 3
WARM_S = 4.0  # the broker's Java runtime compiles for some seconds
ROUND_S = 4.0
FRESH_S = 2.0
STORED = 700  # events on either side when pages are read
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


@dataclass(slots=True)
class Rounds:
    """The rounds of one comparison, by who was loaded."""

    ours: list[Round] = field(default_factory=list)
    theirs: list[Round] = field(default_factory=list)
    proxied: list[Round] = field(default_factory=list)

    def refused(self) -> str:
        """What was not answered well, which no rate counts."""
        ours, theirs = (sum(one.refused for one in rounds) for rounds in (self.ours, self.theirs))
        return f"refused answers: {ours} here, {theirs} there"


def measure_publish(stage: Stage) -> Section:
    """Durable, authorised, validated, audited publishes per second."""
    rounds, behind = Rounds(), []
    proxy, missing = peers.rest_proxy(), peers.why_no_opentaxii()
    with ExitStack() as stack:
        node = stack.enter_context(running(stage, "publish", PROCESSES))
        peer = None if missing else stack.enter_context(peers.opentaxii(stage.server, stage.folder, "publish"))
        drive(node.port, publishes(node), seconds=WARM_S)
        settle(node)
        if peer:
            drive(peer.port, peer.publishes(), seconds=WARM_S)
        _analyze(node, peer)
        for _ in range(ROUNDS):
            rounds.ours.append(drive(node.port, publishes(node), seconds=ROUND_S))
            behind.append(settle(node))
            with machine.paused(node.fleet.pids().values()):
                if peer:
                    rounds.theirs.append(drive(peer.port, peer.publishes(), seconds=ROUND_S))
                if proxy:
                    rounds.proxied.append(drive(proxy.port, proxy.publishes(), seconds=ROUND_S))
        counts = _counts(node, peer)
    figures = [
        _against("publish", rounds.ours, rounds.theirs, _name(peer), AIM_PUBLISH, missing),
        _against("publish.rest", rounds.ours, rounds.proxied, "Kafka REST proxy", AIM_REST, "KAFKA_REST names none"),
        of_rounds("publish.relay-behind", "s", behind),
    ]
    conditions = [
        f"{CONNECTIONS} connections, {ROUND_S:.0f} s a round, 2 KB events; gateway 2 processes x 4 threads with the "
        "token cache on, policy, validation, audit, metrics; sequencer and relay run; fsync on.",
        "OpenTAXII: same PostgreSQL server, no authentication, each event as the content of a STIX note, one encoder "
        "call patched (0.9.3 answers 500 after storing without it); our processes are paused in its rounds.",
        "relay-behind: seconds after a round until the last event is acknowledged by Kafka.",
        f"stored at the end: {counts}; {rounds.refused()}.",
    ]
    return Section(name="publish", title="publishing over HTTP", conditions=conditions, figures=figures)


def measure_pages(stage: Stage) -> Section:
    """Pages of 20 per second, each decided, disclosed and audited."""
    fresh, settled = Rounds(), Rounds()
    missing = peers.why_no_opentaxii()
    with ExitStack() as stack:
        node = stack.enter_context(running(stage, "pages", PROCESSES))
        peer = None if missing else stack.enter_context(peers.opentaxii(stage.server, stage.folder, "pages"))
        drive(node.port, publishes(node), seconds=60, count=STORED)
        settle(node)
        if peer:
            drive(peer.port, peer.publishes(), seconds=60, count=STORED)
        _page_rounds(node, peer, fresh, FRESH_S)
        _analyze(node, peer)
        _page_rounds(node, peer, settled, ROUND_S)
        counts = _counts(node, peer)
    figures = [
        _against("pages", settled.ours, settled.theirs, _name(peer), AIM_PAGES, missing),
        _against("pages.fresh", fresh.ours, fresh.theirs, _name(peer), AIM_PAGES, missing),
    ]
    conditions = [
        f"{CONNECTIONS} connections, {ROUND_S:.0f} s a round, the first page of 20 events of 2 KB; each decided, one "
        "audit entry committed (fsync on) before each answer; token cache on; our processes are paused in its rounds.",
        "pages: after ANALYZE on both sides, which autovacuum does by itself within a minute. fresh: in the seconds "
        "after loading, when PostgreSQL knows nothing of the tables yet; OpenTAXII's query then reads every object for "
        "every object, so that ratio grows with what is stored. Ours is planned by index either way.",
        f"stored: {counts}; {settled.refused()}; fresh: {fresh.refused()}.",
    ]
    return Section(name="pages", title="reading pages of 20", conditions=conditions, figures=figures)


def _page_rounds(node: Node, peer: peers.OpenTaxii | None, into: Rounds, seconds: float) -> None:
    ours = itertools.repeat(request("GET", "/v1/feed?limit=20", node.headers(READER)))
    drive(node.port, ours, seconds=1.0)
    for _ in range(ROUNDS):
        into.ours.append(drive(node.port, ours, seconds=seconds))
        if peer:
            with machine.paused(node.fleet.pids().values()):
                into.theirs.append(drive(peer.port, itertools.repeat(peer.page()), seconds=seconds))


def _analyze(node: Node, peer: peers.OpenTaxii | None) -> None:
    """Tell PostgreSQL what the tables hold, as autovacuum will within a minute, so that no round falls on its day."""
    with node.database() as conn:
        conn.execute("ANALYZE")
    if peer:
        with connect(peer.database_url, name="benchmark") as conn:
            conn.execute("ANALYZE")


def _name(peer: peers.OpenTaxii | None) -> str:
    return peer.name if peer else "OpenTAXII 0.9.3"


def _counts(node: Node, peer: peers.OpenTaxii | None) -> str:
    with node.database() as conn:
        row = conn.execute("SELECT count(*) FROM event").fetchone()
    return f"{row[0] if row else 0} here" + (f", {peer.stored()} in OpenTAXII" if peer else "")


def _against(name: str, ours: list[Round], theirs: list[Round], reference: str, aim: str, missing: str) -> Figure:
    """Our rate over the peer's; a peer that was not there is said so beside our own."""
    own = [one.per_s for one in ours]
    if not theirs:
        return of_rounds(name, "requests/s", own, reference=reference, aim=aim, why=missing)
    times = ratio(own, [one.per_s for one in theirs])
    return of_rounds(name, "requests/s", own, ratio=times, reference=reference, aim=aim)
