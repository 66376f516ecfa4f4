"""A document is kept no longer than what it repeats of earlier events of its alert."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.cast import POLICE
from tests.support.events import bilingual
from tests.support.node import Desk, stamp
from tests.support.public import PUBLIC, address, another_gateway, clear, get, listed, publish, status_of

HOUR = timedelta(hours=1)


@pytest.fixture
def outlived(desk: Desk) -> list[str]:
    """An alert that is public for three days, and an update two days later that stays so for longer; both are made."""
    update = clear("updated", subject="s", minutes=48 * 60)
    update["data"] = {"headline": bilingual("Seen in Tijuana", "Vista en Tijuana"), "expires": stamp(120 * 60)}
    ids = publish(desk, clear(subject="s", label={"tlp": "clear", "public_until": stamp(72 * 60)}), update)
    desk.node.clock.ahead = 60 * HOUR
    assert all("Ximena" in get(desk.node, address(one)).text for one in ids)
    return ids


def test_what_the_feed_lists_is_kept_as_what_is_asked_for_by_itself(desk: Desk, outlived: list[str]) -> None:
    entries = "SELECT count(*) FROM audit WHERE agency = %s AND action = 'disclose'"
    before = desk.node.rows(entries, PUBLIC.id)

    assert listed(desk.node) == outlived[1:]

    assert desk.node.rows(entries, PUBLIC.id) == before


def test_an_update_repeats_nothing_of_what_has_ceased_to_be_public(desk: Desk, outlived: list[str]) -> None:
    first, second = outlived

    desk.node.clock.ahead = 71 * HOUR  # the first was sent two hours before

    assert (status_of(desk.node, first), listed(desk.node)) == (410, [second])
    assert "Ximena" not in get(desk.node, address(second)).text


def test_an_update_repeats_nothing_of_what_an_end_in_between_has_ended(desk: Desk, outlived: list[str]) -> None:
    first, second = outlived

    publish(desk.node.desk(POLICE), clear("located", subject="s", minutes=60))

    assert (status_of(desk.node, first), status_of(desk.node, second)) == (410, 200)
    assert "Ximena" not in get(desk.node, address(second)).text


def test_every_gateway_ceases_to_repeat_it(desk: Desk, outlived: list[str]) -> None:
    desk.node.clock.ahead = 71 * HOUR
    kept = get(desk.node, address(outlived[1])).data

    another_gateway(desk.node)

    assert get(desk.node, address(outlived[1])).data == kept
