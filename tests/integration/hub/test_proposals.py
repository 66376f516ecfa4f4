"""The query proposes, the policy disposes: what the policy allows is always among what the database proposes."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.feed import read_feed
from hub.grants import Grant
from hub.policy import Facts
from hub.principal import READ, Principal
from hub.reading import Asking, choose
from hub.store import Connection, log
from tests.hub import strategies
from tests.integration.hub.published import allowed, stored
from tests.support.examples import examples

few = settings(max_examples=examples(40))


questions = given(
    published=strategies.events,
    held=strategies.grant_lists,
    who=strategies.principals,
    at=strategies.moments,
    limit=st.sampled_from([1, 3, 50]),
)


@few
@questions
def test_the_database_never_hides_what_the_policy_allows(
    everybody: Connection, published: list[Facts], held: list[Grant], who: Principal, at: datetime, limit: int
) -> None:
    with stored(everybody, published, held) as picture:
        asking = Asking(who, picture, picture.view, at)
        reach = asking.reach()
        proposed = log.candidates(
            everybody, who.agency.id, log.Within(reach.lanes, reach.grants), after=0, limit=len(published) + limit
        )

        assert allowed(asking, published).keys() <= {row.subject for row in proposed}
        assert {item.row.subject: item.projection for item in choose(asking, proposed)} == allowed(asking, published)


@few
@questions
def test_page_by_page_a_reader_gets_exactly_what_the_policy_allows(
    everybody: Connection, published: list[Facts], held: list[Grant], who: Principal, at: datetime, limit: int
) -> None:
    reader = Principal(agency=who.agency, client_id="c", scopes=who.scopes | {READ}, jurisdictions=who.jurisdictions)
    with stored(everybody, published, held) as picture:
        asking = Asking(reader, picture, picture.view, at)
        seen: list[str] = []
        position, more = 0, True
        while more:
            page = read_feed(everybody, asking, after=position, limit=limit)
            position, more = page.position, page.more
            seen += [item.row.subject for item in page.shown]

        due = list(allowed(asking, published))
        in_place = [subject for subject in due if not published[int(subject)].offers]

        assert set(seen) == set(due)
        assert [subject for subject in seen if subject in in_place] == in_place
