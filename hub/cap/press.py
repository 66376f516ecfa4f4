"""Documents as they leave: made from messages, signed, and kept for as long as they would be made the same."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cap.document import alert
from hub.cap.info import headline
from hub.cap.message import instant
from schemas.bilingual import LANGUAGES

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hub.cap.message import Message
    from hub.cap.seal import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """Who publishes: the agency that stands for the public, the sender of all documents, where links begin."""

    agency: str
    sender: str
    url: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A signed document, and what the feed says of it; `sent` as CAP writes it."""

    hub_id: UUID
    xml: bytes
    tag: str
    title: str
    source_name: str
    message_type: str
    sent: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """
    What a document depends on: the events it is made from, its own last, and the rules by version (a relabelling too).

    Each event with its projection at that moment, since what a document repeats may cease to be public before it does.
    """

    made_from: tuple[tuple[UUID, str], ...]
    rules: str


class Press:
    """
    Makes documents. Signing costs milliseconds, and a document is the same for everybody, so it is kept.

    Bounded, oldest out first: what is asked for again is made again.
    """

    def __init__(self, imprint: Imprint, seal: Seal, most: int = 1000) -> None:
        self.imprint = imprint
        self._seal = seal
        self._most = most
        self._kept: OrderedDict[Key, Document] = OrderedDict()

    def kept(self, key: Key) -> Document | None:
        """A document made before."""
        return self._kept.get(key)

    def keep(self, key: Key, document: Document) -> None:
        """Hold on to a document; only when its disclosure is committed, since it leaves from here without one."""
        self._kept[key] = document
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    @staticmethod
    def tag(content: bytes) -> str:
        """The entity tag of what leaves: other bytes, another tag (RFC 9110 section 8.8.3)."""
        return hashlib.sha256(content).hexdigest()[:32]

    def make(self, message: Message) -> Document:
        """The signed document of a message."""
        xml = self._seal.sign(alert(message))
        titles = [text for language in LANGUAGES if (text := headline(message, language))]
        return Document(
            hub_id=message.hub_id,
            xml=xml,
            tag=self.tag(xml),
            title=" / ".join(dict.fromkeys(titles)) or message.source_name,
            source_name=message.source_name,
            message_type=message.message_type,
            sent=message.sent,
            updated=instant(message.event["time"]),
        )
