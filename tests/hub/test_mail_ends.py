"""What a relay's answer means: done, later and when, given up, or an address that is no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.carrying import End
from hub.mail_ends import Reply, ends_of
from hub.subscribing import ROUTINE_PAUSES_S, URGENT_PAUSES_S, Reason, State
from tests.support.errands import AT, errand, other, subscription

NO_MAILBOX = Reply(550, "5.1.1")
LONG_AGO = AT - timedelta(days=1)


def end(reply: Reply, *, since: datetime | None = None, of: Any = None, chance: float = 0.0) -> End:
    (found,) = ends_of([of or errand()], reply, AT, bounced_at=since, chance=chance)
    return found


def test_what_is_taken_is_delivered() -> None:
    assert (end(Reply(250)).state, end(Reply(250)).code) == ("delivered", "smtp-250")


@pytest.mark.parametrize(
    ("tries", "is_urgent", "wait_s"),
    [(1, True, URGENT_PAUSES_S[0]), (5, True, 60), (1, False, ROUTINE_PAUSES_S[0]), (9, False, ROUTINE_PAUSES_S[8])],
)
def test_later_is_when_the_schedule_says(tries: int, is_urgent: bool, wait_s: float) -> None:
    got = end(Reply(451, "4.7.1"), of=errand(tries=tries, is_urgent=is_urgent))

    assert (got.state, got.again_at) == ("due", AT + timedelta(seconds=wait_s))


def test_what_failed_together_does_not_come_back_together() -> None:
    assert end(Reply(451), chance=0.9).again_at != end(Reply(451), chance=0.1).again_at


def test_what_has_been_tried_long_enough_is_given_up() -> None:
    assert end(Reply(451), of=errand(tries=len(URGENT_PAUSES_S) + 1)).state == "failed"
    assert end(Reply(451), of=other("verification", tries=4)).state == "failed"


@pytest.mark.parametrize("reply", [NO_MAILBOX, Reply(554, "5.7.1"), Reply(552, "5.3.4"), Reply(550)])
def test_what_is_refused_for_good_is_not_tried_again(reply: Reply) -> None:
    assert (end(reply).state, end(reply).again_at, end(reply).disables) == ("failed", None, None)


@pytest.mark.parametrize(
    ("reply", "is_bounce"),
    [
        (Reply(550, "5.1.1"), True),
        (Reply(550, "5.2.1"), True),
        (Reply(550), True),
        (Reply(553), True),
        (Reply(550, "5.7.1"), False),  # about us
        (Reply(554), False),
        (Reply(552, "5.3.4"), False),  # about the mail
        (Reply(450, "4.2.1"), False),
        (Reply(250), False),
    ],
)
def test_only_a_mailbox_that_is_not_there_is_a_bounce(reply: Reply, is_bounce: bool) -> None:
    assert reply.is_bounce is is_bounce


@pytest.mark.parametrize(
    ("reply", "since", "disables"),
    [
        (NO_MAILBOX, LONG_AGO, Reason.FAILING),
        (NO_MAILBOX, LONG_AGO + timedelta(seconds=1), None),
        (NO_MAILBOX, None, None),
        (Reply(554, "5.7.1"), LONG_AGO, None),
        (Reply(451), LONG_AGO, None),
    ],
)
def test_an_address_that_bounces_still_a_day_later_is_given_up(
    reply: Reply, since: datetime | None, disables: Reason | None
) -> None:
    assert end(reply, since=since).disables is disables


def test_only_that_there_is_no_mailbox_counts_for_the_second_time() -> None:
    assert [end(reply).bounces for reply in (NO_MAILBOX, Reply(554), Reply(451), Reply(250))] == [
        True,
        False,
        False,
        False,
    ]


def test_one_that_never_was_proven_stays_as_it_is() -> None:
    of = other("verification", subscription(state=State.PENDING))

    assert end(NO_MAILBOX, since=LONG_AGO, of=of).disables is None


def test_everything_in_one_mail_ends_alike() -> None:
    ends = ends_of([errand(no=n) for n in range(3)], Reply(250), AT, bounced_at=None, chance=0)

    assert [(one.no, one.state) for one in ends] == [(n, "delivered") for n in range(3)]
