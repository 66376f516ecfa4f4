"""What a consent had opened across the border is shut with it, with its grant, with its event, and in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from hub import feed
from hub.directory import Agency
from hub.picture import Stale
from hub.protected import FRESH_S
from hub.store.peers import set_state, start_over
from hub.store.protected import forget_ended
from schemas.sensitivity import Sensitivity
from tests.integration.border.conftest import REFUGIO
from tests.integration.border.consented import NAMES, TO_REFUGIO, names, names_in, opened_case
from tests.support.cast import FISCALIA, POLICE
from tests.support.consenting import (
    CANARY,
    FIRST,
    PURPOSE,
    SECOND,
    VICTIM,
    for_victims,
    records,
    released_case,
    silent_for,
    withdraws,
)
from tests.support.crossing import Pair, Side, now


@pytest.fixture
def served(nodes: Pair) -> Pair:
    """The shelter over there may have cases of the police, up to what consents open."""
    nodes.us.regrant(TO_REFUGIO)
    nodes.cross()
    return nodes


def apart(side: Side) -> int:
    """How many rows of it are kept."""
    ((count,),) = side.rows("SELECT count(*) FROM protected_copy")
    return int(count)


def test_a_withdrawal_crosses_and_shuts_it(served: Pair) -> None:
    """Given a name that is read over there, when its bearer withdraws, then it is shut and no row of it stays."""
    event = opened_case(served, FIRST)
    before = names(served)
    withdraws(served.us, event["consents"][0])
    assert ("consent", "applied") in served.cross()
    assert (before, names(served), apart(served.mx)) == ({FIRST: VICTIM[FIRST]}, {}, 0)


def test_of_two_consents_the_one_that_is_left_still_opens_its_own(served: Pair) -> None:
    """Given two consents over there, when one is withdrawn, then the shelter reads what the other opens."""
    event = opened_case(served, FIRST, SECOND)
    withdraws(served.us, event["consents"][0])
    served.cross()
    assert names(served) == {SECOND: VICTIM[SECOND]}


def test_the_end_is_told_before_any_event(served: Pair) -> None:
    """Given a consent over there, when it is withdrawn and an event follows, then the word of its end goes first."""
    event = opened_case(served, FIRST)
    withdraws(served.us, event["consents"][0])
    served.us.publish(released_case("updated", subject=event["subject"], minutes=5))
    assert [kind for kind, _ in served.cross()] == ["consent", "event"]


def test_a_link_that_is_down_hides_it(served: Pair) -> None:
    """Given a name that is read over there, when nothing was heard for the limit, then the case is read without."""
    opened_case(served, FIRST)
    silent_for(served.mx, FRESH_S + 1)
    assert names(served) == {}


def test_a_shorter_silence_does_not(served: Pair) -> None:
    """Given a name that is read over there, when nothing was heard for a little less, then it still is."""
    opened_case(served, FIRST)
    silent_for(served.mx, FRESH_S - 60)
    assert names(served) == {FIRST: VICTIM[FIRST]}


def test_when_the_link_is_up_again_it_is_shown_again(served: Pair) -> None:
    """Given a name that was hidden by silence, when the origin says that it is still there, then it is read again."""
    opened_case(served, FIRST)
    silent_for(served.mx, FRESH_S + 1)
    beats(served)
    assert names(served) == {FIRST: VICTIM[FIRST]}


def beats(pair: Pair, *, ahead: int = 0) -> None:
    """The police's node has nothing to send and says so, as far as it thinks that this one is."""
    ((receipted,),) = pair.us.rows("SELECT receipted FROM crossing")
    pair.mx.takes(pair.us.stream(), [], first=receipted + 1 + ahead)


def test_an_origin_that_is_ahead_of_us_does_not_show_it_again(served: Pair) -> None:
    """Given a name that was hidden, when the origin speaks and something before that is missing, it stays hidden."""
    opened_case(served, FIRST)
    silent_for(served.mx, FRESH_S + 1)
    beats(served, ahead=1)
    assert names(served) == {}


