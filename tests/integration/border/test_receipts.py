"""What became of an event on both sides is told to its originator: sent, received, read, acknowledged, each dated."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from hub import receipts
from hub.acks import acknowledge
from hub.directory import Agency
from hub.errors import NotVisible
from hub.receipts import Page
from hub.recipients import Recipient
from tests.integration.border.conftest import REFUGIO, TO_REFUGIO, released
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair, Side


def asked(side: Side, who: Agency, hub_id: UUID) -> Page:
    """What an agency is told of an event."""
    with side.conn.transaction():
        return receipts.read(side.conn, side.asking(who), hub_id, after="", limit=100)


def of(page: Page, agency: Agency) -> Recipient:
    """The row of one agency."""
    (row,) = [one for one in page.recipients if one.agency == agency.id]
    return row


def read_across(pair: Pair, who: Agency) -> None:
    """Somebody over there reads its feed, and that is told back."""
    pair.mx.feed(who)
    pair.mx.notarize()
    pair.cross()


def test_an_event_that_has_not_left_is_neither_sent_nor_received_across(met: Pair) -> None:
    """Given an alert that nobody has sent yet, then the fiscalía is a recipient that has nothing so far."""
    hub_id = met.us.publish(released())
    page = asked(met.us, POLICE, hub_id)
    row = of(page, FISCALIA)
    assert (row.may_read, row.sent, row.received, row.read, page.nodes["mx"].sent) == (True, None, None, None, None)


def test_what_is_sealed_is_sent_and_not_yet_received(met: Pair) -> None:
    """Given an alert in the sequence that is not answered, then it is sent there, and nobody has received it."""
    hub_id = met.us.publish(released())
    met.us.makes()
    row = of(asked(met.us, POLICE, hub_id), FISCALIA)
    assert (row.sent is not None, row.received) == (True, None)


def test_the_signed_answer_of_its_node_is_that_an_agency_has_received_it(met: Pair) -> None:
    """Given an alert that crossed, then the fiscalía received it when its node's receipt came."""
    hub_id = met.us.publish(released())
    met.cross()
    row = of(asked(met.us, POLICE, hub_id), FISCALIA)
    ((receipted,),) = met.us.rows("SELECT receipted_at FROM departure WHERE event = %s", hub_id)
    assert (row.received, row.read) == (receipted, None)


def test_a_node_is_told_with_its_sequence_its_answer_and_the_place_over_there(met: Pair) -> None:
    """Given an alert that crossed, then its node's row has what the two databases say."""
    hub_id = met.us.publish(released())
    met.cross()
    met.us.publish(released())
    met.cross()
    node = asked(met.us, POLICE, hub_id).nodes["mx"]
    ((seq,),) = met.us.rows("SELECT seq FROM departure WHERE event = %s", hub_id)
    ((position,),) = met.mx.rows("SELECT position FROM log WHERE event = %s", hub_id)
    assert node.newest is not None
    assert (node.newest.seq, node.newest.outcome, node.position) == (seq, "stored", position)


def test_a_foreign_read_has_the_time_at_which_its_own_node_handed_it_out(met: Pair) -> None:
    """Given an alert that the fiscalía read twice, then the first time is told, by the other node's clock."""
    hub_id = met.us.publish(released())
    met.cross()
    met.mx.feed(FISCALIA)
    read_across(met, FISCALIA)
    ((first,),) = met.mx.rows("SELECT min(at) FROM audit WHERE action = 'disclose' AND events @> ARRAY[%s]", hub_id)
    assert of(asked(met.us, POLICE, hub_id), FISCALIA).read == first


def test_a_foreign_acknowledgement_has_the_time_at_which_its_own_node_took_it(met: Pair) -> None:
    """Given an alert that the fiscalía acknowledged, then that is told as its own node has it."""
    hub_id = met.us.publish(released())
    met.cross()
    acknowledge(met.mx.conn, met.mx.asking(FISCALIA), hub_id, "acknowledged", {})
    met.mx.sequence()
    met.cross()
    ((taken,),) = met.mx.rows("SELECT accepted_at FROM event WHERE type = 'ack.acknowledged'")
    assert of(asked(met.us, POLICE, hub_id), FISCALIA).acknowledged == taken


def test_a_decline_across_comes_with_its_reason(met: Pair) -> None:
    """Given an alert that the shelter declined, then its row has the reason code."""
    hub_id = met.us.publish(released())
    met.cross()
    acknowledge(met.mx.conn, met.mx.asking(REFUGIO), hub_id, "declined", {"reason": "not-ours"})
    met.mx.sequence()
    met.cross()
    row = of(asked(met.us, POLICE, hub_id), REFUGIO)
    assert (row.declined is not None, row.reason, row.acknowledged) == (True, "not-ours", None)


def test_who_read_it_stays_on_the_list_when_its_right_has_gone(met: Pair) -> None:
    """Given a fiscalía that read an alert and a grant that ended, then its row stays, and says that it may not now."""
    hub_id = met.us.publish(released())
    met.cross()
    read_across(met, FISCALIA)
    met.us.regrant(TO_REFUGIO)
    met.cross()
    row = of(asked(met.us, POLICE, hub_id), FISCALIA)
    assert (row.may_read, row.read is not None) == (False, True)


def test_an_event_that_stays_in_its_country_names_nobody_across(met: Pair) -> None:
    """Given an alert for the US alone, then neither the other node nor anybody there is on its list."""
    hub_id = met.us.publish(released(label={"rel_to": ["US"]}))
    met.cross()
    page = asked(met.us, POLICE, hub_id)
    assert (page.recipients, dict(page.nodes)) == ((), {})


def test_a_recall_is_what_the_node_was_told_last(met: Pair) -> None:
    """Given an alert that crossed and was recalled, then its node's row says that the tombstone was applied."""
    hub_id = met.us.publish(released())
    met.cross()
    met.us.recall(POLICE, hub_id)
    met.cross()
    newest = asked(met.us, POLICE, hub_id).nodes["mx"].newest
    assert newest is not None
    assert (newest.kind, newest.outcome) == ("recall", "applied")


def test_the_copy_over_there_has_no_receipts_for_its_readers(met: Pair) -> None:
    """Given an alert that crossed, when the fiscalía asks what became of it with others, then it is not there."""
    hub_id = met.us.publish(released())
    met.cross()
    with pytest.raises(NotVisible):
        asked(met.mx, FISCALIA, hub_id)
    with pytest.raises(NotVisible):
        asked(met.mx, FISCALIA, uuid4())
