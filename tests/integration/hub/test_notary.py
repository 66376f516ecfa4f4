"""One notary leads at a time, another takes over, and whatever becomes of them the tree neither forks nor has a gap."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from hub import keys
from hub.merkle import Edge, grow, leaf_hash
from hub.store import connect, tree
from hub.tokens import read_head
from hub.workers import notary
from tests.support.node import ISSUER, Node
from tests.support.waiting import until

LEASE_MS = 400


@contextmanager
def notarizing(node: Node, count: int = 1) -> Iterator[list[threading.Event]]:
    """Notaries in threads; set an event to end its one."""
    ends = [threading.Event() for _ in range(count)]
    told = notary.Notary(
        database_url=node.url,
        sign=node.hub.grantor.issuer.sign_head,
        now=node.clock,
        poll_s=0.01,
        lease_ms=LEASE_MS,
        settled_ms=0,
    )
    threads = [threading.Thread(target=notary.run, args=(told, end.is_set)) for end in ends]
    for thread in threads:
        thread.start()
    try:
        yield ends
    finally:
        for end in ends:
            end.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def leader(node: Node) -> tuple[object, int] | None:
    """Who leads, and with which fence."""
    query = "SELECT holder, fence FROM lease WHERE name = 'notary' AND until > clock_timestamp()"
    return next(iter(node.rows(query)), None)


def closed(node: Node) -> None:
    """Wait until every entry has its leaf under a head."""
    query = "SELECT count(*) = coalesce((SELECT max(size) FROM tree_head), 0) FROM audit"
    until(lambda: node.rows(query)[0][0], what="a head over every entry")


def whole(node: Node) -> None:
    """Each entry has one leaf, and each head is what the entries before it come to, signed."""
    with connect(node.url, name="test") as conn:
        lines = tree.lines(conn, 0, 100_000)
    assert [line.index for line in lines] == list(range(len(lines)))
    assert node.rows("SELECT count(*) FROM audit") == [(len(lines),)]
    assert [leaf_hash((line.text or "").encode()) for line in lines] == [line.hash for line in lines]
    edge = Edge()
    for size, root, _ in node.rows("SELECT size, root, signed FROM tree_head ORDER BY size"):
        edge, _ = grow(edge, [line.hash for line in lines[edge.size : size]])
        assert edge.root == root
    assert edge.size == len(lines)


def test_of_two_one_leads_and_the_tree_has_one_trunk(node: Node) -> None:
    with notarizing(node, 2):
        led = until(lambda: leader(node))
        for _ in range(20):
            node.note("us-x", 3)
        closed(node)

        assert leader(node) == led
    whole(node)


def test_writers_that_commit_in_any_order_lose_nothing_to_several_notaries(node: Node) -> None:
    def write() -> None:
        with psycopg.connect(node.url) as conn:
            for number in range(60):
                conn.execute(
                    "INSERT INTO audit (agency, client, action, is_allowed, reason, policy) "
                    "VALUES ('us-x', 'c', 'test', true, 'r', 'p')"
                )
                if number % 7 == 6:
                    conn.rollback()
                elif number % 3 == 2:
                    conn.commit()

    with notarizing(node, 3) as ends:
        writers = [threading.Thread(target=write) for _ in range(6)]
        for writer in writers:
            writer.start()
        until(lambda: node.rows("SELECT count(*) > 20 FROM audit_leaf")[0][0])
        ends[0].set()
        for writer in writers:
            writer.join(60)
        closed(node)
    whole(node)


def test_when_the_leader_ends_the_other_goes_on(node: Node) -> None:
    with notarizing(node) as (first,):
        until(lambda: leader(node))
        with notarizing(node):
            node.note("us-x", 3)
            closed(node)
            first.set()
            node.note("us-x", 3)
            closed(node)
    whole(node)


@contextmanager
def process(node: Node, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A notary as `puente notary` runs it; its log and its node's key are in `folder`."""
    told = {"PUENTE_DATABASE_URL": node.url, "PUENTE_NODE_STATE_DIR": str(folder), "PUENTE_NODE_ISSUER": ISSUER}
    with (folder / "log").open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", "notary"], env=os.environ | told, stdout=output, stderr=output
        )
        try:
            yield child
        finally:
            child.send_signal(signal.SIGCONT)
            child.kill()
            child.wait()


def test_a_notary_that_was_killed_leaves_a_tree_that_the_next_one_goes_on_with(node: Node, tmp_path: Path) -> None:
    for _ in range(3):
        with process(node, tmp_path) as child:
            until(lambda: leader(node))
            node.note("us-x", 3000)
            until(lambda: node.rows("SELECT count(*) FROM audit_leaf")[0][0] % 3000)
            child.kill()
        node.rows("UPDATE lease SET until = '-infinity' WHERE name = 'notary'")  # the next one need not wait for it
    with process(node, tmp_path):
        until(lambda: leader(node))
        node.note("us-x", 1)
        closed(node)

    whole(node)
    key = keys.issuer_key(tmp_path / "us")
    for size, signed in node.rows("SELECT size, signed FROM tree_head"):
        assert read_head(signed, ISSUER, {key.kid: key.public}).size == size


def test_a_leader_that_sleeps_past_its_lease_adds_nothing_when_it_wakes(node: Node, tmp_path: Path) -> None:
    with process(node, tmp_path) as child:
        _, fence = until(lambda: leader(node)) or (None, 0)
        child.send_signal(signal.SIGSTOP)
        node.rows("UPDATE lease SET until = '-infinity' WHERE name = 'notary'")
        with notarizing(node):
            node.note("us-x", 5)
            closed(node)
            child.send_signal(signal.SIGCONT)
            node.note("us-x", 5)
            until(lambda: b"deposed with fence %d" % fence in (tmp_path / "log").read_bytes())
            closed(node)
    whole(node)
