"""
A label is only ever changed to a tighter one: what it loosens is said, and is for a new event. Pure.

Whoever could not read the event before cannot after it, and whoever could reads the same or less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hub.borders import bound
from schemas.label import RESIDENT, TLPS
from schemas.registry import is_answer
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

    from hub.directory import Agency
    from hub.policy import Rules
    from schemas.label import Label

LOOSENS = Text(
    "the new label would loosen the old one ({why}); publish a new event",
    "la nueva etiqueta relajaría la anterior ({why}); publique un evento nuevo",
)
TLP = Text("a lower tlp", "un tlp más bajo")
COUNTRIES = Text("more countries in rel_to", "más países en rel_to")
AUDIENCE = Text("a wider audience", "más destinatarios")
NAMED = Text(
    "naming them lets them see more: {who}",
    "al nombrarlos podrían ver más: {who}",
)
PURPOSE = Text("another purpose", "otro fin")
MARK = Text("no mark at {pointer}, or a laxer one", "ninguna marca en {pointer}, o una más laxa")
LATER = Text("{member} later, or without an end", "{member} más tarde, o sin fin")
TIMES = ("public_until", "active_until", "review_by")


def loosened(present: Label, proposed: Label) -> tuple[Text, ...]:
    """What `proposed` would loosen; nothing where it is as tight or tighter throughout."""
    return tuple(_loosened(present, proposed))


def _loosened(present: Label, proposed: Label) -> Iterator[Text]:
    if TLPS.index(proposed.tlp) < TLPS.index(present.tlp):
        yield TLP
    if not set(proposed.rel_to) <= set(present.rel_to):
        yield COUNTRIES
    # Nobody named means whoever has a grant; under TLP:RED it means nobody.
    is_open = not present.audience and (present.tlp != TLPS[-1] or not proposed.audience)
    if not is_open and not (proposed.audience and set(proposed.audience) <= set(present.audience)):
        yield AUDIENCE
    if present.purpose not in (None, proposed.purpose):
        yield PURPOSE
    yield from (
        MARK.format(pointer=pointer)
        for pointer, mark in present.marks.items()
        if not _is_as_strict(mark, proposed.marks.get(pointer))
    )
    yield from (
        LATER.format(member=name) for name in TIMES if not _is_no_later(getattr(present, name), getattr(proposed, name))
    )


def _is_as_strict(present: str, proposed: str | None) -> bool:
    """`resident` keeps a member in its node and hides it from nobody there: neither replaces the other."""
    if proposed is None or RESIDENT in (present, proposed):
        return proposed == present
    return Sensitivity[proposed.upper()] >= Sensitivity[present.upper()]


def _is_no_later(present: datetime | None, proposed: datetime | None) -> bool:
    return present is None or (proposed is not None and proposed <= present)


def raised(present: Label, proposed: Label, source: str, event_type: str, rules: Rules) -> tuple[Text, ...]:
    """
    Whom of those that the new audience names for the first time it would let see more: hard limits are laxer to who is
    named, and whom an answer names may read it without a grant.
    """
    agencies = rules.directory.agencies
    newly = [agencies[one] for one in sorted({*proposed.audience} - {*present.audience}) if one in agencies]
    more = [one.id for one in newly if is_answer(event_type) or _sees_more(one, agencies[source], event_type, rules)]
    return (NAMED.format(who=", ".join(more)),) if more else ()


def _sees_more(reader: Agency, source: Agency, event_type: str, rules: Rules) -> bool:
    limits, borders = rules.limits, rules.borders
    named, unnamed = (
        bound(reader, source, event_type, limits, borders, addressed=addressed) for addressed in (True, False)
    )
    if isinstance(named, Text):
        return False
    return isinstance(unnamed, Text) or named.row.clearance > unnamed.row.clearance


def refusal(reasons: Iterable[Text]) -> Text:
    """All of them in one sentence."""
    listed = tuple(reasons)
    return LOOSENS.format(why=Text(", ".join(listed), ", ".join(reason.es for reason in listed)))
