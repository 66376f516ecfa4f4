"""Envelopes count once, in their order; what is missing is asked for, what differs stops the stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from hub.border.envelope import Head, Sealed, body_digest
from hub.errors import BorderRefused
from tests.integration.border.conftest import released
from tests.support.cast import FISCALIA
from tests.support.crossing import KEYS, Pair


def forged(like: Sealed, **differs: Any) -> Sealed:
    """An envelope that the sender could have signed in the place of another."""
    body = str(differs.pop("text", like.body))
    head = replace(like.head, **({"body": body_digest(body)} | differs))
    return Sealed(head, KEYS[head.origin].sign(head.payload, kind="border-envelope+jwt"), body)


@pytest.fixture
def three(met: Pair) -> list[Sealed]:
    """Three alerts on their way, not sent yet."""
    for minute in range(3):
        met.us.publish(released(minutes=minute))
    met.us.makes()
    return met.us.batch()


def test_a_batch_that_comes_twice_has_no_second_effect(met: Pair, three: list[Sealed]) -> None:
    """Given a batch that was taken, when it comes again, then it is answered the same and nothing is stored."""
    first = met.mx.takes(met.us.stream(), three)
    again = met.mx.takes(met.us.stream(), three)
    assert (again.outcomes, len(met.mx.feed(FISCALIA))) == (first.outcomes, 3)


def test_a_batch_that_overlaps_is_taken_from_where_it_is_new(met: Pair, three: list[Sealed]) -> None:
    """Given two envelopes that were taken, when all three come, then the third is stored."""
    met.mx.takes(met.us.stream(), three[:2])
    met.mx.takes(met.us.stream(), three)
    assert len(met.mx.feed(FISCALIA)) == 3


def test_a_gap_is_asked_for_again(met: Pair, three: list[Sealed]) -> None:
    """Given an envelope that was lost, when the next one comes, then nothing is taken and the lost one is asked for."""
    receipt = met.mx.takes(met.us.stream(), three[1:])
    assert (receipt.outcomes, receipt.next, met.mx.feed(FISCALIA)) == ((), three[0].head.seq, [])


def test_a_sender_goes_back_to_what_is_asked_for(met: Pair, three: list[Sealed]) -> None:
    """Given a receiver that lost what it had answered, when it asks again, then the sender sends it again."""
    met.us.settles(met.mx.takes(met.us.stream(), three))
    met.us.settles(replace(met.mx.takes(met.us.stream(), []), outcomes=(), next=three[1].head.seq))
    assert [one.signed for one in met.us.batch()] == [one.signed for one in three[1:]]


def test_a_lost_receipt_changes_nothing(met: Pair, three: list[Sealed]) -> None:
    """Given a batch whose receipt was lost, when the sender sends again, then both sides agree and nothing is twice."""
    met.mx.takes(met.us.stream(), three)
    met.cross()
    outcomes = met.us.rows("SELECT outcome FROM departure WHERE kind = 'event' ORDER BY seq")
    assert (outcomes, len(met.mx.feed(FISCALIA))) == ([("stored",)] * 3, 3)


def test_the_places_over_there_come_with_a_later_receipt(met: Pair, three: list[Sealed]) -> None:
    """Given events that were stored over there, when the next batch is answered, then their positions are known."""
    met.us.settles(met.mx.takes(met.us.stream(), three))
    met.us.settles(met.mx.takes(met.us.stream(), [], first=three[-1].head.seq + 1))
    places = met.us.rows("SELECT place FROM departure WHERE kind = 'event' ORDER BY seq")
    assert places == met.mx.rows("SELECT position FROM log ORDER BY position")


def refused(pair: Pair, envelopes: list[Sealed]) -> str:
    """Why a batch is not taken."""
    with pytest.raises(BorderRefused) as refusal:
        pair.mx.takes(pair.us.stream(), envelopes)
    return refusal.value.code


def test_another_envelope_in_the_same_place_is_a_fork(met: Pair, three: list[Sealed]) -> None:
    """Given an envelope that was taken, when another comes with its sequence, then the stream is stopped."""
    met.mx.takes(met.us.stream(), three)
    assert refused(met, [forged(three[0], text="{}")]) == "fork"


def test_an_envelope_that_names_another_before_it_is_a_fork(met: Pair, three: list[Sealed]) -> None:
    """Given a chain, when the next envelope does not name its last, then the stream is stopped."""
    assert refused(met, [forged(three[0], previous=bytes(32))]) == "fork"


def test_a_forked_stream_stays_stopped(met: Pair, three: list[Sealed]) -> None:
    """Given a fork, when good envelopes come after it, then they are refused until somebody has looked."""
    refused(met, [forged(three[0], previous=bytes(32))])
    assert refused(met, three) == "stopped"


def test_a_forked_stream_leaves_the_node_at_work(met: Pair, three: list[Sealed]) -> None:
    """Given a fork, when an agency here asks for its feed, then it gets it."""
    met.mx.takes(met.us.stream(), three[:1])
    refused(met, [forged(three[0], text="{}")])
    assert len(met.mx.feed(FISCALIA)) == 1


def test_another_stream_is_not_followed(met: Pair, three: list[Sealed]) -> None:
    """Given a stream that is followed, when a batch of another comes, then it is refused."""
    with pytest.raises(BorderRefused) as refusal:
        met.mx.takes(uuid4(), three)
    assert refusal.value.code == "stream"


def test_a_node_that_is_trusted_no_more_is_refused(met: Pair, three: list[Sealed]) -> None:
    """Given a removed anchor, when a batch comes, then nothing of it is taken."""
    met.mx.rows("UPDATE peer SET state = 'removed'")
    assert (refused(met, three), met.mx.rows("SELECT count(*) FROM event")) == ("stopped", [(0,)])


def test_nothing_is_made_for_a_node_that_is_trusted_no_more(met: Pair) -> None:
    """Given a removed anchor, when an alert is released, then no envelope is made."""
    met.us.rows("UPDATE peer SET state = 'removed'")
    met.us.publish(released())
    assert met.us.makes() == 0


def test_both_sides_go_on_alone(met: Pair) -> None:
    """Given anchors that both sides removed, when each publishes, then its own agencies read it."""
    for side in (met.us, met.mx):
        side.rows("UPDATE peer SET state = 'removed'")
    met.us.publish(released())
    assert len(met.us.rows("SELECT 1 FROM log")) == 1


def test_every_envelope_names_the_one_before(three: list[Sealed]) -> None:
    """Given a row of envelopes, then each is bound to the one before it by its digest."""
    heads: list[Head] = [one.head for one in three]
    assert [one.previous for one in heads[1:]] == [one.digest for one in heads[:-1]]


def test_a_sender_that_starts_anew_goes_on_where_it_was(met: Pair, three: list[Sealed]) -> None:
    """Given envelopes that were made and not sent, when the process starts anew, then the same ones go out."""
    met.us.begin()
    met.us.makes()
    assert [one.signed for one in met.us.batch()] == [one.signed for one in three]
