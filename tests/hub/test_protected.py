"""What consents open across the border: over there exactly what its readers would get here, and never more for long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.apart import Held, best
from hub.border_rows import grant_entry, load_grant
from hub.borders import Border
from hub.consented import consent_for
from hub.consents import Consent, by_subject
from hub.crossed import Copy, NotTaken, copy_of
from hub.directory import Directory, Kind
from hub.grants import Grant, Selector
from hub.ingest import draft_of
from hub.limits import Limits
from hub.policy import Rules, may_read
from hub.principal import Principal, of_agency
from hub.protected import FRESH_S, Widened, only_for_ours, widened, widened_row
from hub.releases import Sending, event_body, release_of, texts_of
from hub.rendering import render, render_opened
from hub.stored import Stored
from hub.timing import projection_at
from schemas import envelope
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, FISCALIA, LIMITS, NOW, POLICE, agency, grant, grants
from tests.support.consenting import FIRST, SECOND, released_case

REFUGIO = agency("mx-bcn-refugio", Kind.NGO, "MX-BCN")
READERS = (FISCALIA, REFUGIO)
PURPOSES = ("victim-services", "rescue")
NAMES = (FIRST, SECOND)
EVENT = envelope.load(released_case(subject="case-17"))
SUBJECT = (EVENT.source, EVENT.subject)
LATER = NOW + timedelta(minutes=10)
UNTIL = (NOW + timedelta(minutes=5), NOW + timedelta(minutes=20), NOW + DAY)


def stored(event: envelope.Event) -> Stored:
    """The event as its origin's log keeps it."""
    draft = draft_of(event)
    return Stored(
        hub_id=UUID(int=7),
        lane=1,
        position=1,
        source=draft.source,
        type=draft.type,
        subject=draft.subject,
        jurisdictions=draft.facts.jurisdictions,
        audience=draft.facts.audience or (),
        timing=draft.timing,
        projection_version=draft.projection_version,
        cuts=draft.cuts,
        text=draft.text,
        accepted_at=NOW,
    )


ROW, FACTS = stored(EVENT), draft_of(EVENT).facts


@dataclass(frozen=True)
class World:
    """What holds at the origin."""

    consents: tuple[Consent, ...]
    grants: tuple[Grant, ...]

    @property
    def rules(self) -> Rules:
        """As the origin decides with them."""
        across = tuple(replace(one, peer="mx") for one in READERS)
        border = Border(node="mx", country="MX", is_open=True, limits=LIMITS)
        return Rules(
            Directory.of(1, (POLICE, *across)), grants(*self.grants), LIMITS, by_subject(self.consents), {"mx": border}
        )

    @property
    def told(self) -> Rules:
        """As the other node decides with what it was told of them; of consents it is told nothing."""
        entries = [grant_entry(one.id, (one,), "mx-") for one in self.grants]
        mirrored = tuple(one for entry in entries for one in load_grant(entry, "us")[1])
        knows = {one.id: one.kind for one in READERS}
        border = Border(node="us", country="US", is_open=True, limits=LIMITS, knows=knows)
        return Rules(
            Directory.of(1, (replace(POLICE, peer="us"), *READERS)), grants(*mirrored), LIMITS, borders={"us": border}
        )

    def home(self, principal: Principal, at: datetime) -> str | None:
        """What somebody of the other node would read here."""
        rules = self.rules
        decision = may_read(principal, replace(FACTS, accepted_at=NOW), rules, at)
        if not decision.is_allowed or decision.projection is None:
            return None
        name = projection_at(decision.projection, ROW.timing, at)
        consent = consent_for(principal, SUBJECT, decision, rules, at)
        return render(ROW, name) if consent is None else render_opened(ROW, name, consent.fields, outside=True)

    def sends(self, at: datetime) -> dict[str, Any] | None:
        """The event as it crosses, if it does."""
        rules = self.rules
        facts = replace(FACTS, accepted_at=NOW)
        across = [rules.directory.agencies[one.id] for one in READERS]
        release = release_of(((one, may_read(of_agency(one), facts, rules, at)) for one in across), counts=2)
        if not release.grants:
            return None
        sending = Sending(
            row=ROW,
            facts=FACTS,
            written=orjson.loads(render(ROW, "notice")),
            release=release,
            texts=texts_of(ROW, release.projections),
            rules=1,
            policy="p",
            protected=[widened_row(one) for one in widened(ROW, facts, across, rules, at)],
        )
        return dict(orjson.loads(orjson.dumps(event_body(sending, "mx-"))))


def taken(body: Mapping[str, Any], limits: Limits = LIMITS) -> Copy:
    """A copy as the other node takes it."""
    copy = copy_of(body, "us", replace(POLICE, peer="us"), "MX", limits)
    return replace(copy, protected=only_for_ours(copy.protected, {one.id: one for one in READERS}))


