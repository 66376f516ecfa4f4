"""The Atom feed (RFC 4287) of what is public now, with what no longer is (RFC 6721). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lxml import etree

from hub.cap import words
from hub.cap.message import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from hub.cap.press import Document, Imprint

ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
CAP_TYPE = "application/cap+xml"
ATOM_TYPE = "application/atom+xml"
MOST_ENTRIES = 100
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # of a feed that has nothing yet: the same at each look


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A document that is no longer there, and since when."""

    hub_id: UUID
    when: datetime


def feed(imprint: Imprint, documents: Sequence[Document], gone: Sequence[Tombstone]) -> bytes:
    """The feed, newest first; the same bytes for the same contents."""
    root = etree.XML(f'<feed xmlns="{ATOM}" xmlns:at="{TOMBSTONES}"/>')
    moments = [one.updated for one in documents] + [one.when for one in gone]
    self_url = f"{imprint.url}/public/alerts.atom"
    _text(root, "id", self_url)
    _text(root, "title", words.both(words.FEED.format(node=imprint.node)))
    _text(root, "updated", _time(max(moments, default=_NEVER)))
    etree.SubElement(root, f"{{{ATOM}}}link", rel="self", type=ATOM_TYPE, href=self_url)
    for one in sorted(documents, key=lambda one: (one.updated, one.hub_id), reverse=True)[:MOST_ENTRIES]:
        _entry(root, imprint, one)
    for tomb in sorted(gone, key=lambda one: (one.when, one.hub_id), reverse=True)[:MOST_ENTRIES]:
        named = {"ref": identifier(tomb.hub_id), "when": _time(tomb.when)}
        etree.SubElement(root, f"{{{TOMBSTONES}}}deleted-entry", named)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _entry(root: etree._Element, imprint: Imprint, document: Document) -> None:
    entry = etree.SubElement(root, f"{{{ATOM}}}entry")
    _text(entry, "id", identifier(document.hub_id))
    _text(entry, "title", document.title)
    _text(entry, "updated", _time(document.updated))
    author = etree.SubElement(entry, f"{{{ATOM}}}author")
    _text(author, "name", document.source_name)
    etree.SubElement(entry, f"{{{ATOM}}}category", term=document.message_type)
    href = f"{imprint.url}/public/alerts/{document.hub_id}.xml"
    etree.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", type=CAP_TYPE, href=href)


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}{name}").text = text


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
