"""What of an event goes across the border, as its origin decides it. Pure.

The origin sends the texts of those projections that its policy gives somebody over there, and no other byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.border_rows import CODE_OF_TLP
from hub.directory import Kind
from hub.rendering import render, whole
from schemas import projection
from schemas.crossing import MOST_NAMED, NOTICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.directory import Agency
    from hub.policy import Decision, Facts
    from hub.stored import Stored

KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The projections that readers over there may have, each with a grant it rests on; who they are, where few."""

    grants: Mapping[str, str]
    readers: tuple[str, ...] | None

    @property
    def projections(self) -> tuple[str, ...]:
        """In order."""
        return tuple(sorted(self.grants))


def release_of(decided: Iterable[tuple[Agency, Decision]], *, counts: int) -> Release:
    """The release that these decisions come to; `counts`: how many agencies they stand for."""
    allowed = [(agency, decision) for agency, decision in decided if decision.is_allowed and decision.projection]
    grants: dict[str, str] = {}
    for _, decision in allowed:
        grants.setdefault(decision.projection or "", decision.grant or "")
    names = tuple(agency.id for agency, _ in allowed) if counts <= MOST_NAMED else None
    return Release(grants=grants, readers=names)


def texts_of(row: Stored, names: Iterable[str]) -> dict[str, str]:
    """The text of each projection as it leaves: what is marked resident is in none, what has lapsed no longer."""
    wanted = [NOTICE, *(each for name in names for each in variants(row, name))]
    if '":"resident"' not in row.text:
        return {name: render(row, name) for name in dict.fromkeys(wanted)}
    cut = projection.project(whole(row), row.type, outside=True)
    return {name: projection.render(cut.text, cut.cuts[name]) for name in dict.fromkeys(wanted)}


def variants(row: Stored, name: str) -> tuple[str, ...]:
    """A projection as it may be now and once the alert is over; of one that is over, the latter."""
    if name == NOTICE or not row.timing.lapses:
        return (name,)
    return (f"{name}~",) if row.timing.lapsed_at is not None else (name, f"{name}~")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """An event on its way: where it stands in the log here, and under which grant it was offered anew, if it was."""

    row: Stored
    facts: Facts
    written: Mapping[str, Any]  # its notice, parsed
    release: Release
    texts: Mapping[str, str]
    directory: int  # the version of the other side's that it was decided with
    policy: str
    about: UUID | None = None  # of a change of an event, which
    protected: Sequence[Mapping[str, Any]] = ()  # what consents open to whom (hub/protected.py)


def event_body(sending: Sending, prefix: str) -> dict[str, Any]:
    """The body of an `event` envelope for the node whose agencies have ids that begin with `prefix`."""
    row, facts, timing = sending.row, sending.facts, sending.row.timing
    named = [one for one in row.audience if one.startswith(prefix) or one in KINDS]
    release = {"directory": sending.directory, "policy": sending.policy, "grants": dict(sending.release.grants)}
    if sending.release.readers is not None:
        release["readers"] = list(sending.release.readers)
    told = {
        "event": str(row.hub_id),
        "source": row.source,
        "id": sending.written["id"],
        "type": row.type,
        "subject": row.subject,
        "time": sending.written["time"],
        "status": facts.status,
        "tlp": CODE_OF_TLP[facts.tlp],
        "rel_to": list(facts.rel_to),
        "audience": named,
        "purpose": facts.purpose,
        "jurisdictions": list(row.jurisdictions),
        "accepted_at": row.accepted_at.isoformat(),
        "public_until": _text(timing.public_until),
        "active_until": _text(timing.active_until),
        "lapses": timing.lapses,
        "offers": sorted(row.offers),
        "offered": row.offered_by or None,
        "about": None if sending.about is None else str(sending.about),
        "position": row.position,
        "release": release,
        "texts": dict(sending.texts),
        "protected": list(sending.protected) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def readers_of(agencies: Iterable[Agency], at: datetime, named: Sequence[str]) -> tuple[Agency, ...]:
    """Of very many agencies one of each sort that the policy cannot tell apart, and those that are `named`."""
    held = tuple(agencies)
    if len(held) <= MOST_NAMED:
        return held
    alike = {}
    for one in held:
        attested = frozenset(each.kind for each in one.attestations if each.is_in_force(at))
        alike[one.kind, one.country, attested] = one
    wanted = set(named)
    return tuple({one.id: one for one in (*alike.values(), *(one for one in held if one.id in wanted))}.values())
