"""What consents open of an event to agencies across the border: apart from the event, by name, for a while. Pure.

The origin widens a projection for those whom live consents name, as it would at home, and sends the text beside the
event. How the node over there shows it is for `hub.apart` to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from hub.consented import consents_for
from hub.policy import NOTICE, may_read
from hub.principal import of_agency
from hub.releases import texts_of, variants
from hub.rendering import render_opened
from schemas.crossing import MOST_CONSENTS, MOST_WIDENED, MOST_WIDENED_READERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from hub.consents import Consent
    from hub.directory import Agency
    from hub.policy import Decision, Facts, Rules
    from hub.stored import Stored

# For how long after the last word from the origin it is shown over there: well above a pause for a restart or a new
# certificate, well below the hours within which somebody who has withdrawn a consent may be looked for.
FRESH_S = 900
MOST_CHARS = 1024 * 1024  # of all texts for one event, which travels in one envelope; what is over stays here


@dataclass(frozen=True, slots=True, kw_only=True)
class Widened:
    """A projection of one event, and what `consents` open besides, for the agencies over there that get it so.

    `purposes` are those of the consents; `grant` is what the first of the readers reads it on, and stays here.
    """

    readers: tuple[str, ...]
    consents: tuple[str, ...]
    purposes: tuple[str, ...]
    projection: str
    text: str
    valid_until: datetime
    fresh_s: int = FRESH_S
    grant: str = ""

    @property
    def name(self) -> str:
        """What a disclosure entry calls it."""
        return "+".join((self.projection, *self.consents))

    @property
    def marks(self) -> frozenset[str]:
        """What is noted of it as having gone."""
        return frozenset(f"{self.name}@{reader}" for reader in self.readers)


def marks_of(widened: Iterable[Widened]) -> frozenset[str]:
    """The same of several."""
    return frozenset(mark for one in widened for mark in one.marks)


def marked(names: Iterable[str]) -> frozenset[str]:
    """Of what is noted as having gone of an event, these notes."""
    return frozenset(name for name in names if "+" in name)


def widened(row: Stored, facts: Facts, agencies: Iterable[Agency], rules: Rules, at: datetime) -> tuple[Widened, ...]:
    """
    What live consents open of an event to these agencies of another node, of which `facts` is what the policy sees.

    Each is asked for as a whole and for every purpose that a token of its may narrow it to, since both read as such.
    """
    named = frozenset(name for one in _live(row, rules, at) for name in one.recipients)
    found: dict[tuple[str, tuple[str, ...]], Widened] = {}
    for agency in agencies:
        if agency.id not in named:
            continue
        for decision, consents in _asked(row, facts, agency, rules, at):
            key = decision.projection or "", tuple(one.id for one in consents)
            known = found.get(key)
            if known is None:
                found[key] = _first(agency, decision, consents)
            elif agency.id not in known.readers and len(known.readers) < MOST_WIDENED_READERS:
                found[key] = replace(known, readers=(*known.readers, agency.id))
    fields_of = {one.id: one.fields for one in rules.consents.get((row.source, row.subject), ())}
    texts = [text for one in found.values() for text in _texts(row, one, fields_of)]
    within = accumulate(len(one.text) for one in texts)
    return tuple(one for one, chars in zip(texts, within, strict=True) if chars <= MOST_CHARS)[:MOST_WIDENED]


def _live(row: Stored, rules: Rules, at: datetime) -> list[Consent]:
    return [one for one in rules.consents.get((row.source, row.subject), ()) if one.is_in_force(at)]


def _asked(
    row: Stored, facts: Facts, agency: Agency, rules: Rules, at: datetime
) -> Iterable[tuple[Decision, tuple[Consent, ...]]]:
    purposes = {one.purpose for one in _live(row, rules, at) if agency.id in one.recipients}
    own = rules.for_reader(agency)
    for purpose in (None, *sorted(purposes)):
        principal = replace(of_agency(agency), purpose=purpose)
        decision = may_read(principal, facts, own, at)
        if decision.is_allowed and decision.projection not in (None, NOTICE):
            consents = consents_for(principal, (row.source, row.subject), decision, own, at)
            if consents:
                yield decision, tuple(consents[:MOST_CONSENTS])


def _first(agency: Agency, decision: Decision, consents: Sequence[Consent]) -> Widened:
    return Widened(
        readers=(agency.id,),
        consents=tuple(one.id for one in consents),
        purposes=tuple(sorted({one.purpose for one in consents})),
        projection=decision.projection or "",
        text="",
        valid_until=min(one.valid_until for one in consents),
        grant=decision.grant or "",
    )


def _texts(row: Stored, one: Widened, fields_of: Mapping[str, tuple[str, ...]]) -> Iterable[Widened]:
    """It as it is and will be once the alert is over; nothing where the consents open nothing of this event."""
    pointers = tuple(dict.fromkeys(pointer for consent in one.consents for pointer in fields_of[consent]))
    closed = texts_of(row, [one.projection])
    for name in variants(row, one.projection):
        text = render_opened(row, name, pointers, outside=True)
        if text != closed[name]:
            yield replace(one, projection=name, text=text)


def widened_of(row: Mapping[str, Any]) -> Widened:
    """One as it came, its shape checked (schemas.crossing); of what either side thinks fresh the stricter."""
    lists = {name: tuple(row[name]) for name in ("readers", "consents", "purposes")}
    return Widened(**dict(row) | lists | {"fresh_s": min(row["fresh_s"], FRESH_S)})


def widened_row(one: Widened) -> dict[str, Any]:
    """One as it crosses."""
    return {
        "readers": list(one.readers),
        "consents": list(one.consents),
        "purposes": list(one.purposes),
        "projection": one.projection,
        "text": one.text,
        "valid_until": one.valid_until.isoformat(),
        "fresh_s": one.fresh_s,
    }


def only_for_ours(told: Iterable[Widened], agencies: Mapping[str, Agency]) -> tuple[Widened, ...]:
    """Without readers that are no agency of this node."""
    kept = []
    for one in told:
        ours = tuple(name for name in one.readers if (found := agencies.get(name)) is not None and found.peer is None)
        if ours:
            kept.append(replace(one, readers=ours))
    return tuple(kept)
