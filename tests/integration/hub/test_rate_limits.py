"""Rates at the gateway: what each request is counted as, and what who is over it hears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.cast import POLICE, SHELTER
from tests.support.events import warning
from tests.support.node import UNLIMITED, Node, missing_child

ONCE = 0.1  # per second: one in the window of ten seconds


@pytest.fixture
def limited(open_node: Callable[..., Node]) -> Callable[..., Node]:
    """A gateway with some rates limited."""

    def with_rates(**rates: float) -> Node:
        return open_node(rates=replace(UNLIMITED, **rates))

    return with_rates


def flood_warning(number: int) -> dict[str, Any]:
    """Not urgent."""
    return warning(id=f"flood-{number}")


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_who_reads_too_often_is_told_when_to_come_back(limited: Callable[..., Node]) -> None:
    desk = limited(reads_per_s=ONCE).desk(SHELTER)
    assert desk.get("/v1/feed").status_code == 200

    answer = desk.get("/v1/feed")

    assert (answer.status_code, answer.get_json()["type"]) == (429, "urn:puente:problem:too-many")
    assert 1 <= int(answer.headers["Retry-After"]) <= 10


def test_others_go_on_reading(limited: Callable[..., Node]) -> None:
    node = limited(reads_per_s=ONCE)
    busy, other = node.desk(SHELTER), node.desk(POLICE)
    statuses([busy.get("/v1/feed") for _ in range(3)])

    assert other.get("/v1/feed").status_code == 200


def test_what_is_not_there_is_counted_too(limited: Callable[..., Node]) -> None:
    desk = limited(reads_per_s=ONCE).desk(SHELTER)

    assert statuses([desk.get("/v1/nothing") for _ in range(2)]) == [404, 429]


def test_urgent_alerts_pass_whatever_else_was_published(limited: Callable[..., Node]) -> None:
    desk = limited(publishes_per_s=ONCE, reads_per_s=ONCE).desk(POLICE)
    assert statuses([desk.post("/v1/events", flood_warning(n)) for n in range(2)]) == [201, 429]

    assert statuses([desk.post("/v1/events", missing_child()) for _ in range(2)]) == [201, 201]


def test_urgent_alerts_have_a_rate_as_well(limited: Callable[..., Node]) -> None:
    desk = limited(urgent_per_s=ONCE).desk(POLICE)

    assert statuses([desk.post("/v1/events", missing_child()) for _ in range(2)]) == [201, 429]
    assert desk.post("/v1/events", flood_warning(1)).status_code == 201


def test_what_is_refused_is_counted_and_leaves_no_row_beyond_the_rate(limited: Callable[..., Node]) -> None:
    desk = limited(publishes_per_s=ONCE).desk(POLICE)

    assert statuses([desk.post("/v1/events", b"{") for _ in range(3)]) == [422, 429, 429]
    assert desk.node.rows("SELECT count(*) FROM rejection") == [(1,)]


def test_publishing_does_not_use_up_reading(limited: Callable[..., Node]) -> None:
    desk = limited(publishes_per_s=ONCE, reads_per_s=ONCE).desk(POLICE)
    desk.post("/v1/events", flood_warning(1))

    assert desk.get("/v1/feed").status_code == 200


def test_tokens_are_counted_by_address(limited: Callable[..., Node]) -> None:
    node = limited(tokens_per_s=ONCE)

    assert statuses([node.ask_token(POLICE.id), node.ask_token(SHELTER.id)]) == [200, 429]
