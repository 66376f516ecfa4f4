"""`feed`: what finding a page costs in a log of 1.5 million events, beside fetching the same rows by their keys."""

from __future__ import annotations

import random
import statistics
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from typing import Any

from hub import keys, main
from hub.cursor import Cursors
from hub.grant_rows import load_grants
from hub.lanes import Reach, reach_of
from hub.picture import Picture
from hub.principal import of_agency
from hub.store import Connection, array, connect, log
from hub.store import grants as stored_grants
from hub.store.migrate import migrate
from hub.store.prepared import Statement
from tests.benchmark import filling
from tests.benchmark.load import Connection as HttpConnection
from tests.benchmark.load import request
from tests.benchmark.node import Node, Stage, running
from tests.benchmark.report import Figure, Section, of_rounds, ratio

LARGE, SMALL = 1_500_000, 15_000
PAGE = 100
NEWEST = 10  # events behind the cursor of a reader that is at the head
CURSORS = 40
ROUNDS = 5
REQUESTS = 40
READERS = {"wide": filling.WIDE, "sparse": filling.SPARSE}

BY_KEY = Statement(
    b"benchmark_by_key",
    """
    SELECT hub_id, lane, source, type, subject, jurisdictions, audience, lapses, public_until, active_until,
           projection_version, cuts, text, accepted_at, recalled_at, offers
      FROM event WHERE hub_id = ANY(%s::uuid[])
    """,
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One page: the statement of `hub.store.log.candidates` with its parameters, and the rows it gives."""

    statement: Statement
    parameters: Sequence[object]
    hub_ids: str


def measure(stage: Stage) -> Section:
    """Two logs filled alike, one a hundred times the other; every statement warm."""
    with ExitStack() as stack:
        stage.allow_bulk()
        large, small = (stack.enter_context(_filled(stage, count)) for count in (LARGE, SMALL))
        node = stack.enter_context(
            running(
                stage,
                "feed",
                ("gateway",),
                grants=filling.grants(),
                members=filling.members(),
                url=stage.server.url(f"bench_{LARGE}"),
            )
        )
        figures = [*_statements(node, large), _sizes(node, large, small), *_requests(node)]
    return Section(name="feed", title="a page of 100 out of 1.5 million events", conditions=CONDITIONS, figures=figures)


CONDITIONS = (
    f"{filling.AGENCIES} agencies, 400 lanes, events of 2 KB; wide: 12 grants that open 48 lanes (12 %), sparse: one "
    "grant that opens a single lane (0.25 %); warm, after VACUUM and ANALYZE.",
    "sql: the statement that `hub.store.log.candidates` sends, with the lanes of `hub.lanes`, prepared, fetched to the "
    f"last row; mid: cursors anywhere between a tenth and four fifths of the log; head: {NEWEST} visible events are "
    "behind the cursor. The reference fetches the same rows of `event` by primary key, and is sent the same way.",
    f"size: the wide reader's statement, mid-stream, in {LARGE} over {SMALL} events.",
    "request: the whole GET /v1/feed?limit=100, one at a time: token (cached), policy, disclosure entry committed with "
    "fsync on, rendering; mid-stream.",
)


def _filled(stage: Stage, count: int) -> AbstractContextManager[Connection]:
    url = stage.server.create_database(f"bench_{count}")
    migrate(url)
    with connect(url, name="benchmark") as conn:
        filling.enrol(conn)
        held = load_grants(tomllib.loads(filling.grants()), b"")
        stored_grants.replace_imported(conn, held.grants, bytes(32))
        filling.fill(conn, count)
    return connect(url, name="benchmark")


def _statements(node: Node, conn: Connection) -> Iterator[Figure]:
    """Each reader in the middle and at the head; found and fetched take turns on the same rows."""
    aims = {"mid": "<= 1.3", "head": "<= 2"}
    for reader, agency in READERS.items():
        reach = _reach(node, conn, agency)
        for where, positions in (("mid", _anywhere(LARGE)), ("head", [_before_newest(conn, reach.lanes)] * CURSORS)):
            probes = [_probe(conn, agency, reach, after) for after in positions]
            found, fetched = _in_turns(lambda p: _find(conn, p), lambda p: _fetch(conn, p), probes, probes)
            name = f"feed.{reader}.{where}"
            times = ratio(found, fetched)
            yield of_rounds(name, "us", found, ratio=times, reference="the same rows by key", aim=aims[where])


def _sizes(node: Node, large: Connection, small: Connection) -> Figure:
    probes = []
    for conn, count in ((large, LARGE), (small, SMALL)):
        reach = _reach(node, conn, filling.WIDE)
        probes.append([_probe(conn, filling.WIDE, reach, after) for after in _anywhere(count)])
    in_large, in_small = _in_turns(lambda p: _find(large, p), lambda p: _find(small, p), *probes)
    against = f"the same among {SMALL}"
    return of_rounds("feed.size", "us", in_large, ratio=ratio(in_large, in_small), reference=against, aim="<= 1.3")


def _requests(node: Node) -> Iterator[Figure]:
    cursors = Cursors(keys.cursor_key(node.told.state_dir))
    with closing(HttpConnection(node.port)) as http:
        for reader, agency in READERS.items():
            headers, took = node.headers(agency), []
            for _ in range(ROUNDS):
                asked = [
                    request("GET", f"/v1/feed?limit={PAGE}&after={cursors.seal(after, agency, 'actual')}", headers)
                    for after in _anywhere(LARGE)
                ]
                took.append(statistics.median(_times(lambda one: http.ask(one), asked)) / 1000)
            yield of_rounds(f"feed.request.{reader}", "ms", took)


def _reach(node: Node, conn: Connection, agency: str) -> Reach:
    """Where this reader may find something, by the node's grants."""
    view = Picture.unread(main.limits(node.told)).refresh(conn)
    principal = of_agency(view.rules.directory.agencies[agency])
    return reach_of(principal, view.rules, view.lanes, main.now())


def _anywhere(count: int) -> list[int]:
    return [random.randrange(count // 10, count * 8 // 10) for _ in range(CURSORS)]  # noqa: S311


def _before_newest(conn: Connection, lanes: Sequence[int]) -> int:
    statement = "SELECT position FROM log WHERE lane = ANY(%s) ORDER BY position DESC OFFSET %s LIMIT 1"
    row = conn.execute(statement, (list(lanes), NEWEST)).fetchone()
    assert row is not None
    return int(str(row[0]))


def _probe(conn: Connection, agency: str, reach: Reach, after: int) -> Probe:
    within = log.Within(reach.lanes, reach.grants)
    rows = log.candidates(conn, agency, within, after=after, limit=PAGE)
    assert rows
    return Probe(*log.page(agency, within, after=after, limit=PAGE), array([row.hub_id for row in rows]))


def _find(conn: Connection, probe: Probe) -> None:
    probe.statement.rows(conn, probe.parameters)


def _fetch(conn: Connection, probe: Probe) -> None:
    BY_KEY.rows(conn, (probe.hub_ids,))


def _in_turns(
    one: Callable[[Probe], None], other: Callable[[Probe], None], of_one: Sequence[Probe], of_other: Sequence[Probe]
) -> tuple[list[float], list[float]]:
    """The median microseconds of each round, after a round that warms."""
    took: tuple[list[float], list[float]] = ([], [])
    for round_ in range(ROUNDS + 1):
        for work, probes, into in ((one, of_one, took[0]), (other, of_other, took[1])):
            median = statistics.median(_times(work, probes))
            if round_:
                into.append(median)
    return took


def _times(work: Callable[[Any], object], of: Sequence[object]) -> list[float]:
    """Microseconds of each."""
    took = []
    for one in of:
        began = time.perf_counter()
        work(one)
        took.append((time.perf_counter() - began) * 1e6)
    return took
