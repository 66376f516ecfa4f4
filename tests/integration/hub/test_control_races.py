"""A recall or a tighter label and a reader meet: who comes after the commit gets nothing, who came before is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from hub import control
from hub.store import audit
from tests.support.cast import SHELTER
from tests.support.node import SHERIFF, Desk, Node, missing_child
from tests.support.waiting import until

NAME = "Ximena"
NAMED = {"tlp": "green", "rel_to": ["US", "MX"], "audience": [SHERIFF.id]}
RECALL = ("recall", {"reason": "wrong-person"})
LABEL = ("label", {"reason": "safety", "label": NAMED})
PATHS = ("/v1/feed", "/v1/events/{}", "/v1/cases/ximena", "/v1/alerts/active")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'disclosing'::regclass AND mode = %s"


@pytest.fixture
def issued(police: Desk) -> str:
    """An alert in the log. The lanes it may be moved to are there: a new one makes every picture stale by itself."""
    for what in (RECALL, LABEL):
        assert do(police, police.publish(missing_child()), what) == 201
    hub_id = police.publish(missing_child(subject="ximena"))
    police.node.sequence()
    return hub_id


def do(desk: Desk, hub_id: str, what: tuple[str, dict[str, Any]]) -> int:
    return int(desk.post(f"/v1/events/{hub_id}/{what[0]}", what[1]).status_code)


@contextmanager
def halted(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first call of a function stops at its door: one event says that it has come, the other lets it go on."""
    come, go_on = threading.Event(), threading.Event()
    real: Callable[..., Any] = getattr(module, name)

    def halting(*args: Any, **named: Any) -> Any:
        if not come.is_set():
            come.set()
            assert go_on.wait(30)
        return real(*args, **named)

    monkeypatch.setattr(module, name, halting)
    try:
        yield come, go_on
    finally:
        go_on.set()
        monkeypatch.setattr(module, name, real)


@pytest.mark.parametrize("what", [RECALL, LABEL], ids=["recall", "label"])
@pytest.mark.parametrize("path", PATHS)
def test_who_decided_before_it_and_discloses_after_it_gets_nothing(
    police: Desk,
    shelter: Desk,
    issued: str,
    monkeypatch: pytest.MonkeyPatch,
    what: tuple[str, dict[str, Any]],
    path: str,
) -> None:
    with ThreadPoolExecutor(1) as threads, halted(monkeypatch, audit, "disclose") as (decided, go_on):
        reading = threads.submit(shelter.get, path.format(issued))
        assert decided.wait(30)

        assert do(police, issued, what) == 201
        go_on.set()

        assert NAME not in reading.result().text
    assert police.node.rows("SELECT count(*) FROM audit WHERE action = 'disclose' AND agency = %s", SHELTER.id) == [
        (0,)
    ]


@pytest.mark.parametrize("what", [RECALL, LABEL], ids=["recall", "label"])
def test_who_is_being_given_it_is_waited_for_and_told(
    node: Node, police: Desk, shelter: Desk, issued: str, what: tuple[str, dict[str, Any]]
) -> None:
    entry = "INSERT INTO audit (agency, client, action, is_allowed, reason, policy, events) VALUES"
    with ThreadPoolExecutor(1) as threads, psycopg.connect(node.url) as conn:
        conn.execute("SELECT FROM disclosing")  # as its disclosing statement does, which has not committed yet
        conn.execute(f"{entry} (%s, 'c', 'disclose', true, 'read', 'p', ARRAY[%s::uuid])", (SHELTER.id, issued))
        changing = threads.submit(do, police, issued, what)
        until(lambda: node.rows(WAITING, "AccessExclusiveLock") == [(1,)], what="the change to wait")

        conn.commit()

        assert changing.result() == 201
    node.sequence()
    assert [item["projection"] for item in shelter.feed()] == ["notice"]


def test_who_comes_while_it_is_being_done_waits_and_then_gets_nothing(
    node: Node, police: Desk, shelter: Desk, issued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(2) as threads, halted(monkeypatch, control, "apply") as (come, go_on):
        changing: Future[int] = threads.submit(do, police, issued, RECALL)
        assert come.wait(30)
        reading = threads.submit(shelter.get, f"/v1/events/{issued}")
        until(lambda: node.rows(WAITING, "AccessShareLock") == [(1,)], what="the reader to wait")

        go_on.set()

        assert changing.result() == 201
        assert (reading.result().status_code, NAME in reading.result().text) == (404, False)


def test_what_fails_halfway_has_not_happened(
    police: Desk, shelter: Desk, issued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(control, "apply", fail)
    assert do(police, issued, RECALL) == 500
    monkeypatch.undo()

    assert shelter.event(issued) is not None
    assert police.node.rows("SELECT count(*) FROM event WHERE type = 'control.recalled' AND subject = 'ximena'") == [
        (0,)
    ]


def test_an_answer_that_was_decided_before_it_is_not_stored_after_it(
    police: Desk, shelter: Desk, issued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.store import events

    with ThreadPoolExecutor(1) as threads, halted(monkeypatch, events, "append") as (decided, go_on):
        answering = threads.submit(shelter.post, f"/v1/events/{issued}/acks", {"state": "read"})
        assert decided.wait(30)

        assert do(police, issued, RECALL) == 201
        go_on.set()

        assert answering.result().status_code == 404


@pytest.mark.parametrize("attempt", range(5))
def test_two_recalls_at_once_are_one(node: Node, police: Desk, issued: str, attempt: int) -> None:
    bodies = [("recall", {"reason": reason}) for reason in ("error", "safety")]

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(lambda body: do(police, issued, body), bodies))

    assert answers == [200, 201], attempt
    assert node.rows("SELECT count(*) FROM event WHERE type = 'control.recalled' AND subject = 'ximena'") == [(1,)]


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_labels_at_once_none_loosens_the_other(police: Desk, issued: str, attempt: int) -> None:
    tight = NAMED | {"tlp": "red"}
    labels = [("label", {"reason": "safety", "label": label}) for label in (NAMED, tight)]

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(lambda label: do(police, issued, label), labels))

    assert answers in ([201, 201], [201, 403]), attempt
    found = police.event(issued)
    assert found is not None
    assert found["event"]["label"] == tight


@pytest.mark.usefixtures("issued")
@pytest.mark.parametrize("attempt", range(5))
def test_the_sequencer_and_a_recall_leave_the_alert_where_it_stands(
    node: Node, police: Desk, shelter: Desk, attempt: int
) -> None:
    update = police.publish(missing_child("updated", subject="ximena", minutes=1))
    police.publish(missing_child("updated", subject="ximena", minutes=2, id=f"last-{attempt}"))

    with ThreadPoolExecutor(2) as threads:
        sequencing, changing = threads.submit(node.sequence), threads.submit(do, police, update, RECALL)
        assert (sequencing.result() > 0, changing.result()) == (True, 201)
    node.sequence()

    assert len(shelter.get("/v1/alerts/active").get_json()["alerts"]) == 1
    lanes = node.rows("SELECT e.lane = l.lane FROM event e JOIN log l ON l.event = e.hub_id")
    assert set(lanes) == {(True,)}
