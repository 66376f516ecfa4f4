"""`GET /v1/feed?wait=`: held until something comes that the reader may see, and no longer than asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.directory import Standing
from hub.store import agencies
from tests.integration.live.publishing import publish
from tests.support.node import Desk, Node
from tests.support.streaming import Live, Stage
from tests.support.waiting import until

Ask = Callable[..., "Future[httpx.Response]"]


@pytest.fixture
def ask(live: Live) -> Iterator[Ask]:
    """Asks in a thread of its own, and returns when the question waits."""
    with ThreadPoolExecutor(4) as threads:

        def asked(desk: Desk, **query: Any) -> Future[httpx.Response]:
            before = waiting(live)
            answer = threads.submit(live.get, desk, "/v1/feed", wait=60, **query)
            until(lambda: waiting(live) > before or answer.done(), what="the question")
            return answer

        yield asked


def waiting(live: Live) -> int:
    assert live.server is not None
    return len(live.server.audience.everybody)


def read(answer: Future[httpx.Response]) -> dict[str, Any]:
    found = answer.result(10)
    assert found.status_code == 200, found.text
    return dict(found.json())


def test_what_is_there_comes_at_once_as_the_feed_has_it(live: Live, police: Desk, shelter: Desk) -> None:
    publish(police, 2)

    assert live.get(shelter, "/v1/feed", wait=60).json() == shelter.get("/v1/feed").get_json()


def test_a_poll_answers_when_something_comes(police: Desk, shelter: Desk, ask: Ask) -> None:
    answer = ask(shelter)

    published = publish(police)

    assert [item["event"]["id"] for item in read(answer)["events"]] == published


def test_nothing_by_then_is_an_empty_page_with_the_same_cursor(live: Live, police: Desk, shelter: Desk) -> None:
    publish(police)
    cursor = shelter.get("/v1/feed").get_json()["next"]

    answer = live.get(shelter, "/v1/feed", wait=1, after=cursor)

    assert answer.json() == {"events": [], "next": cursor, "more": False}


def test_what_a_stranger_may_not_see_does_not_wake_it(
    node: Node, police: Desk, shelter: Desk, stranger: Desk, ask: Ask
) -> None:
    cursor = stranger.get("/v1/feed").get_json()["next"]
    hers, his = ask(shelter), ask(stranger)
    publish(police)
    read(hers)

    assert not his.done()
    node.clock.ahead = timedelta(minutes=6)
    assert read(his) == {"events": [], "next": cursor, "more": False}


def test_what_is_not_wanted_does_not_wake_either(police: Desk, shelter: Desk, ask: Ask) -> None:
    answer, other = ask(shelter, changes="located"), ask(shelter)
    publish(police)
    read(other)
    assert not answer.done()

    located = publish(police, verb="located")

    assert [item["event"]["id"] for item in read(answer)["events"]] == located


def test_a_poll_is_on_record_once_and_by_its_own_reading(node: Node, police: Desk, shelter: Desk, ask: Ask) -> None:
    answer = ask(shelter)
    publish(police)
    read(answer)

    rows = node.rows("SELECT agency, object, cardinality(events) FROM audit WHERE action = 'disclose'")
    assert rows == [(shelter.agency.id, "feed", 1)]


def test_who_is_suspended_while_waiting_is_refused(node: Node, shelter: Desk, ask: Ask) -> None:
    answer = ask(shelter)

    with node.database() as conn:
        agencies.set_standing(conn, shelter.agency.id, Standing.SUSPENDED)

    assert answer.result(10).status_code == 401


def test_a_restart_answers_who_waits(node: Node, shelter: Desk, on_stage: Stage) -> None:
    live = on_stage.start(node)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(live.get, shelter, "/v1/feed", wait=60)
        until(lambda: waiting(live), what="the question")

        live.stop()

        assert read(answer)["events"] == []


def test_polls_and_streams_share_the_places_of_an_agency(node: Node, shelter: Desk, on_stage: Stage) -> None:
    live = on_stage.start(node, most_per_agency=1)
    on_stage.listen(live, shelter)

    assert live.get(shelter, "/v1/feed", wait=60).status_code == 429


def test_the_gateway_sends_who_waits_to_where_waiting_is(shelter: Desk) -> None:
    poll = shelter.get("/v1/feed", wait=30, types="alert.*")
    stream = shelter.get("/v1/stream")

    assert (poll.status_code, poll.headers["Location"]) == (
        307,
        "http://stream.example/v1/feed?wait=30&types=alert.*",
    )
    assert (stream.status_code, stream.headers["Location"]) == (307, "http://stream.example/v1/stream")
    assert shelter.get("/v1/me").get_json()["stream"] == "http://stream.example"
