"""Across the border each node calls the desks of its own agencies, and its own issuer for those over there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import pytest

from hub.acks import acknowledge
from hub.directory import Agency
from hub.filters import Filter
from hub.store import Connection, subscriptions
from tests.integration.border.conftest import released
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair, Side
from tests.support.escalating import Escalation
from tests.support.node import Clock, Node


class Post:
    """A side as a node with a clock of its own, which a test can move ahead."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.clock = Clock()
        self.rows, self.sequence = side.rows, side.sequence

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """The side's own."""
        yield self.side.conn

    def desk(self, agency: Agency, name: str) -> None:
        """A desk that is told by webhook."""
        row: dict[str, Any] = dict.fromkeys(("quiet", "digest_at", "reason", "purpose"))
        row |= {"agency": agency.id, "name": name, "desk": name, "channel": "webhook", "address": "https://x.example"}
        row |= {"filter": Filter(), "language": "es", "state": "enabled", "jurisdictions": ["US", "MX"]}
        subscriptions.add(self.side.conn, row | {"created_by": "test"})


@pytest.fixture
def us(met: Pair) -> Escalation:
    """The node of the police, whose own desk is there."""
    post = Post(met.us)
    post.desk(POLICE, "duty")
    return Escalation(cast("Node", post))


@pytest.fixture
def mx(met: Pair) -> Escalation:
    """The node of the fiscalía, which has a supervisor."""
    post = Post(met.mx)
    post.desk(FISCALIA, "supervisor")
    return Escalation(cast("Node", post))


@pytest.fixture
def alert(met: Pair, us: Escalation, mx: Escalation) -> UUID:
    """An alert that is passed on here and over there."""
    hub_id = met.us.publish(released())
    us.pass_on()
    met.cross()
    mx.pass_on()
    return hub_id


def test_the_desks_are_called_over_there_and_the_issuer_here(alert: UUID, us: Escalation, mx: Escalation) -> None:
    moved = [(us.wait(minutes), mx.wait(minutes)) for minutes in (10.1, 10, 5)]

    assert moved == [(0, 1), (0, 1), (1, 0)]
    assert mx.called() == [(FISCALIA.id, "supervisor", "escalation:1")]
    assert us.called() == [(POLICE.id, "duty", f"unacknowledged:{alert}:{FISCALIA.id}")]
    assert (us.deadlines(), mx.deadlines()) == ([(FISCALIA.id, "ended", 3)], [(FISCALIA.id, "ended", 1)])


def test_an_answer_stops_both(met: Pair, alert: UUID, us: Escalation, mx: Escalation) -> None:
    acknowledge(met.mx.conn, met.mx.asking(FISCALIA), alert, "acknowledged", {})
    mx.pass_on()
    met.cross()
    us.pass_on()

    assert (us.wait(30), mx.wait(30)) == (0, 0)
    assert us.deadlines() == mx.deadlines() == [(FISCALIA.id, "acknowledged", None)]


def test_what_is_located_over_here_is_over_there_too(met: Pair, us: Escalation, mx: Escalation) -> None:
    met.us.publish(released(subject="s"))
    us.pass_on()
    met.cross()
    mx.pass_on()
    met.us.publish(released("located", subject="s", minutes=1))
    us.pass_on()
    met.cross()
    mx.pass_on()

    assert (us.wait(30), mx.wait(30)) == (0, 0)
    assert us.deadlines() == mx.deadlines() == [(FISCALIA.id, "overtaken", None)]


def test_what_was_recalled_over_here_calls_nobody_over_there(
    met: Pair, alert: UUID, us: Escalation, mx: Escalation
) -> None:
    met.us.recall(POLICE, alert)
    us.pass_on()
    met.cross()
    mx.pass_on()
    us.wait(30)
    mx.wait(30)

    assert us.called() + mx.called() == []
    assert us.deadlines() == mx.deadlines() == [(FISCALIA.id, "overtaken", None)]
