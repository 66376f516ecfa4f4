"""`GET /v1/stream`: what comes, in which form, and how it is gone on with."""

from __future__ import annotations

import json

from tests.integration.live.conftest import Listen
from tests.integration.live.publishing import publish
from tests.support.node import Desk, Node
from tests.support.streaming import Stage


def test_what_is_published_comes_to_who_listens(police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)

    published = publish(police, 3)

    assert ear.events(3) == published


def test_an_event_is_the_item_that_the_feed_has_for_it(police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)
    publish(police)

    assert ear.event() == shelter.feed()[0]


def test_the_id_of_a_message_is_the_feeds_cursor_behind_it(police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)
    publish(police)
    ear.event()

    assert shelter.get("/v1/feed").get_json()["next"] == ear.last_id


def test_a_stream_goes_on_behind_the_last_id(police: Desk, shelter: Desk, listen: Listen) -> None:
    first = listen(shelter)
    publish(police)
    first.event()
    first.close()
    missed = publish(police, 3)

    second = listen(shelter, first.last_id)

    assert second.events(3) == missed
    assert publish(police) == second.events(1)


def test_who_was_far_behind_catches_up_page_by_page(police: Desk, shelter: Desk, listen: Listen) -> None:
    published = publish(police, 620)

    ear = listen(shelter, after="")

    assert ear.events(620) == published
    assert publish(police) == ear.events(1)


def test_a_restart_of_the_process_loses_nothing(node: Node, police: Desk, shelter: Desk, on_stage: Stage) -> None:
    before = on_stage.start(node)
    ear = on_stage.listen(before, shelter)
    seen = publish(police, 2)
    assert ear.events(2) == seen

    before.stop()
    assert ear.named() == ("end", "restarting")
    missed = publish(police, 2)
    again = on_stage.listen(on_stage.start(node), shelter, ear.last_id)

    assert again.events(2) == missed


def test_a_stranger_hears_nothing(police: Desk, stranger: Desk, shelter: Desk, listen: Listen) -> None:
    ear, other = listen(stranger), listen(shelter)
    publish(police, 3)
    other.events(3)

    assert ear.is_silent()


def test_each_reader_and_event_is_on_record_once(node: Node, police: Desk, shelter: Desk, listen: Listen) -> None:
    one, two = listen(shelter), listen(shelter)
    publish(police, 2)
    one.events(2), two.events(2)

    entries = node.rows("SELECT agency, events FROM audit WHERE action = 'disclose' AND object = 'stream'")
    assert len(entries) == 2


def test_data_is_one_line_of_json(police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)
    publish(police)
    one = ear.next()

    assert one is not None
    assert "\n" not in one.data
    assert json.loads(one.data)["projection"] == "partner"
