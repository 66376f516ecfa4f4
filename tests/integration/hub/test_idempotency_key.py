"""`Idempotency-Key` on `POST /v1/events`: one effect, one answer, whatever is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child
from tests.support.waiting import until

KEY = {"Idempotency-Key": "attempt-0001"}


def test_the_same_request_gets_the_same_answer(police: Desk) -> None:
    event = missing_child()
    first = police.post("/v1/events", event, KEY)

    again = police.post("/v1/events", event, KEY)

    assert (first.status_code, first.data, first.headers["Location"]) == (
        again.status_code,
        again.data,
        again.headers.get("Location"),
    )


def test_the_key_is_refused_for_another_body(police: Desk) -> None:
    police.post("/v1/events", missing_child(), KEY)

    answer = police.post("/v1/events", missing_child(), KEY)

    assert (answer.status_code, answer.get_json()["type"]) == (422, "urn:puente:problem:key-reused")
    assert police.node.rows("SELECT count(*) FROM event") == [(1,)]


def test_two_agencies_do_not_share_keys(node: Node, police: Desk) -> None:
    node.enrol(publisher := replace(POLICE, id="us-ca-cvpd"))
    police.post("/v1/events", missing_child(), KEY)

    answer = node.desk(publisher).post("/v1/events", missing_child(source=publisher.id), KEY)

    assert answer.status_code == 201


def test_while_the_first_still_runs_the_second_is_told_so(node: Node, police: Desk) -> None:
    event = missing_child()
    with ThreadPoolExecutor(1) as threads:
        with publishing_held_up(node):
            first = threads.submit(police.post, "/v1/events", event, KEY)
            until(lambda: is_held_up(node))
            second = police.post("/v1/events", event, KEY)

        assert (second.status_code, second.get_json()["type"]) == (409, "urn:puente:problem:still-running")
        assert first.result(10).status_code == 201
    assert police.post("/v1/events", event, KEY).data == first.result().data


def test_many_at_once_have_one_effect(police: Desk) -> None:
    event = missing_child()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: police.post("/v1/events", event, KEY), range(12)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert police.node.rows("SELECT count(*) FROM event") == [(1,)]


@pytest.mark.parametrize("flawed", [missing_child(status="real"), missing_child(source=SHELTER.id)])
def test_a_refused_request_leaves_its_key_free(police: Desk, flawed: dict[str, object]) -> None:
    assert police.post("/v1/events", flawed, KEY).status_code in (403, 422)

    assert police.post("/v1/events", missing_child(), KEY).status_code == 201


def test_a_conflict_leaves_its_key_free_and_its_audit_entry(police: Desk) -> None:
    event = missing_child()
    police.publish(event)

    answer = police.post("/v1/events", missing_child(id=event["id"]), KEY)

    assert answer.status_code == 409
    assert police.node.rows("SELECT count(*) FROM idempotency") == [(0,)]
    assert police.node.rows("SELECT count(*) FROM audit WHERE action = 'publish' AND NOT is_allowed") == [(1,)]


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
def test_a_key_has_a_form(police: Desk, key: str) -> None:
    answer = police.post("/v1/events", missing_child(), {"Idempotency-Key": key})

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["code"] == "bad-idempotency-key"


def test_a_request_that_died_half_way_has_no_effect_at_all(node: Node, police: Desk) -> None:
    event = missing_child()
    with ThreadPoolExecutor(1) as threads, publishing_held_up(node):
        request = threads.submit(police.post, "/v1/events", event, KEY)
        until(lambda: is_held_up(node))
        node.rows("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'event'::regclass AND NOT granted")
        assert request.result(10).status_code == 503

    assert police.event(police.publish(event))


@contextmanager
def publishing_held_up(node: Node) -> Iterator[None]:
    """While it lasts, no event can be stored."""
    with psycopg.connect(node.url) as conn:
        conn.execute("LOCK TABLE event IN SHARE MODE")
        yield


def is_held_up(node: Node) -> bool:
    """Whether a publish waits now."""
    return bool(node.rows("SELECT 1 FROM pg_locks WHERE relation = 'event'::regclass AND NOT granted"))
