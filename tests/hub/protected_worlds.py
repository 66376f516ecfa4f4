"""Random consents, grants and links, and what a reader over there gets of protected members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
from hypothesis import strategies as st

from hub.apart import Held, best
from hub.border_rows import grant_entry, load_grant
from hub.borders import Border
from hub.consented import consent_for
from hub.consents import Consent, by_subject
from hub.crossed import Copy, copy_of
from hub.directory import Directory, Kind
from hub.grants import Grant
from hub.ingest import draft_of
from hub.limits import Limits
from hub.policy import Rules, may_read
from hub.principal import Principal, of_agency
from hub.protected import Widened, only_for_ours, widened, widened_row
from hub.releases import Sending, event_body, release_of, texts_of
from hub.rendering import render, render_opened
from hub.stored import Stored
from hub.timing import projection_at
from schemas import envelope
from tests.support.cast import DAY, FISCALIA, LIMITS, NOW, POLICE, agency, grants
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
            directory=1,
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
