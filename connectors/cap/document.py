"""A CAP document as frozen values, faithful to what its sender wrote; what the values mean is judged in ``rules``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from connectors.cap import structure, xml
from connectors.cap.structure import Block, Place
from schemas.flaws import Flaw, Malformed, flaw
from schemas.texts import Text

DEFAULT_LANGUAGE = "en-US"  # of an info block that names none (CAP 1.2 section 3.2.2)

NOT_CAP = Text(
    "This is XML, but no alert of CAP 1.2 or 1.1.", "Es XML, pero no una alerta de CAP 1.2 o 1.1.", code="not-cap"
)
OTHER_VERSION = Text(
    "This CAP version is not accepted; send CAP 1.2 or 1.1.",
    "Esta versión de CAP no se acepta; envíe CAP 1.2 o 1.1.",
    code="cap-version",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A code or measure with the name of its list: ``("SAME", "006073")``."""

    path: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where; shapes are still as written."""

    path: str
    description: str
    polygons: tuple[str, ...]
    circles: tuple[str, ...]
    geocodes: tuple[Pair, ...]
    altitude: str
    ceiling: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A file that goes with an alert; content packed into the alert itself stays in the kept original."""

    path: str
    description: str
    mime_type: str
    size: str
    uri: str
    digest: str
    is_inline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """One rendering of the alert; several of them say the same in several languages. Times are as written."""

    path: str
    language: str
    categories: tuple[str, ...]
    event: str
    response_types: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    audience: str
    event_codes: tuple[Pair, ...]
    effective: str
    onset: str
    expires: str
    sender_name: str
    headline: str
    description: str
    instruction: str
    web: str
    contact: str
    parameters: tuple[Pair, ...]
    resources: tuple[Resource, ...]
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapDocument:
    """One alert message; an absent element is ``""`` or empty. ``flaws`` are those of its arrangement only."""

    version: str
    identifier: str
    sender: str
    sent: str
    status: str
    msg_type: str
    source: str
    scope: str
    restriction: str
    addresses: str
    codes: tuple[str, ...]
    note: str
    references: str
    incidents: str
    infos: tuple[Info, ...]
    signatures: int
    sha256: str  # of the bytes as received
    flaws: tuple[Flaw, ...]


def parse(raw: bytes, limits: xml.Limits = xml.DOCUMENT) -> CapDocument:
    """
    Read one document.

    Raises:
        Malformed: it cannot be parsed, or is no CAP 1.2 or 1.1 alert.
    """
    root = xml.parse(raw, limits)
    namespace, name = xml.split(root)
    if namespace not in structure.VERSIONS or name != "alert":
        older = name == "alert" and "cap" in namespace
        raise Malformed(flaw("/", OTHER_VERSION if older else NOT_CAP))
    return _Reader(namespace).alert(Place(path="/alert", element=root), hashlib.sha256(raw).hexdigest())


def sent_of(raw: bytes) -> str:
    """When a document says it was sent, as it says it; ``""`` if that cannot be read."""
    try:
        root = xml.parse(raw)
    except Malformed:
        return ""
    return (root.findtext(f"{{{xml.split(root)[0]}}}sent") or "").strip()


class _Reader:
    """Reads one document, gathering the flaws of its arrangement on the way."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._resource = structure.RESOURCE if namespace == structure.CAP_1_2 else structure.RESOURCE_1_1
        self._flaws: list[Flaw] = []

    def alert(self, place: Place, sha256: str) -> CapDocument:
        """The whole document."""
        block = self._block(place, structure.ALERT)
        infos = tuple(self._info(info) for info in block.blocks("info"))
        return CapDocument(
            version=structure.VERSIONS[self._namespace],
            identifier=block.one("identifier"),
            sender=block.one("sender"),
            sent=block.one("sent"),
            status=block.one("status"),
            msg_type=block.one("msgType"),
            source=block.one("source"),
            scope=block.one("scope"),
            restriction=block.one("restriction"),
            addresses=block.one("addresses"),
            codes=block.many("code"),
            note=block.one("note"),
            references=block.one("references"),
            incidents=block.one("incidents"),
            infos=infos,
            signatures=block.signatures,
            sha256=sha256,
            flaws=tuple(self._flaws),
        )

    def _info(self, place: Place) -> Info:
        block = self._block(place, structure.INFO)
        return Info(
            path=place.path,
            language=block.one("language"),
            categories=block.many("category"),
            event=block.one("event"),
            response_types=block.many("responseType"),
            urgency=block.one("urgency"),
            severity=block.one("severity"),
            certainty=block.one("certainty"),
            audience=block.one("audience"),
            event_codes=self._pairs(block, "eventCode"),
            effective=block.one("effective"),
            onset=block.one("onset"),
            expires=block.one("expires"),
            sender_name=block.one("senderName"),
            headline=block.one("headline"),
            description=block.one("description"),
            instruction=block.one("instruction"),
            web=block.one("web"),
            contact=block.one("contact"),
            parameters=self._pairs(block, "parameter"),
            resources=tuple(self._file(resource) for resource in block.blocks("resource")),
            areas=tuple(self._area(area) for area in block.blocks("area")),
        )

    def _file(self, place: Place) -> Resource:
        block = self._block(place, self._resource)
        return Resource(
            path=place.path,
            description=block.one("resourceDesc"),
            mime_type=block.one("mimeType"),
            size=block.one("size"),
            uri=block.one("uri"),
            digest=block.one("digest"),
            is_inline=bool(block.blocks("derefUri")),
        )

    def _area(self, place: Place) -> Area:
        block = self._block(place, structure.AREA)
        return Area(
            path=place.path,
            description=block.one("areaDesc"),
            polygons=block.many("polygon"),
            circles=block.many("circle"),
            geocodes=self._pairs(block, "geocode"),
            altitude=block.one("altitude"),
            ceiling=block.one("ceiling"),
        )

    def _block(self, place: Place, table: str) -> Block:
        block = structure.read(place, table, self._namespace)
        self._flaws.extend(block.flaws)
        return block

    def _pairs(self, block: Block, name: str) -> tuple[Pair, ...]:
        found: list[Pair] = []
        for place in block.blocks(name):
            values, flaws = structure.pairs(place, self._namespace)
            self._flaws.extend(flaws)
            found.extend(Pair(path=place.path, name=key, value=value) for key, value in values)
        return tuple(found)
