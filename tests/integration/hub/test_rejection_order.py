"""Who reads rejections behind the last number it has seen misses none, however long one took to be stored."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from hub.store import Connection, rejections
from hub.store.rejections import Rejection
from tests.support.cast import POLICE
from tests.support.node import Node

WAIT_S = 60.0


def refused(code: str) -> Rejection:
    return Rejection(agency=POLICE.id, channel="http", sha256=b"0" * 32, code=code, flaws=())


def codes(conn: Connection) -> list[str]:
    return [one["code"] for one in rejections.since(conn, 0, limit=10, agency=POLICE.id)]


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def waits_for_a_lock(node: Node) -> bool:
    return node.rows(WAITING) != [(0,)]


def test_no_number_appears_before_a_lower_one(node: Node) -> None:
    with node.database() as slow, node.database() as quick, ThreadPoolExecutor(1) as beside:
        with slow.transaction():
            rejections.add(slow, [refused("slow")])
            later = beside.submit(rejections.add, quick, [refused("quick")])
            until = time.monotonic() + WAIT_S
            while not (later.done() or waits_for_a_lock(node)) and time.monotonic() < until:
                time.sleep(0.01)
            seen = codes(slow)
        later.result(WAIT_S)
        stored = codes(slow)

    assert (seen, stored) == (["slow"], ["slow", "quick"])
