"""
What an index of CAP documents points at: Atom (RFC 4287), RSS 2.0, or any wrapper that holds alerts themselves.

Read with lxml under the same limits as documents, not with a feed reader: those mend broken XML by guessing and
rewrite what is inside, while an alert inside a feed must come out as it went in, or its signature breaks.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from connectors.cap import structure, times, xml
from connectors.cap.http import joined
from schemas.flaws import Malformed, flaw
from schemas.texts import Text

ATOM = "http://www.w3.org/2005/Atom"
MAX_ENTRIES = 5_000
_CAP_TYPE = "application/cap+xml"

NOT_A_FEED = Text(
    "This is neither a CAP alert nor an Atom or RSS feed.",
    "No es una alerta CAP ni un canal Atom o RSS.",
    code="not-a-feed",
)
TOO_MANY = Text(
    "The feed has more than {most} entries.", "El canal tiene más de {most} entradas.", code="feed-too-large"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One alert of an index: inside it (``inline``), or behind a link; neither means that it cannot be known."""

    position: str  # "entry[12]"
    link: str = ""  # absolute if the index has an address
    inline: bytes | None = None
    updated: str = ""  # as written; the link is fetched again when it changes


def is_alert(root: etree._Element) -> bool:
    """Whether this is a CAP document rather than an index."""
    namespace, name = xml.split(root)
    return name == "alert" and namespace in structure.VERSIONS


def entries(root: etree._Element, *, base: str = "") -> tuple[Entry, ...]:
    """
    The entries of an index in its order; an empty index is a statement: there are no alerts.

    Args:
        base: the address it came from, which relative links start at.

    Raises:
        Malformed: it is no index, or a too large one.
    """
    found = _found(root, base)
    if found is None:
        raise Malformed(flaw("/", NOT_A_FEED))
    if len(found) > MAX_ENTRIES:
        raise Malformed(flaw("/", TOO_MANY.format(most=MAX_ENTRIES)))
    return found


def oldest_first(found: Sequence[Entry]) -> list[Entry]:
    """Entries in the order of their alerts, so that an update finds what it refers to; feeds begin with the newest."""
    return sorted(reversed(found), key=lambda entry: _at(entry.updated))


def _at(updated: str) -> datetime:
    """Atom writes RFC 3339, RSS writes RFC 5322; what is neither sorts first."""
    instant = times.read(updated, assumed=UTC).instant
    if instant is None:
        try:
            instant = parsedate_to_datetime(updated)
        except ValueError:
            return datetime.min.replace(tzinfo=UTC)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _found(root: etree._Element, base: str) -> tuple[Entry, ...] | None:
    namespace, name = xml.split(root)
    if (namespace, name) == (ATOM, "feed"):
        listed = root.findall(f"{{{ATOM}}}entry")
        return tuple(_atom(entry, place, base) for place, entry in enumerate(listed, 1))
    if (namespace, name) == ("", "rss"):
        return tuple(_rss(item, place, base) for place, item in enumerate(root.findall("channel/item"), 1))
    inside = [child for child in root if is_alert(child)]
    if inside:
        return tuple(Entry(position=f"alert[{place}]", inline=_serialised(one)) for place, one in enumerate(inside, 1))
    # FEMA's all-hazards feed wraps alerts in <alerts>; without any, it says that there are none.
    return () if name == "alerts" and not len(root) else None


def _atom(entry: etree._Element, place: int, base: str) -> Entry:
    position = f"entry[{place}]"
    updated = (entry.findtext(f"{{{ATOM}}}updated") or "").strip()
    inline = _inline(entry)
    if inline is not None:
        return Entry(position=position, inline=inline, updated=updated)
    links = entry.findall(f"{{{ATOM}}}link")
    usable = [link for link in links if link.get("rel", "alternate") == "alternate" and link.get("href")]
    usable.sort(key=lambda link: link.get("type") != _CAP_TYPE)  # stable: CAP first, else the first
    content = entry.find(f"{{{ATOM}}}content")
    source = content.get("src", "") if content is not None else ""
    href = (usable[0].get("href") or "") if usable else source
    return Entry(position=position, link=joined(base, href.strip()) if href else "", updated=updated)


def _rss(item: etree._Element, place: int, base: str) -> Entry:
    position = f"item[{place}]"
    updated = (item.findtext("pubDate") or "").strip()
    inline = _inline(item)
    if inline is not None:
        return Entry(position=position, inline=inline, updated=updated)
    enclosures = [one.get("url", "") for one in item.findall("enclosure") if one.get("type") == _CAP_TYPE]
    guid = item.find("guid")
    permanent = (guid.text or "") if guid is not None and guid.get("isPermaLink", "true") == "true" else ""
    href = next((one.strip() for one in (*enclosures, item.findtext("link") or "", permanent) if one.strip()), "")
    return Entry(position=position, link=joined(base, href) if href else "", updated=updated)


def _inline(entry: etree._Element) -> bytes | None:
    alert = next((one for one in entry.iterdescendants() if is_alert(one)), None)
    return _serialised(alert) if alert is not None else None


def _serialised(alert: etree._Element) -> bytes:
    # A copy declares only the namespaces it uses itself; those of the wrapper would break inclusive signatures.
    return etree.tostring(copy.deepcopy(alert), with_tail=False, encoding="utf-8", xml_declaration=False)
