"""What one side sends, the other takes and signs for."""

from __future__ import annotations

from tests.support.border import Side


def test_rules_cross_and_are_receipted(us: Side, mx: Side) -> None:
    sent = us.send(mx)

    assert sent > 0
    assert us.node.rows("SELECT out_seq - receipted, failure FROM crossing") == [(0, None)]
    assert mx.node.rows("SELECT in_seq FROM crossing") == [(sent,)]


def test_both_sides_keep_the_same_receipts(us: Side, mx: Side) -> None:
    us.send(mx)

    theirs = us.node.rows("SELECT first, last, signed FROM receipt WHERE NOT is_ours ORDER BY first")
    assert theirs == mx.node.rows("SELECT first, last, signed FROM receipt WHERE is_ours ORDER BY first")
    assert theirs


def test_nothing_new_is_an_empty_batch_that_says_we_are_here(us: Side, mx: Side) -> None:
    us.send(mx)
    before = mx.node.rows("SELECT heard_at FROM crossing")

    with us.sending(mx) as sender:
        assert sender.once() == 0

    assert mx.node.rows("SELECT heard_at FROM crossing") > before
    assert mx.node.rows("SELECT count(*) FROM receipt") == us.node.rows("SELECT count(*) FROM receipt")
