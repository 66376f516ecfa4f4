"""What a receiver's answer comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hub.carrying import End, end_of
from hub.errands import Errand
from hub.filters import Filter
from hub.outcomes import Outcome, answered
from hub.store.claims import Claim
from hub.subscribing import URGENT_PAUSES_S, Channel, Reason, State, Subscription

AT = datetime(2026, 5, 4, 21, 0, tzinfo=UTC)
ID = UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120002")


def errand(kind: str = "event", *, state: State = State.ENABLED, **differs: Any) -> Errand:
    """An urgent one, tried once."""
    told: dict[str, Any] = {"seq": 1, "event": ID, "position": 1, "is_urgent": True, "about": None}
    told |= {"tries": 1, "told": 1}
    claim = Claim(no=7, subscription=ID, kind=kind, made_at=AT, **told | differs)
    subscription = Subscription(
        id=ID,
        agency="us-ca-shelter",
        name="ours",
        channel=Channel.WEBHOOK,
        address="https://example.org/hook",
        filter=Filter(),
        language="en",
        desk="duty",
        quiet=None,
        digest_at=None,
        state=state,
        reason=None,
        jurisdictions=("US",),
        purpose=None,
        created_by="us-ca-shelter",
        created_at=AT,
        generation=1,
        rotated_at=None,
        nonce=ID,
        version=1,
        part=0,
    )
    return Errand(claim=claim, subscription=subscription)


def end(outcome: Outcome, **differs: Any) -> End:
    """How a try with this outcome ends."""
    return end_of(errand(**differs), outcome, AT, 0.0)


def test_a_2xx_is_an_arrival() -> None:
    assert (end(answered(204, None, b"", AT)).state, end(answered(204, None, b"", AT)).code) == (
        "delivered",
        "http-204",
    )


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int) -> None:
    found = end(answered(status, None, b"", AT))

    assert (found.state, found.again_at) == ("due", AT + timedelta(seconds=2))


def test_a_receiver_is_left_alone_for_as_long_as_it_asks_and_not_shorter_than_we_would() -> None:
    asked = end(answered(503, "120", b"", AT))
    too_soon = end(answered(503, "0", b"", AT))

    assert (asked.again_at, too_soon.again_at) == (AT + timedelta(seconds=120), AT + timedelta(seconds=2))


def test_gone_is_gone() -> None:
    found = end(answered(410, None, b"", AT))

    assert (found.state, found.disables) == ("failed", Reason.GONE)


def test_an_urgent_one_whose_receiver_is_away_for_65_minutes_is_tried_again() -> None:
    found = end(answered(503, None, b"", AT), tries=65)

    assert (found.state, found.again_at) == ("due", AT + timedelta(minutes=5))


def test_after_the_last_try_it_is_given_up() -> None:
    last = end(answered(500, None, b"", AT), tries=len(URGENT_PAUSES_S))
    beyond = end(answered(500, None, b"", AT), tries=len(URGENT_PAUSES_S) + 1)

    assert (last.state, beyond.state, beyond.again_at) == ("due", "failed", None)


@pytest.mark.parametrize(
    ("state", "body", "ended"),
    [
        (State.PENDING, ID.hex.encode(), ("delivered", True)),
        (State.PENDING, b"hello", ("due", False)),
        (State.ENABLED, b"hello", ("delivered", False)),
    ],
)
def test_an_address_is_proven_by_the_answer_to_its_own_challenge(
    state: State, body: bytes, ended: tuple[str, bool]
) -> None:
    found = end(answered(200, None, body, AT), kind="verification", state=state, seq=None, event=None)

    assert (found.state, found.proves) == ended
