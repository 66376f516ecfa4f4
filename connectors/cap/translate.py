"""A CAP document to one event of the published language. Pure: the same document and placement give the same event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.cap import kinds, labels, places, rules, times, vocabulary
from connectors.cap.body import body, lasting
from connectors.cap.chain import Placement
from connectors.cap.document import CapDocument
from connectors.cap.identity import Identity
from connectors.cap.rules import Finding
from connectors.cap.settings import Reading
from connectors.cap.signature import Verdict
from schemas import wire
from schemas.fields import printable
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

MAX_DEFECTS = 32
MAX_EVENT_BYTES = 250_000  # of 262,144 that the hub takes

DANGLING = Text(
    "The alert this one refers to has not been seen; which one they belong to is assumed until it arrives.",
    "No se ha visto la alerta a la que esta se refiere; se supone a cuál pertenece hasta que llegue.",
    code="reference-missing",
)
MORE_DEFECTS = Text(
    "There are {count} more flaws; the original shows them.",
    "Hay {count} defectos más; el original los muestra.",
    code="more-defects",
)
LARGE = Text(
    "The alert is too large to be passed on whole; shapes, parameters or parts of texts are only in the original.",
    "La alerta es demasiado grande; formas, parámetros o partes de textos solo están en el original.",
    code="event-reduced",
)


def translate(
    document: CapDocument,
    identity: Identity,
    *,
    reading: Reading,
    placement: Placement,
    verdict: Verdict,
    findings: Iterable[Finding] = (),
    correction: str = "",
) -> dict[str, Any]:
    """
    The event of a document without findings that refuse it.

    Args:
        findings: of ``rules.check``; those that do not refuse become defects.
        correction: what to add to the id when the same document is published again.
    """
    programme = kinds.programme_of(document, reading)
    verb = kinds.verb_of(document, placement.kind)
    data, cuts = body(document, reading, identity.sent)
    if placement.kind == kinds.MISSING_CHILD and programme is not None:
        data["programme"] = programme
    where = places.resolve(document, own=reading.jurisdictions, country=reading.country, aliases=reading.schemes)
    labelled = labels.label(
        document,
        reading.label,
        sent=identity.sent,
        ends=lasting(document, identity.sent),
        is_closing=verb in ("cancelled", "located"),
        data=data,
    )
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": identity.id + correction,
        "source": reading.agency,
        "type": f"alert.{placement.kind}.{verb}",
        "subject": placement.subject,
        "time": times.wire(identity.sent),
        "status": _status(document),
        "jurisdictions": list(where.jurisdictions),
        "label": labelled.label,
        "origin": _origin(document, verdict),
        "data": data,
    }
    dangling = (flaw("/alert/references", DANGLING),) if placement.is_dangling else ()
    return _fitted(event, (*dangling, *rules.defects(findings), *verdict.flaws, *where.flaws, *labelled.flaws, *cuts))


def correction_of(placement: Placement) -> str:
    """What a correction adds to the id: the same for the same placement, so that it too is published once."""
    return "~" + hashlib.sha256(placement.digest_part.encode()).hexdigest()[:12]


def _status(document: CapDocument) -> str:
    status = vocabulary.nearest(document.status, vocabulary.STATUSES)
    return vocabulary.STATUSES[status or "Test"]


def _origin(document: CapDocument, verdict: Verdict) -> dict[str, Any]:
    origin: dict[str, Any] = {
        "format": f"cap-{document.version}",
        "sha256": document.sha256,
        "signature": verdict.signature,
    }
    if verdict.signers:
        origin["signers"] = list(verdict.signers)
    return origin


def _defects(flaws: Iterable[Flaw]) -> list[Mapping[str, Any]]:
    """Each flaw once; if there are too many, the first of each kind come first and the rest is counted."""
    found = list(dict.fromkeys((one.code, one.path, one.text) for one in flaws))
    if len(found) > MAX_DEFECTS:
        seen: set[str] = set()
        first = [one for one in found if one[0] not in seen and not seen.add(one[0])]  # type: ignore[func-returns-value]
        rest = [one for one in found if one not in first]
        kept = (first + rest)[: MAX_DEFECTS - 1]
        found = [*kept, (MORE_DEFECTS.code, "/alert", MORE_DEFECTS.format(count=len(found) - len(kept)))]
    return [{"code": code, "path": printable(path)[:200], "text": text.as_dict()} for code, path, text in found]


def _fitted(event: dict[str, Any], flaws: tuple[Flaw, ...]) -> dict[str, Any]:
    """The event with its defects, reduced step by step until the hub can take it."""
    defects = _defects(flaws)
    steps = iter((_without_shapes, _without_parameters, _with_short_texts))
    while True:
        whole = event | ({"defects": defects} if defects else {})
        if len(wire.encode(whole)) <= MAX_EVENT_BYTES:
            return whole
        event = event | {"data": next(steps)(event["data"])}
        defects = _defects((flaw("/alert/info", LARGE), *flaws))


def _without_shapes(data: dict[str, Any]) -> dict[str, Any]:
    kept = [
        {name: value for name, value in area.items() if name != "polygons_lat_lon_deg"}
        for area in data.get("areas", ())
    ]
    return data | {"areas": [area for area in kept if area]} if kept else data


def _without_parameters(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in ("parameters", "texts")}


def _with_short_texts(data: dict[str, Any]) -> dict[str, Any]:
    long = ("description", "instruction", "note")
    return data | {name: {key: text[:4000] for key, text in data[name].items()} for name in long if name in data}