def over_there(copy: Copy, principal: Principal, rules: Rules, at: datetime, **link: Any) -> str | None:
    """What a reader over there gets of a copy, for which `link` says how things stand with the origin."""
    decision = may_read(principal, replace(FACTS, accepted_at=NOW), rules, at)
    if not decision.is_allowed or decision.projection is None:
        return None
    name = projection_at(decision.projection, ROW.timing, at)
    shown = best(held(copy.protected, principal.agency.id, **link), name, decision, at)
    draft = copy.draft
    row = replace(ROW, projection_version=draft.projection_version, cuts=draft.cuts, text=draft.text)
    return render(row, name) if shown is None else shown.text


def held(widened: Iterable[Widened], reader: str, *, age_s: float | None = 0.0, is_open: bool = True) -> list[Held]:
    """What is kept for one reader."""
    names = ("consents", "purposes", "projection", "text", "valid_until", "fresh_s")
    return [
        Held(event=ROW.hub_id, age_s=age_s, is_open=is_open, **{name: getattr(one, name) for name in names})
        for one in widened
        if reader in one.readers
    ]


def names_in(text: str | None) -> frozenset[str]:
    """Which of the victim's names a text shows."""
    victims = [] if text is None else orjson.loads(text).get("data", {}).get("victims", [])
    return frozenset(name for one in victims for name in NAMES if name in one)


# --- Random worlds.


def _subsets(of: Iterable[Any]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(tuple(of)), min_size=1)


@st.composite
def consents(draw: st.DrawFn, number: int) -> Consent:
    """One that names some of the readers, for some of the names."""
    return Consent(
        id=str(uuid5(UUID(int=0), str(number))),
        source=SUBJECT[0],
        subject=SUBJECT[1],
        fields=tuple(f"/data/victims/ref:V1/{name}" for name in sorted(draw(_subsets(NAMES)))),
        recipients=draw(_subsets(one.id for one in READERS)),
        purpose=draw(st.sampled_from(PURPOSES)),
        signed_at=NOW - DAY,
        valid_until=draw(st.sampled_from(UNTIL)),
    )


