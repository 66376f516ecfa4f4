"""Subscriptions that are changed while something is queued for them: nothing is lost, nobody waits in a circle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from uuid import UUID

from flask.testing import FlaskClient

from tests.support.node import Desk, Node, missing_child
from tests.support.subscribing import Dispatch, subscribe

LONG_ENOUGH_S = 1.0  # for an answer that waits for nobody


def put(shelter: Desk, subscription: UUID, state: str) -> int:
    """Its agency says how it is to stand."""
    return shelter.post(f"/v1/subscriptions/{subscription}/state", {"state": state}).status_code


def while_it_is_queued(node: Node, dispatch: Dispatch, change: partial[int]) -> int:
    """An event is queued, and before that is committed the subscription is changed; the answer."""
    with node.database() as conn, ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            assert dispatch.queue_on(conn) == 1
            changing = pool.submit(change)
            wait([changing], LONG_ENOUGH_S)
        return changing.result()


def publish(police: Desk) -> None:
    police.publish(missing_child())
    police.node.sequence()


def test_what_is_queued_while_a_subscription_is_resumed_is_told(node: Node, police: Desk, shelter: Desk) -> None:
    dispatch, subscription = Dispatch(node), subscribe(shelter)
    put(shelter, subscription, "paused")
    publish(police)

    answer = while_it_is_queued(node, dispatch, partial(put, shelter, subscription, "enabled"))

    assert answer == 200
    assert [one.claim.kind for one in dispatch.take()] == ["event"]


def test_what_is_queued_while_a_subscription_is_disabled_is_passed_over(
    node: Node, police: Desk, shelter: Desk
) -> None:
    dispatch, subscription = Dispatch(node), subscribe(shelter)
    publish(police)

    answer = while_it_is_queued(node, dispatch, partial(put, shelter, subscription, "disabled"))
    put(shelter, subscription, "enabled")

    assert answer == 200
    assert dispatch.take() == []


def test_a_subscription_is_removed_while_something_is_queued_for_it(node: Node, police: Desk, shelter: Desk) -> None:
    dispatch, subscription = Dispatch(node), subscribe(shelter)
    publish(police)

    def remove() -> int:
        client: FlaskClient = node.app.test_client()
        return client.delete(f"/v1/subscriptions/{subscription}", headers=shelter.headers).status_code

    answer = while_it_is_queued(node, dispatch, partial(remove))

    assert answer == 204
    assert dispatch.take() == []
