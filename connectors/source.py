"""What a kind of source (CAP, table, ...) hands to the runner, and what the runner remembers for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.flaws import Flaw
from schemas.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A document, or one row of it, that cannot become an event; `flaws` say why without repeating its content."""

    document: str
    position: str = ""  # "row 7", "line 12", an element path; empty = the whole document
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    The unit of progress: a document, or one row of a table, with all that became of it.

    Its events are published in the order given; once the broker has acknowledged every one of them, the journal
    remembers `key -> digest` and `marks`, in one transaction. An item with `unknown` is never remembered: it could
    not be read this time (a link that fails, an empty body) and says nothing about whether there are alerts.
    """

    document: str  # for people: a file name or a URL
    position: str = ""  # for people: "row 7"; empty = the whole document
    key: str = ""  # stable identity within this connector; empty = document and position
    digest: str = ""  # of the content; the same content gives the same digest
    events: tuple[dict[str, Any], ...] = ()  # wire objects, valid per schemas.envelope.load
    refusals: tuple[Refusal, ...] = ()
    unknown: tuple[Flaw, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)  # ETag, Last-Modified ... to be read with Cursor.mark
    remarks: tuple[Text, ...] = ()  # what a person setting the connector up should know; shown by `check` only

    @property
    def identity(self) -> str:
        """The key under which the journal remembers this item."""
        return self.key or f"{self.document}#{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One event that this connector published, or was about to publish when it was last stopped."""

    id: str
    type: str
    subject: str
    time: str  # RFC 3339, as sent
    digest: str  # of the item it came from
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event as it goes to Kafka; records of one subject keep their order."""

    id: str
    subject: str
    body: bytes


class Cursor(Protocol):
    """How far this connector has come; read by sources, written only by the runner after an acknowledgement."""

    def knows(self, key: str, digest: str) -> bool:
        """Whether this very content of `key` has been published in full."""

    def history(self, key: str) -> tuple[Issued, ...]:
        """Every event of `key`, oldest first."""

    def latest(self) -> Iterator[tuple[str, Issued]]:
        """Each key with its last event."""

    def mark(self, name: str) -> str | None:
        """A value an earlier item left under `marks`; None = never set."""


class Blank:
    """The cursor of a connector that has never run; dry runs use it."""

    def knows(self, key: str, digest: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Nothing was ever published."""
        return False

    def history(self, key: str) -> tuple[Issued, ...]:  # noqa: ARG002
        """Nothing was ever published."""
        return ()

    def latest(self) -> Iterator[tuple[str, Issued]]:
        """Nothing was ever published."""
        return iter(())

    def mark(self, name: str) -> str | None:  # noqa: ARG002
        """Nothing was ever remembered."""
        return None


class SourceFailed(Exception):
    """
    The source as a whole could not be read: what it holds is unknown, which is never "no alerts".

    `code` is a stable slug for status files and metrics; `text` is for people and names no content.
    """

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Source(Protocol):
    """One place where an agency keeps alerts or cases."""

    def items(self, cursor: Cursor) -> Iterator[Item]:
        """
        Everything there is now, lazily; items that `cursor` knows may be left out.

        Raises:
            SourceFailed: before or after any item; what was yielded before still counts.
        """