def test_what_was_made_before_an_outage_does_not_show_it_again(served: Pair) -> None:
    """Given an outage in which a consent was withdrawn, when a batch of before comes first, then it stays hidden."""
    event = opened_case(served, FIRST)
    served.us.publish(released_case("updated", subject=event["subject"], minutes=5))
    served.us.makes()
    withdraws(served.us, event["consents"][0])
    silent_for(served.mx, FRESH_S + 1)
    old = served.us.batch()
    later = now() + timedelta(seconds=FRESH_S + 1)
    served.mx.takes(served.us.stream(), old, sent_at=later)
    assert [names_in(got) for got in served.mx.feed(REFUGIO)] == [{}] * len(served.mx.feed(REFUGIO))


def test_a_consent_ends_over_there_by_its_own_clock(served: Pair) -> None:
    """Given a consent over there, when its time is over by the shelter's clock, then the case is read without."""
    opened_case(served, FIRST)
    later = replace(served.mx.asking(REFUGIO), at=now() + timedelta(days=31))
    page = feed.read_feed(served.mx.conn, later, after=0, limit=9)
    assert [CANARY in item.text for item in page.shown] == [False] * len(page.shown)


def test_a_consent_that_has_run_out_is_told_as_ended(served: Pair) -> None:
    """Given a consent over there, when it has run out at its origin, then no row of it stays."""
    opened_case(served, FIRST)
    served.us.rows("UPDATE consent SET valid_until = clock_timestamp()")
    assert ("consent", "applied") in served.cross()
    assert apart(served.mx) == 0


def test_what_has_run_out_is_thrown_away_without_a_word_from_the_origin(served: Pair) -> None:
    """Given a consent over there that has run out behind a dead link, when the keeper looks, then no row stays."""
    opened_case(served, FIRST)
    served.mx.rows("UPDATE protected_copy SET valid_until = clock_timestamp()")
    assert (forget_ended(served.mx.conn), apart(served.mx)) == (1, 0)


def test_who_had_decided_before_the_end_came_decides_anew(served: Pair) -> None:
    """Given a reader that has asked, when the end of the consent comes before its answer, then it has to ask again."""
    event = opened_case(served, FIRST)
    asking = served.mx.asking(REFUGIO)
    withdraws(served.us, event["consents"][0])
    served.cross()
    with pytest.raises(Stale):
        feed.read_feed(served.mx.conn, asking, after=0, limit=9)


def test_when_both_sides_begin_anew_nothing_of_before_stays(served: Pair) -> None:
    """Given a name that is read over there, when an operator starts the border over, then its row is gone."""
    opened_case(served, FIRST)
    start_over(served.mx.conn, "us", now())
    assert apart(served.mx) == 0


@pytest.mark.parametrize("state", ["stopped", "removed"])
def test_a_border_that_is_not_open_hides_it(served: Pair, state: str) -> None:
    """Given a name that is read over there, when its node is trusted no longer, then the case is read without."""
    opened_case(served, FIRST)
    set_state(served.mx.conn, "us", state, "test")
    assert names(served) == {}


def test_a_grant_that_ends_shuts_it_and_nothing_of_it_stays(served: Pair) -> None:
    """Given a name that is read over there, when the grant ends, then nobody reads the case and no row stays."""
    opened_case(served, FIRST)
    served.us.regrant()
    served.cross()
    assert (served.mx.feed(REFUGIO), apart(served.mx)) == ([], 0)


def test_a_clearance_that_is_lowered_leaves_the_case_without_it(served: Pair) -> None:
    """Given a name that is read over there, when the grant goes no further than partners, then no row of it stays."""
    opened_case(served, FIRST)
    served.us.regrant(for_victims(REFUGIO, clearance=Sensitivity.PARTNER))
    served.cross()
    assert (names(served), apart(served.mx)) == ({}, 0)


def test_a_recall_takes_it_along(served: Pair) -> None:
    """Given a name that is read over there, when the case is recalled, then no row of it stays."""
    event = released_case()
    hub_id = served.us.publish(event)
    records(served.us, event["subject"], REFUGIO)
    served.cross()
    served.us.recall(POLICE, hub_id)
    served.cross()
    assert apart(served.mx) == 0


def test_a_tightened_label_cuts_it_too(served: Pair) -> None:
    """Given a name that is read over there, when it is marked resident, then the case comes again without."""
    event = released_case()
    hub_id = served.us.publish(event)
    records(served.us, event["subject"], REFUGIO)
    served.cross()
    marks = {f"/data/victims/0/{FIRST}": "resident"}
    served.us.relabel(POLICE, hub_id, tlp="amber", rel_to=["US", "MX"], marks=marks)
    served.cross()
    assert apart(served.mx) == 0


