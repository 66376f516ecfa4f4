"""CAP scope, restriction and addresses to the label, by the source's ``[label]`` table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.cap import times, vocabulary
from connectors.cap.document import CapDocument
from connectors.cap.settings import Handling, Labelling
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

MAX_AUDIENCE = 50
MAX_MARKS = 64
# Members a person wrote freely; in a Restricted alert they are for law enforcement and prosecutors only.
FREE_TEXT = (
    "event",
    "headline",
    "description",
    "instruction",
    "texts",
    "sender_name",
    "audience",
    "contact",
    "web",
    "resources",
    "parameters",
)

NOBODY_KNOWN = Text(
    "No address of this Private alert is known here; only its sender can see it.",
    "Ninguna dirección de esta alerta Private se conoce aquí; solo quien la envió puede verla.",
    code="addresses-unmapped",
)
SOME_UNKNOWN = Text(
    "Some addresses of this Private alert are not known here and got nothing.",
    "Algunas direcciones de esta alerta Private no se conocen aquí y no recibieron nada.",
    code="addresses-partly-unmapped",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The label on the wire, and what readers should know about how it came about."""

    label: dict[str, Any]
    flaws: tuple[Flaw, ...] = ()


def label(
    document: CapDocument,
    table: Labelling,
    *,
    sent: datetime,
    ends: datetime | None,
    is_closing: bool,
    data: Mapping[str, Any],
) -> Labelled:
    """
    Label one alert.

    Args:
        ends: when it expires, if it says so.
        is_closing: a cancellation or located; what it closes is no longer active.
        data: the body, whose free texts are marked when the scope is not Public.
    """
    scope = vocabulary.nearest(document.scope, vocabulary.SCOPES) or vocabulary.RESTRICTED
    handling = {vocabulary.PUBLIC: table.public, vocabulary.PRIVATE: table.private}.get(scope, table.restricted)
    found: dict[str, Any] = {"tlp": handling.tlp, "rel_to": list(handling.rel_to)}
    audience, flaws = _audience(document, scope, handling, table.addresses)
    if audience:
        found["audience"] = audience
    if scope == vocabulary.RESTRICTED:
        found["marks"] = _marks(data)
    if table.purpose:
        found["purpose"] = table.purpose
    if table.caveat:
        found["caveat"] = dict(table.caveat)
    if ends is not None and not is_closing and table.active == "until-expires":
        found["active_until"] = times.wire(ends)
    if scope == vocabulary.PUBLIC:
        found["public_until"] = times.wire(ends or sent + timedelta(hours=table.public_hours))
    return Labelled(label=found, flaws=flaws)


def _audience(
    document: CapDocument, scope: str, handling: Handling, known: Mapping[str, str]
) -> tuple[list[str], tuple[Flaw, ...]]:
    if scope != vocabulary.PRIVATE:
        return list(handling.audience), ()
    written = _addresses(document.addresses)
    named = [known[address.lower()] for address in written if address.lower() in known]
    audience = list(dict.fromkeys((*handling.audience, *named)))[:MAX_AUDIENCE]
    if not audience:
        return [], (flaw("/alert/addresses", NOBODY_KNOWN),)
    return audience, (flaw("/alert/addresses", SOME_UNKNOWN),) if len(named) < len(written) else ()


def _addresses(written: str) -> Sequence[str]:
    """Addresses have white space between them; one that contains some is quoted (CAP 1.2 section 3.2.1)."""
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|([^\s"]+)', written)]


def _marks(data: Mapping[str, Any]) -> dict[str, str]:
    marks = {f"/data/{name}": "enforcement" for name in FREE_TEXT if name in data}
    described = [
        f"/data/areas/{place}/description" for place, area in enumerate(data.get("areas", ())) if "description" in area
    ]
    if len(marks) + len(described) > MAX_MARKS:
        described = ["/data/areas"]
    return marks | dict.fromkeys(described, "enforcement")