@st.composite
def standing(draw: st.DrawFn) -> tuple[Grant, ...]:
    """Grants to some of the readers, to one purpose each, as far as may be."""
    pairs = sorted(draw(_subsets((one.id, purpose) for one in READERS for purpose in PURPOSES)))
    return tuple(
        grant(
            id=f"{reader}-{purpose}",
            reader=Selector(agency=reader),
            types=("*",),
            purpose=purpose,
            clearance=draw(st.sampled_from([*Sensitivity, Sensitivity.PROTECTED, Sensitivity.PROTECTED])),
        )
        for reader, purpose in pairs
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """What holds at an origin."""
    return World(tuple(draw(consents(number)) for number in range(draw(st.integers(1, 3)))), draw(standing()))


@st.composite
def changes(draw: st.DrawFn) -> tuple[World, World]:
    """What held, and what holds after some consents were withdrawn and some grants given or taken."""
    before = draw(worlds())
    withdrawn = draw(st.frozensets(st.sampled_from(before.consents)))
    kept = tuple(replace(one, withdrawn_at=NOW) if one in withdrawn else one for one in before.consents)
    return before, World(kept, draw(st.one_of(st.just(before.grants), standing())))


ASKING = st.builds(
    lambda reader, purpose: replace(of_agency(reader), purpose=purpose),
    st.sampled_from(READERS),
    st.sampled_from((None, *PURPOSES)),
)
thorough = settings(max_examples=150, deadline=None)


@given(worlds(), ASKING)
@thorough
def test_over_there_a_reader_gets_of_protected_members_what_it_would_get_here(world: World, asking: Principal) -> None:
    body = world.sends(NOW)
    found = None if body is None else over_there(taken(body), asking, world.told, NOW)
    here = world.home(asking, NOW)

    assert names_in(found) == names_in(here)
    assert not names_in(found) or found == here


@given(changes(), ASKING)
@thorough
def test_once_the_end_of_consents_and_grants_was_told_nobody_gets_more_than_here(
    change: tuple[World, World], asking: Principal
) -> None:
    before, after = change
    body = before.sends(NOW)
    if body is None:
        return
    copy = taken(body)
    ended = {one.id for one in after.consents if not one.is_in_force(LATER)}
    left = tuple(one for one in copy.protected if ended.isdisjoint(one.consents))
    found = over_there(replace(copy, protected=left), asking, after.told, LATER, age_s=0.0)

    assert names_in(found) <= names_in(after.home(asking, LATER))


@given(changes(), ASKING, st.floats(0, 2 * FRESH_S))
@thorough
def test_behind_a_link_that_is_down_nobody_gets_more_than_what_held_when_it_was_up_nor_that_for_long(
    change: tuple[World, World], asking: Principal, age_s: float
) -> None:
    before, _ = change
    body = before.sends(NOW)
    if body is None:
        return
    at = NOW + timedelta(seconds=age_s)
    found = over_there(taken(body), asking, before.told, at, age_s=age_s)
    most = names_in(before.home(asking, at)) if age_s <= FRESH_S else frozenset()

    assert names_in(found) <= most


@given(worlds(), ASKING)
@thorough
def test_without_a_word_from_the_origin_or_an_open_border_nobody_gets_anything_apart(
    world: World, asking: Principal
) -> None:
    body = world.sends(NOW)
    if body is None:
        return
    links: tuple[dict[str, Any], ...] = ({"age_s": None}, {"is_open": False})

    assert {names_in(over_there(taken(body), asking, world.told, NOW, **link)) for link in links} == {frozenset()}


# --- One by one.

OPEN = World(
    (
        Consent(
            id=str(UUID(int=1)),
            source=SUBJECT[0],
            subject=SUBJECT[1],
            fields=(f"/data/victims/ref:V1/{FIRST}",),
            recipients=frozenset({FISCALIA.id}),
            purpose=PURPOSES[0],
            signed_at=NOW - DAY,
            valid_until=NOW + DAY,
        ),
    ),
    (
        grant(
            reader=Selector(agency=FISCALIA.id),
            types=("*",),
            purpose=PURPOSES[0],
            clearance=Sensitivity.PROTECTED,
        ),
    ),
)


def sent(**differs: Any) -> dict[str, Any]:
    """The event with what the consent opens, told otherwise."""
    body = OPEN.sends(NOW)
    assert body is not None
    (one,) = body["protected"]
    return body | {"protected": [one | differs]}


def test_the_random_worlds_are_not_empty() -> None:
    body = OPEN.sends(NOW)
    assert body is not None

    assert names_in(over_there(taken(body), of_agency(FISCALIA), OPEN.told, NOW)) == {FIRST}


def of_two(**second: Any) -> World:
    """Two consents, of which the second opens the other name and differs as said, and grants to either purpose."""
    (first,), (one,) = OPEN.consents, OPEN.grants
    other = replace(first, id=str(UUID(int=2)), fields=(f"/data/victims/ref:V1/{SECOND}",), **second)
    return World((first, other), (one, replace(one, id="another", purpose=PURPOSES[1])))


def read_of(world: World, at: datetime = NOW, **narrowed: Any) -> frozenset[str]:
    """Which names the fiscalía reads over there of what was sent now."""
    body = world.sends(NOW)
    assert body is not None
    return names_in(over_there(taken(body), replace(of_agency(FISCALIA), **narrowed), world.told, at))


@pytest.mark.parametrize(
    ("purpose", "opened"), [(None, {FIRST, SECOND}), (PURPOSES[0], {FIRST}), (PURPOSES[1], {SECOND})]
)
def test_of_consents_to_two_purposes_a_token_opens_those_to_its_own(purpose: str | None, opened: set[str]) -> None:
    assert read_of(of_two(purpose=PURPOSES[1]), purpose=purpose) == opened


def test_when_the_first_of_two_has_run_out_nothing_of_both_is_shown_until_the_origin_says_what_is_left() -> None:
    world = of_two(valid_until=LATER)

    assert [read_of(world, at) for at in (NOW, LATER)] == [{FIRST, SECOND}, frozenset()]


def test_what_widens_a_projection_is_not_shown_in_place_of_another() -> None:
    copy = taken(sent())
    (grant_of_more,) = OPEN.grants
    lesser = replace(grant_of_more, id="lesser", purpose=PURPOSES[1], clearance=Sensitivity.PARTNER)
    decision = may_read(of_agency(FISCALIA), FACTS, World((), (grant_of_more, lesser)).told, NOW)

    found = [best(held(copy.protected, FISCALIA.id), name, decision, NOW) for name in ("enforcement", "partner")]
    assert [one is None for one in found] == [False, True]


def test_of_what_either_side_thinks_fresh_the_stricter_holds() -> None:
    found = [taken(sent(fresh_s=seconds)).protected[0].fresh_s for seconds in (60, 10 * FRESH_S)]

    assert found == [60, FRESH_S]


def test_a_reader_that_is_not_ours_gets_no_row() -> None:
    assert taken(sent(readers=["us-ca-shelter"])).protected == ()


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"text": "{"}, "malformed"),
        ({"text": '{"source":"us-ca-other"}'}, "inconsistent"),
        ({"projection": "full"}, "malformed"),
        ({"projection": "notice"}, "malformed"),
        ({"consents": []}, "malformed"),
        ({"consents": ["a+b"]}, "malformed"),
        ({"readers": []}, "malformed"),
        ({"fresh_s": 0}, "malformed"),
    ],
)
def test_what_is_not_what_the_event_says_is_refused_with_it(differs: dict[str, Any], code: str) -> None:
    with pytest.raises(NotTaken) as refused:
        taken(sent(**differs))

    assert refused.value.code == code


def test_nothing_comes_apart_with_an_event_that_is_not_released_here() -> None:
    body = sent() | {"rel_to": ["US"]}
    body["texts"] = {"notice": body["texts"]["notice"]}

    with pytest.raises(NotTaken):
        taken(body)