def test_a_token_for_another_purpose_reads_without_it(served: Pair) -> None:
    """Given a consent to one purpose and grants to two, when a token names the other, then the name is not in it."""
    served.us.regrant(TO_REFUGIO, for_victims(REFUGIO, id="for-statistics", purpose="statistics"))
    served.cross()
    opened_case(served, FIRST)
    texts = {}
    for purpose in (PURPOSE, "statistics"):
        asking = served.mx.asking(REFUGIO)
        narrowed = replace(asking, principal=replace(asking.principal, purpose=purpose))
        page = feed.read_feed(served.mx.conn, narrowed, after=0, limit=9)
        texts[purpose] = CANARY in page.shown[-1].text
    assert texts == {PURPOSE: True, "statistics": False}


def test_the_disclosure_names_the_consent_on_both_sides(served: Pair) -> None:
    """Given a name that was read over there, when reads have come back, then both audits say on which consent."""
    event = opened_case(served, FIRST)
    served.mx.feed(REFUGIO)
    served.mx.notarize()
    served.cross()
    name = f"public+{event['consents'][0]}"
    found = [
        side.rows("SELECT bool_or(%s = ANY(projections)) FROM audit WHERE action = 'disclose'", name)
        for side in (served.mx, served.us)
    ]
    assert found == [[(True,)], [(True,)]]


def test_the_release_is_on_record_with_the_consent(served: Pair) -> None:
    """Given a consent, when the case crosses with what it opens, then the origin's audit says so."""
    event = opened_case(served, FIRST)
    name = f"public+{event['consents'][0]}"
    found = served.us.rows(
        "SELECT object, grants[1] FROM audit WHERE action = 'border.release' AND %s = ANY(projections)", name
    )
    assert found == [("mx", TO_REFUGIO.id)]


def test_its_words_are_in_no_other_row_over_there(served: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Given names that only consents open, when they were read over there, then no other table and no line has one."""
    caplog.set_level("DEBUG")
    opened_case(served, FIRST, SECOND)
    assert names(served) == NAMES
    served.mx.notarize()
    tables = served.mx.rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace"
    )
    found = [
        table
        for (table,) in tables
        if served.mx.rows(f'SELECT 1 FROM "{table}" t WHERE strpos(t::text, %s) > 0', CANARY)  # noqa: S608 - names of tables
    ]
    assert (found, CANARY in caplog.text) == (["protected_copy"], False)


def test_a_gateway_sees_its_own_readers_rows_alone(served: Pair) -> None:
    """Given a name for the shelter, when a gateway works for the fiscalía, then the row is not there."""
    opened_case(served, FIRST)
    seen = {}
    for reader in (REFUGIO.id, FISCALIA.id):
        with served.mx.conn.transaction():
            served.mx.conn.execute("SET LOCAL ROLE puente_gateway")
            served.mx.conn.execute("SELECT set_config('puente.reader', %s, true)", (reader,))
            seen[reader] = served.mx.conn.execute("SELECT count(*) > 0 FROM protected_copy").fetchone()
    assert seen == {REFUGIO.id: (True,), FISCALIA.id: (False,)}


def test_nobody_else_pays_for_it(served: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given names for the shelter, when the fiscalía reads a page, then no statement looks for any."""
    served.us.regrant(TO_REFUGIO, for_victims(FISCALIA))
    served.cross()
    opened_case(served, FIRST)
    asked: list[str] = []
    conn = served.mx.conn

    class Listening(psycopg.Cursor[Any]):
        def execute(self, query: Any, *rest: Any, **named: Any) -> Any:
            asked.append(str(query))
            return super().execute(query, *rest, **named)

    def looks(reader: Agency) -> int:
        asking = served.mx.asking(reader)
        asked.clear()
        feed.read_feed(conn, asking, after=0, limit=9)
        return sum("protected_copy" in one for one in asked)

    monkeypatch.setattr(conn, "cursor_factory", Listening)
    assert {reader.id: looks(reader) for reader in (REFUGIO, FISCALIA)} == {REFUGIO.id: 1, FISCALIA.id: 0}
