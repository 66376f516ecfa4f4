"""What a CAP connector remembers between documents: marks of the journal, and those on their way into it."""

from __future__ import annotations

import json

from connectors.cap.chain import Link
from connectors.source import Cursor

MAX_WAITING = 256  # messages that may wait for one that is missing
SETTLE_AT = 4_000  # marks; the runner commits a few hundred items at a time
DONE = "done"


class Memory:
    """
    Reads marks through those of items that were yielded but are not in the journal yet.

    Whether a document is done is only ever read from the journal: what was merely yielded may yet fail to be published.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._staged: dict[str, str] = {}
        self._settle_at = SETTLE_AT

    def is_done(self, sha256: str, config: str) -> bool:
        """Whether these very bytes were published, or refused under this configuration."""
        return self._cursor.mark(f"seen:{sha256}") in (DONE, config)

    def link(self, event_id: str) -> Link | None:
        """What is remembered of a message."""
        text = self._read(f"chain:{event_id}")
        return Link.loads(text) if text else None

    def waiting(self, event_id: str) -> tuple[str, ...]:
        """The messages that wait for this one."""
        text = self._read(f"waiting:{event_id}")
        return tuple(json.loads(text)) if text else ()

    def first_digest(self, key: str) -> str | None:
        """The digest under which the first event of a message was issued; None if there was none."""
        history = self._cursor.history(key)
        return history[0].digest if history else None

    def remember(self, event_id: str, link: Link) -> dict[str, str]:
        """The marks that record a message and what it waits for."""
        marks = {f"chain:{event_id}": link.dumps()}
        for missing in link.placement.waits:
            waiting = dict.fromkeys((*self.waiting(missing), event_id))
            marks[f"waiting:{missing}"] = json.dumps(list(waiting)[:MAX_WAITING])
        return self._stage(marks)

    def arrived(self, event_id: str) -> dict[str, str]:
        """The marks that record that nothing waits for this message any more."""
        return self._stage({f"waiting:{event_id}": "[]"}) if self.waiting(event_id) else {}

    def settle(self) -> None:
        """Forget, now and then, what the journal has taken over, so that memory stays bounded."""
        if len(self._staged) >= self._settle_at:
            pending = {name: value for name, value in self._staged.items() if self._cursor.mark(name) != value}
            self._staged = pending
            self._settle_at = max(SETTLE_AT, 2 * len(pending))

    def _read(self, name: str) -> str | None:
        return self._staged.get(name) or self._cursor.mark(name)

    def _stage(self, marks: dict[str, str]) -> dict[str, str]:
        self._staged.update(marks)
        return marks
