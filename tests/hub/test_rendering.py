"""From stored text to what a reader gets: the ranges survive storing, and old ones are worked out anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ingest import draft_of
from hub.rendering import dump_cuts, render, render_opened
from hub.stored import Stored
from hub.timing import Timing
from schemas import envelope, projection
from schemas.masks import NAMES
from tests.schemas import strategies
from tests.support import events
from tests.support.cast import NOW
from tests.support.examples import examples

TIMING = Timing(lapses=True, lapsed_at=None, public_until=None, active_until=None)


def stored(event: dict[str, Any], **differs: Any) -> Stored:
    """The event as the log keeps it."""
    cut = projection.project(event, event["type"])
    kept = Stored(
        hub_id=UUID(int=1),
        lane=1,
        position=1,
        source=event["source"],
        type=event["type"],
        subject=event["subject"],
        jurisdictions=tuple(event["jurisdictions"]),
        audience=(),
        timing=TIMING,
        projection_version=projection.PROJECTION_VERSION,
        cuts=dump_cuts(cut.cuts),
        text=cut.text,
        accepted_at=NOW,
    )
    return replace(kept, **differs)


def outdated(event: dict[str, Any]) -> Stored:
    """The event as an older version kept it: other ranges for everyone but the owner, who sees it whole."""
    cut = projection.project(event, event["type"])
    everything = {name: cut.cuts["full"] for name in NAMES}
    return stored(event, cuts=dump_cuts(everything), projection_version=projection.PROJECTION_VERSION - 1)


@given(strategies.events())
@settings(max_examples=examples(40))
def test_every_projection_comes_out_of_the_store_as_it_was_cut(event: dict[str, Any]) -> None:
    cut = projection.project(event, event["type"])

    rendered = {name: render(stored(event), name) for name in NAMES}

    assert rendered == {name: projection.render(cut.text, cut.cuts[name]) for name in NAMES}


@given(strategies.events())
@settings(max_examples=examples(20))
def test_an_event_of_an_older_version_is_cut_anew_for_each_reader(event: dict[str, Any]) -> None:
    rendered = {name: render(outdated(event), name) for name in NAMES}

    assert rendered == {name: render(stored(event), name) for name in NAMES}


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=4)))
def test_ranges_are_read_by_name_whatever_stands_beside_them(cuts: dict[str, list[tuple[int, int]]]) -> None:
    text = "".join(chr(number) for number in range(0x4E00, 0x4E00 + 100))
    row = stored(events.alert(), text=text, cuts=dump_cuts(cuts))

    for name in cuts:
        assert render(row, name) == "".join(text[start:end] for start, end in cuts[name])


@pytest.mark.parametrize("name", ["nothing", "publi", "public~~", "", "0"])
def test_a_name_that_is_no_projection_is_a_fault_and_never_a_guess(name: str) -> None:
    with pytest.raises(KeyError):
        render(stored(events.alert()), name)


@pytest.mark.parametrize("event", [events.alert(), events.warning(), events.case(), events.ack()])
def test_the_owner_gets_back_what_it_published(event: dict[str, Any]) -> None:
    draft = draft_of(envelope.load(event))

    row = stored(event, cuts=draft.cuts, text=draft.text)

    assert orjson.loads(render(row, "full")) == event


def test_a_notice_names_the_event_and_nothing_of_what_happened() -> None:
    notice = orjson.loads(render(stored(events.alert()), "notice"))

    assert notice["type"] == "alert.missing_child.issued"
    assert notice.keys().isdisjoint({"defects", "origin"})
    assert "Ximena" not in str(notice)


@pytest.mark.parametrize("make", [stored, outdated], ids=["as cut now", "of an older version"])
@pytest.mark.parametrize("name", ["public", "partner", "enforcement", "public~", "partner~", "enforcement~"])
def test_a_consent_widens_the_projection_of_a_stored_event(make: Any, name: str) -> None:
    event = events.alert()
    shown = orjson.loads(render_opened(make(event), name, ["/data/child/medical"]))

    without = orjson.loads(render(stored(event), name))
    assert shown["data"]["child"].pop("medical") == event["data"]["child"]["medical"]
    assert "medical" not in without["data"].setdefault("child", {})
    assert shown == without
