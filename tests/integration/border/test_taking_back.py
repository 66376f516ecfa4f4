"""What the originator takes back or tightens follows its event across, and shuts the copy."""

from __future__ import annotations

from tests.integration.border.conftest import REFUGIO, TO_REFUGIO, released
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair


def types(pair: Pair) -> list[str]:
    """What the fiscalía gets of its feed."""
    return [got["type"] for got in pair.mx.feed(FISCALIA)]


def test_a_recalled_event_is_unreadable_over_there(met: Pair) -> None:
    """Given an alert that nobody there has read, when it is recalled, then it is gone there without a word."""
    hub_id = met.us.publish(released())
    met.cross()
    met.us.recall(POLICE, hub_id)
    met.cross()
    assert types(met) == []


def test_who_had_read_it_hears_that_it_was_recalled(met: Pair) -> None:
    """Given an alert that was read there, when it is recalled, then its reader gets the recall as a notice."""
    hub_id = met.us.publish(released())
    met.cross()
    met.mx.feed(FISCALIA)
    met.us.recall(POLICE, hub_id)
    met.cross()
    assert (types(met), met.mx.feed(REFUGIO)) == (["control.recalled"], [])


def test_of_a_recalled_copy_no_text_stays(met: Pair) -> None:
    """Given an alert over there, when it is recalled, then no child's name is left in that database."""
    event = released()
    hub_id = met.us.publish(event)
    met.cross()
    met.us.recall(POLICE, hub_id)
    met.cross()
    name = event["data"]["child"]["name"]["given"]
    assert met.mx.rows("SELECT count(*) FROM event WHERE text LIKE %s", f"%{name}%") == [(0,)]


def test_the_recall_is_receipted(met: Pair) -> None:
    """Given an alert over there, when it is recalled, then the tombstone and the notice are answered as taken."""
    hub_id = met.us.publish(released())
    met.cross()
    met.us.recall(POLICE, hub_id)
    assert met.cross() == [("recall", "applied"), ("event", "stored")]


def test_a_copy_that_changes_and_is_recalled_in_one_batch_is_unreadable(met: Pair) -> None:
    """Given an alert over there, when a new label and its recall wait out an outage, then both are taken together."""
    hub_id = met.us.publish(released())
    met.cross()
    met.us.relabel(POLICE, hub_id, tlp="amber+strict", rel_to=["US", "MX"])
    met.us.makes()
    met.us.recall(POLICE, hub_id)
    assert [outcome for _, outcome in met.cross()] == ["known", "stored", "applied", "stored"]
    assert types(met) == []


def test_a_recalled_event_that_never_crossed_is_not_mentioned(met: Pair) -> None:
    """Given an alert for the US alone, when it is recalled, then nothing crosses."""
    hub_id = met.us.publish(released(label={"rel_to": ["US"]}))
    met.us.recall(POLICE, hub_id)
    assert met.cross() == []


def test_a_label_without_the_country_shuts_the_copy(met: Pair) -> None:
    """Given an alert that was read there, when its label no longer names Mexico, then only the notice is left."""
    hub_id = met.us.publish(released())
    met.cross()
    met.mx.feed(FISCALIA)
    met.us.relabel(POLICE, hub_id, tlp="amber", rel_to=["US"])
    met.cross()
    assert types(met) == ["control.label_changed"]


def test_a_mark_cuts_the_copy(met: Pair) -> None:
    """Given an alert whose name a shelter may read, when the name is marked, then it reads the alert without it."""
    hub_id = met.us.publish(released())
    met.cross()
    before = [got["data"]["child"].get("name") for got in met.mx.feed(REFUGIO)]
    marks = {"/data/child/name": "enforcement"}
    met.us.relabel(POLICE, hub_id, tlp="amber", rel_to=["US", "MX"], marks=marks)
    met.cross()
    after = [got["data"]["child"].get("name") for got in met.mx.feed(REFUGIO) if "alert" in got["type"]]
    assert (before[0] is not None, after) == (True, [None])


def test_a_higher_tlp_shuts_out_whose_grant_ends_below(met: Pair) -> None:
    """Given grants up to amber+strict, when an alert becomes red for one agency, then the others lose it."""
    hub_id = met.us.publish(released())
    met.cross()
    met.us.relabel(POLICE, hub_id, tlp="red", rel_to=["US", "MX"], audience=[FISCALIA.id])
    met.cross()
    assert met.mx.feed(REFUGIO) == []


def test_a_copy_that_was_shut_with_its_grant_comes_back_with_it(met: Pair) -> None:
    """Given a copy that is gone with its grant, when the grant is given again, then the event is sent again."""
    met.us.publish(released())
    met.cross()
    met.us.regrant()
    met.cross()
    met.us.regrant(TO_REFUGIO)
    met.cross()
    assert [got["data"]["child"]["name"] is not None for got in met.mx.feed(REFUGIO)] == [True]


def test_a_recall_does_not_wait_for_what_is_before_it(met: Pair) -> None:
    """Given a long outage, when an alert was recalled in it, then its copy is shut before the rest is sent."""
    hub_id = met.us.publish(released())
    met.cross()
    for minute in range(6):
        met.us.publish(released(minutes=minute))
    met.us.recall(POLICE, hub_id)
    assert met.send(met.us, most=2)[0] == ("recall", "applied")


def test_who_had_read_it_hears_of_a_recall_in_its_turn(met: Pair) -> None:
    """Given a recall that was done ahead of its turn, when all has been sent, then its reader gets the notice once."""
    hub_id = met.us.publish(released())
    met.cross()
    met.mx.feed(FISCALIA)
    for minute in range(6):
        met.us.publish(released(minutes=minute))
    met.us.recall(POLICE, hub_id)
    met.cross(most=2)
    assert types(met).count("control.recalled") == 1


def test_a_tighter_label_does_not_wait_either(met: Pair) -> None:
    """Given a long outage, when a name was marked in it, then its copy is cut before the rest is sent."""
    hub_id = met.us.publish(released())
    met.cross()
    for minute in range(6):
        met.us.publish(released(minutes=minute))
    marks = {"/data/child/name": "enforcement"}
    met.us.relabel(POLICE, hub_id, tlp="amber", rel_to=["US", "MX"], marks=marks)
    met.send(met.us, most=1)
    (got,) = met.mx.feed(REFUGIO)
    assert "name" not in got["data"]["child"]
