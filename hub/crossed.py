"""Copies of events that another node released to this one. Pure.

A copy is the texts that came, side by side; no whole event stands behind it, and nobody is shown more than came.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from marshmallow import ValidationError

from hub.directory import Kind
from hub.grants import Tlp
from hub.policy import Facts
from hub.protected import Widened, widened_of
from hub.rendering import CROSSED, dump_cuts, render
from hub.stored import Draft
from hub.timing import Timing
from schemas import accept
from schemas.crossing import CROSSING_EVENT, NOTICE
from schemas.places import country_of
from schemas.sensitivity import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from hub.directory import Agency
    from hub.limits import Limits
    from hub.stored import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """
    An event of another node as this one keeps it; `offered` and the offers are named as grants of that node.

    `about`: the event that this one takes back or relabels.
    """

    hub_id: UUID
    draft: Draft
    accepted_at: datetime
    offers: tuple[str, ...]
    offered: str | None
    about: UUID | None = None
    protected: tuple[Widened, ...] = ()
    is_narrowed: bool = False


class NotTaken(ValueError):
    """The event is refused; `code` says why, for the receipt."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def copy_of(body: Any, node: str, source: Agency | None, here: str, limits: Limits) -> Copy:
    """
    The copy of an event that node `node` sends to this one, in country `here`, as far as `limits` let anybody read it.

    Raises:
        NotTaken: it is malformed, not that node's to send, or not released to this country.
    """
    try:
        told = accept.load(CROSSING_EVENT, body)
    except ValidationError as error:
        raise NotTaken("malformed") from error
    if source is None or source.peer != node:
        raise NotTaken("source-unknown")
    if {country_of(code) for code in told["jurisdictions"]} != {source.country}:
        raise NotTaken("foreign-place")
    apart = tuple(widened_of(one) for one in told.get("protected", ()))
    if here not in told["rel_to"] and (told["texts"].keys() != {NOTICE} or apart):
        raise NotTaken("not-released")
    _require_consistent(told, (*told["texts"].values(), *(one.text for one in apart)))
    most = highest(limits, source.country, here, told["type"])
    kept = {name: text for name, text in told["texts"].items() if name == NOTICE or _level(name) <= most}
    opened = tuple(one for one in apart if _level(one.projection) <= most)
    is_narrowed = len(kept) < len(told["texts"]) or len(opened) < len(apart)
    return replace(_copy(told, kept, node), protected=opened, is_narrowed=is_narrowed)


def _require_consistent(told: Mapping[str, Any], texts: Iterable[str]) -> None:
    """What is read must be what was decided about: the texts say of themselves what their envelope says of them."""
    for text in texts:
        try:
            written = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise NotTaken("malformed") from error
        if not isinstance(written, dict):
            raise NotTaken("malformed")
        label = written.get("label", {})
        if any(written.get(name) != told[name] for name in ("source", "id", "type", "subject", "status")):
            raise NotTaken("inconsistent")
        if label.get("tlp", "amber+strict") != told["tlp"] or label.get("purpose") != told.get("purpose"):
            raise NotTaken("inconsistent")


@lru_cache(maxsize=256)  # of a file of limits and a type, asked for every event
def highest(limits: Limits, origin: str, here: str, event_type: str) -> int:
    """The most that any kind of agency here may read of a type from another country; below public, nothing."""
    most = -1
    for kind in Kind:
        rows = limits.ceiling(kind, event_type, addressed=True), limits.crossing(origin, here, kind, event_type)
        if rows[0] is not None and rows[1] is not None:
            most = max(most, min(rows[0].clearance, rows[1].clearance))
    return most


def _level(name: str) -> int:
    return Sensitivity[name.removesuffix("~").upper()].value


def _copy(told: Mapping[str, Any], texts: Mapping[str, str], node: str) -> Copy:
    text, cuts = _side_by_side(texts)
    facts = Facts(
        source=told["source"],
        type=told["type"],
        status=told["status"],
        tlp=Tlp.of(told["tlp"]),
        jurisdictions=tuple(sorted(told["jurisdictions"])),
        rel_to=tuple(sorted(told["rel_to"])),
        audience=tuple(sorted(told["audience"])),
        purpose=told.get("purpose"),
    )
    draft = Draft(
        source=told["source"],
        id=told["id"],
        type=told["type"],
        subject=told["subject"],
        time=told["time"],
        facts=facts,
        timing=Timing(
            lapses=told["lapses"],
            lapsed_at=None,
            public_until=told.get("public_until"),
            active_until=told.get("active_until"),
        ),
        digest=hashlib.sha256(text.encode()).digest(),
        projection_version=CROSSED,
        cuts=dump_cuts(cuts),
        text=text,
    )
    offered, about = told.get("offered"), told.get("about")
    return Copy(
        hub_id=UUID(told["event"]),
        draft=draft,
        accepted_at=told["accepted_at"],
        offers=tuple(f"{node}:{name}" for name in told["offers"]),
        offered=None if offered is None else f"{node}:{offered}",
        about=None if about is None else UUID(about),
    )


def _side_by_side(texts: Mapping[str, str]) -> tuple[str, dict[str, list[tuple[int, int]]]]:
    """Each different text once, and where each projection stands."""
    places: dict[str, tuple[int, int]] = {}
    parts: list[str] = []
    end = 0
    for text in texts.values():
        if text not in places:
            places[text] = end, end + len(text)
            parts.append(text)
            end += len(text)
    return "".join(parts), {name: [places[text]] for name, text in texts.items()}


def notice_of(row: Stored) -> tuple[str, str]:
    """What stays of a copy that may not be read any more: text and cuts of its notice alone."""
    text = render(row, NOTICE)
    return text, dump_cuts({NOTICE: [(0, len(text))]})
