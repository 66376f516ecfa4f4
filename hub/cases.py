"""Read one alert or case: where it stands and how it came there, as this reader may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import NotVisible
from hub.events import NOTHING
from hub.principal import READ
from hub.reading import Asking, Shown, require_scope, show
from hub.store import audit, events
from schemas.registry import closes, tells_state

if TYPE_CHECKING:
    from hub.store import Connection

MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """The visible events of one subject of one source, oldest first."""

    source: str
    history: tuple[Shown, ...]

    @property
    def is_closed(self) -> bool:
        """Whether it has ended: by its newest event, by one sent after it that came before it, or all was recalled."""
        standing = [item.row for item in self.history if item.row.recalled_at is None]
        return not standing or closes(standing[-1].type) or standing[-1].timing.lapsed_at is not None


def read_case(conn: Connection, asking: Asking, subject: str) -> list[Case]:
    """
    Every case under this subject that the reader may see something of; subjects are their source's to choose, so
    two sources may use the same one.

    Raises:
        NotVisible: nothing there for this reader; the attempt is on record.
        Denied: the token has no right to read events.
        Stale: the picture has changed.
    """
    require_scope(conn, asking, READ)
    asking.require_current(conn)
    lanes = asking.view.lanes.lanes
    wanted = [lane for lane in asking.reach().lanes if tells_state(lanes[lane].facts.type)]
    if "\0" in subject:  # in no event, and PostgreSQL does not take it
        wanted, subject = [], ""
    rows = events.of_subject(conn, subject, asking.principal.agency.id, wanted, limit=MOST_EVENTS)
    shown = show(conn, asking, rows, "case")
    if not shown:
        # The subject is the sender's word and goes nowhere else, so the entry does not repeat it.
        audit.record(conn, asking.principal, "case.read", NOTHING, policy=asking.view.rules.version)
        raise NotVisible
    by_source: dict[str, list[Shown]] = {}
    for item in shown:
        by_source.setdefault(item.row.source, []).append(item)
    return [Case(source, tuple(history)) for source, history in sorted(by_source.items())]
