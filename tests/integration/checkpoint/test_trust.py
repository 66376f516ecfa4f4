"""Whom a node trusts: pinned by an operator who compared a fingerprint, renewed in the stream, ended at a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub import border_keys, peers
from hub.border import anchor as anchors
from hub.errors import BorderRefused, Conflict, HubError, Invalid
from hub.keys import new_private_pem
from hub.signing import SigningKey, seal
from hub.workers.courier import Undelivered
from tests.support.border import Side, two_sides
from tests.support.services import Databases

DAY = timedelta(days=1)


def pinned(side: Side) -> list[tuple[Any, ...]]:
    return side.node.rows("SELECT node, state, url, anchor FROM peer")


def trust(side: Side, signed: str, **how: Any) -> None:
    """Import an anchor, as the command does."""
    with side.connected() as conn:
        peers.trust(conn, side.name, peers.read(signed, side.clock()), side.clock(), **how)


def why_not(act: Callable[[], object]) -> str:
    """Why something is refused, in English; the Spanish is there and differs."""
    with pytest.raises(HubError) as refused:
        act()
    error = refused.value
    text = error.flaws[0].text if isinstance(error, Invalid) else error.text
    assert text.es not in ("", str(text))
    return str(text)


def other_keys(side: Side, **differs: Any) -> str:
    """An anchor of a node that has lost its keys, or of somebody who says to be it."""
    stranger = border_keys.OwnKey(
        signing=SigningKey(new_private_pem()),
        valid_from=side.clock().replace(microsecond=0) - DAY,
        valid_until=side.clock().replace(microsecond=0) + DAY,
    )
    return seal(stranger.signing, side.anchor(keys=(stranger.public,), **differs).payload, anchors.TYPE)


def test_trust_is_on_record_with_the_rows_that_crossing_needs(us: Side) -> None:
    assert us.node.rows("SELECT action, agency FROM audit WHERE action LIKE 'peer.%%'") == [("peer.import", "us")]
    assert us.node.rows("SELECT peer FROM crossing") == [("mx",)]
    assert us.node.rows("SELECT name FROM lease WHERE name LIKE 'border:%%'") == [("border:mx",)]


def test_the_same_anchor_again_changes_nothing(us: Side) -> None:
    before = us.node.rows("SELECT stream FROM crossing")

    trust(us, pinned(us)[0][3])

    assert us.node.rows("SELECT stream FROM crossing") == before


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (lambda us, _: us.exported(), "this is the anchor of this node itself"),
        (lambda _, mx: other_keys(mx), "is trusted already"),
        (lambda _, mx: mx.exported(mx.clock() - timedelta(minutes=1)), "a newer anchor"),
        (lambda _, mx: mx.exported(prefix="us-"), "prefix"),
        (lambda _, mx: mx.exported(mx.clock() + timedelta(minutes=10)), "from the future"),
        (lambda _, mx: seal(SigningKey(new_private_pem()), mx.anchor().payload, anchors.TYPE), "not signed by a key"),
        (lambda _, mx: mx.exported()[:-4] + "AAAA", "not signed by a key"),
        (lambda *_: "nothing of the kind", "not signed by a key"),
        (lambda _, mx: seal(mx.signer.held()[0].signing, mx.anchor().payload, "at+jwt"), "not signed by a key"),
    ],
    ids=[
        "its own",
        "other keys",
        "older",
        "prefix",
        "future",
        "no key of it",
        "forged",
        "no anchor",
        "another purpose",
    ],
)
def test_an_anchor_that_cannot_be_trusted_is_refused_with_its_reason(
    us: Side, mx: Side, signed: Callable[[Side, Side], str], reason: str
) -> None:
    before = pinned(us)

    assert reason in why_not(lambda: trust(us, signed(us, mx)))
    assert pinned(us) == before


def test_an_anchor_whose_keys_have_ended_is_refused(us: Side, mx: Side) -> None:
    signed = mx.exported()
    us.clock.ahead = border_keys.LIFE + DAY

    assert "every key" in why_not(lambda: trust(us, signed))


def test_another_fingerprint_than_was_told_is_refused(us: Side, mx: Side) -> None:
    assert "not the one that was told" in why_not(lambda: trust(us, mx.exported(), told="1a2b " * 10))


def test_other_keys_are_taken_when_an_operator_insists(us: Side, mx: Side) -> None:
    signed = other_keys(mx)

    trust(us, signed, replace=True)

    assert pinned(us)[0][3] == signed


def test_nothing_crosses_without_trust(databases: Databases, tmp_path: Any) -> None:
    urls = databases.migrated(), databases.migrated()
    with two_sides(*urls, tmp_path, trusting=False) as (us, mx):
        us.trusts(mx)
        with us.sending(mx) as sender, pytest.raises(Undelivered) as refused:
            sender.once()
    for url in urls:
        databases.drop(url)

    assert refused.value.code == "unknown-peer"


class TestRollingOver:
    """Keys roll over while batches go on."""

    def test_the_other_side_hears_of_the_next_key_before_it_is_used(self, us: Side, mx: Side) -> None:
        us.send(mx)
        border_keys.roll_over(us.folder, us.clock(), after=timedelta())

        us.send(mx)

        kids = {key.signing.kid for key in us.signer.held()}
        assert {kid for (kid,) in mx.node.rows("SELECT kid FROM peer_key")} == kids

    def test_batches_are_taken_through_the_whole_overlap_and_after_it(self, us: Side, mx: Side) -> None:
        us.send(mx)
        border_keys.roll_over(us.folder, us.clock(), after=None)
        for days in (1, 29, 31, 59, 61, 200):
            us.clock.ahead = mx.clock.ahead = timedelta(days=days)

            us.send(mx)

        assert us.node.rows("SELECT out_seq - receipted, failure FROM crossing") == [(0, None)]

    def test_both_sides_may_roll_over_at_once(self, us: Side, mx: Side) -> None:
        for side in (us, mx):
            border_keys.roll_over(side.folder, side.clock(), after=timedelta())
        us.send(mx)
        mx.send(us)
        us.clock.ahead = mx.clock.ahead = timedelta(days=100)

        us.send(mx)
        mx.send(us)

        for side in (us, mx):
            assert side.node.rows("SELECT count(*) FROM peer_key") == [(2,)]

    def test_an_outage_while_keys_roll_over_at_once_heals_by_itself(self, us: Side, mx: Side) -> None:
        us.send(mx)
        border_keys.roll_over(us.folder, us.clock(), after=timedelta())
        us.clock.ahead = mx.clock.ahead = timedelta(days=20)  # nothing was sent meanwhile

        us.send(mx)

        assert mx.node.rows("SELECT count(*) FROM peer_key") == [(2,)]

    @pytest.mark.parametrize(
        "signed",
        [
            lambda mx: other_keys(mx),
            lambda mx: mx.exported(prefix="us-"),
            lambda _: "nothing",
        ],
        ids=["unpinned keys", "another prefix", "no anchor"],
    )
    def test_in_the_stream_only_pinned_keys_vouch_for_others(
        self, us: Side, mx: Side, signed: Callable[[Side], str]
    ) -> None:
        before = us.node.rows("SELECT kid FROM peer_key")

        with us.connected() as conn, pytest.raises(BorderRefused) as refused:
            peers.renew(conn, "mx", signed(mx), us.clock())

        assert refused.value.code == "keys"
        assert us.node.rows("SELECT kid FROM peer_key") == before

    def test_what_was_sealed_before_the_pinned_anchor_was_exported_is_taken_and_changes_nothing(
        self, us: Side, mx: Side
    ) -> None:
        sealed = mx.exported()
        border_keys.roll_over(mx.folder, mx.clock(), after=timedelta(days=30))
        mx.clock.ahead = us.clock.ahead = timedelta(seconds=5)
        us.trusts(mx)
        pinned = (
            "SELECT p.anchor, array_agg(k.kid ORDER BY k.kid) FROM peer p JOIN peer_key k ON true GROUP BY p.anchor"
        )
        before = us.node.rows(pinned)

        with us.connected() as conn:
            peers.renew(conn, "mx", sealed, us.clock())

        assert us.node.rows(pinned) == before

    def test_where_a_node_is_does_not_change_in_the_stream(self, us: Side, mx: Side) -> None:
        before = us.node.rows("SELECT url, authority FROM peer")

        with us.connected() as conn:
            peers.renew(conn, "mx", mx.exported(url="https://elsewhere.example"), us.clock())

        assert us.node.rows("SELECT url, authority FROM peer") == before


class TestEndingIt:
    """Removed, stopped, begun again."""

    def test_a_removed_node_is_a_stranger_and_nothing_is_sent_to_it(self, us: Side, mx: Side) -> None:
        us.send(mx)
        with mx.connected() as conn:
            peers.remove(conn, "mx", "us", "keys lost")
            with pytest.raises(Conflict):
                peers.remove(conn, "mx", "us", "again")

        with us.sending(mx) as sender, pytest.raises(Undelivered) as refused:
            sender.once()
        assert refused.value.code == "unknown-peer"
        assert mx.node.rows("SELECT reason FROM peer") == [("keys lost",)]
        assert [each.sequence() for each in (us.node, mx.node)] == [0, 0]  # each works on by itself

    def test_it_comes_back_by_import_where_it_left_off(self, us: Side, mx: Side) -> None:
        us.send(mx)
        with mx.connected() as conn:
            peers.remove(conn, "mx", "us", "a drill")

        mx.trusts(us)
        us.send(mx)

        assert us.node.rows("SELECT failure, out_seq - receipted FROM crossing") == [(None, 0)]

    def test_after_a_fork_both_sides_begin_again_and_lose_nothing(self, us: Side, mx: Side) -> None:
        us.send(mx)
        for side, other in ((us, "mx"), (mx, "us")):
            with side.connected() as conn:
                assert peers.stop(conn, side.name, other, "fork")
                assert not peers.stop(conn, side.name, other, "fork")
        kept = us.node.rows("SELECT count(*) FROM departure")[0][0]

        for side, other in ((us, "mx"), (mx, "us")):
            with side.connected() as conn:
                peers.resume(conn, side.name, other, side.clock())
                with pytest.raises(Conflict):
                    peers.resume(conn, side.name, other, side.clock())
        sent = us.send(mx)
        mx.send(us)

        assert sent > 0
        assert us.node.rows("SELECT count(*) FROM departure") == [(kept + sent,)]
        assert mx.node.rows("SELECT in_seq FROM crossing") == [(sent,)]
        assert us.node.rows("SELECT state, reason FROM peer") == [("open", None)]

    def test_what_had_no_place_over_there_yet_does_not_keep_it_from_beginning_again(self, us: Side, mx: Side) -> None:
        us.send(mx)
        us.node.rows("UPDATE departure SET outcome = 'stored' WHERE seq = (SELECT max(seq) FROM departure)")
        for side, other in ((us, "mx"), (mx, "us")):
            with side.connected() as conn:
                peers.stop(conn, side.name, other, "fork")
                peers.resume(conn, side.name, other, side.clock())

        assert us.send(mx) > 0

    def test_it_can_begin_again_more_than_once(self, us: Side, mx: Side) -> None:
        for _ in range(3):
            us.send(mx)
            for side, other in ((us, "mx"), (mx, "us")):
                with side.connected() as conn:
                    peers.stop(conn, side.name, other, "fork")
                    peers.resume(conn, side.name, other, side.clock())

        assert us.send(mx) > 0

    def test_an_agency_is_shown_or_hidden(self, us: Side, mx: Side) -> None:
        us.send(mx)
        with us.connected() as conn:
            assert peers.show(conn, "us", "us-ca-sdpd", is_shown=False)
            assert not peers.show(conn, "us", "us-ca-sdpd", is_shown=False)

        us.send(mx)

        assert mx.node.rows("SELECT standing FROM agency WHERE id = 'us-ca-sdpd'") != [("active",)]
