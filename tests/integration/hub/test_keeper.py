"""The keeper: each warning is recorded once, whoever leads, and again only at the next threshold."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Standing
from hub.picture import Picture
from hub.store import agencies, connect
from hub.warning import warn
from hub.workers import keeper
from tests.support.cast import LADDERS, LIMITS, POLICE, SHELTER
from tests.support.escalating import Escalation, desk
from tests.support.node import SHERIFF, TO_SHERIFF, Desk, Node, grant, public_pem
from tests.support.waiting import until

ATTESTED = {"agency": SHELTER.id, "kind": "nda", "document_sha256": "ab" * 32}


def record(desk: Desk, days: float) -> None:
    ends = desk.node.clock() + timedelta(days=days)
    answer = desk.post("/v1/attestations", ATTESTED | {"valid_until": ends.isoformat()})
    assert answer.status_code == 201, answer.text


def look(node: Node) -> list[tuple[str, str, int]]:
    """One look at the calendar; what was warned of."""
    with connect(node.url, name="test-keeper") as conn:
        view = Picture.unread(LIMITS).refresh(conn)
        told = warn(conn, view, "us", node.clock())
    return [(one.ending.what, one.ending.id, one.days) for one in told]


def entries(node: Node) -> list[tuple[Any, ...]]:
    return node.rows("SELECT agency, client, object FROM audit WHERE action = 'warn' ORDER BY no")


@contextmanager
def running(node: Node) -> Iterator[None]:
    """The worker, in a thread."""
    told = threading.Event()
    given = keeper.Keeper(
        database_url=node.url, node="us", picture=Picture.unread(LIMITS), ladders=LADDERS, now=node.clock
    )
    thread = threading.Thread(target=keeper.run, args=(given, told.is_set), daemon=True)
    thread.start()
    try:
        yield
    finally:
        told.set()
        thread.join(30)
        assert not thread.is_alive()


def test_each_threshold_is_put_on_record_once(node: Node, olga: Desk) -> None:
    record(olga, days=31)
    found = []
    for days in (0, 1.1, 2, 24.1, 25, 30.1, 30.2, 31):
        node.clock.ahead = timedelta(days=days)
        found.append([days for _, _, days in look(node)])

    assert found == [[], [30], [], [7], [], [1], [], []]
    assert entries(node) == [(SHELTER.id, "keeper", "attestation nda")] * 3


def test_who_looks_again_late_says_what_counts_now(node: Node, olga: Desk) -> None:
    record(olga, days=31)
    node.clock.ahead = timedelta(days=30.5)

    assert (look(node), look(node)) == ([("attestation", "nda", 1)], [])


def test_two_that_look_at_once_record_it_once(node: Node, olga: Desk) -> None:
    record(olga, days=5)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(look, [node] * 4))

    assert sorted(map(len, found)) == [0, 0, 0, 1]
    assert len(entries(node)) == 1


def test_keys_and_grants_are_warned_of_too(node: Node) -> None:
    soon = node.clock() + timedelta(days=6)
    node.enrol(POLICE, client_id="us-ca-sdpd.feeder", public_key_pem=public_pem("feeder"), expires_at=soon)
    node.regrant(TO_SHERIFF, grant(id="ends", valid_until=soon))

    assert look(node) == [("grant", "ends", 7), ("key", "us-ca-sdpd.feeder", 7)]


def test_who_is_out_is_warned_of_nothing(node: Node, olga: Desk) -> None:
    record(olga, days=5)
    with connect(node.url, name="test") as conn:
        agencies.set_standing(conn, SHELTER.id, Standing.SUSPENDED)

    assert look(node) == []


def test_a_renewal_is_warned_of_anew_at_its_own_end(node: Node, olga: Desk) -> None:
    record(olga, days=5)
    look(node)
    record(olga, days=40)
    node.clock.ahead = timedelta(days=35)

    assert look(node) == [("attestation", "nda", 7)]


def test_the_worker_does_it_by_itself_and_says_so(node: Node, olga: Desk, caplog: pytest.LogCaptureFixture) -> None:
    record(olga, days=5)
    with caplog.at_level(logging.WARNING, logger=keeper.__name__), running(node):
        until(lambda: entries(node))
        until(lambda: caplog.messages)

    assert [message.partition(" ends")[0] for message in caplog.messages] == [f"attestation nda of {SHELTER.id}"]


def test_the_worker_calls_the_next_desk_where_no_word_comes(node: Node, police: Desk, sheriff: Desk) -> None:
    desk(sheriff, "supervisor")
    escalation = Escalation(node)
    hub_id = escalation.alert(police)
    node.clock.ahead = timedelta(minutes=11)

    with running(node):
        until(escalation.called)

    assert escalation.called() == [(SHERIFF.id, "supervisor", "escalation:1")]
    assert node.rows("SELECT object, client FROM audit WHERE action = 'escalate'") == [(hub_id, "keeper")]


def test_another_takes_over(open_node: Callable[..., Node], olga: Desk) -> None:
    node = olga.node
    with running(node):
        until(lambda: node.rows("SELECT 1 FROM lease WHERE name = 'keeper' AND until > now()"))
    record(olga, days=5)

    with running(open_node()):
        until(lambda: entries(node))

    assert len(entries(node)) == 1
