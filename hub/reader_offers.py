"""When a reader's rights widen by something other than a grant, what opened behind its cursor comes anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.directory import Directory
from hub.lanes import reach_of
from hub.policy import may_read
from hub.principal import READ, Principal
from hub.store import reader_offers, shown_to
from schemas.sensitivity import Sensitivity

if TYPE_CHECKING:
    from hub.directory import Agency
    from hub.policy import Decision, Rules
    from hub.reading import Asking
    from hub.store import Connection
    from hub.stored import Stored


def offer_active_to(conn: Connection, asking: Asking, reader: Agency) -> int:
    """
    Offer `reader`, as it is to be from now on, the events of active alerts and open cases that it could not read as it
    was, or not as much of them; how many. In the transaction that widens its rights.
    """
    rules = asking.view.rules
    before = rules.directory.agencies[reader.id]
    later = replace(rules, directory=_with(rules.directory, reader))
    reach = reach_of(_whole(reader), later, asking.view.lanes, asking.at)
    with shown_to(conn, reader.id):
        rows = reader_offers.active(conn, reach.lanes, at=asking.at) if reach.lanes else []
    opened = [row for row in rows if _opens(_decided(asking, before, rules, row), _decided(asking, reader, later, row))]
    return reader_offers.offer(conn, reader.id, opened) if opened else 0


def _decided(asking: Asking, reader: Agency, rules: Rules, row: Stored) -> Decision:
    return may_read(_whole(reader), asking.facts_of(row), rules, asking.at)


def _opens(before: Decision, after: Decision) -> bool:
    """Whether there is more to see than before."""
    return _height(after) > _height(before)


def _height(decision: Decision) -> int:
    if not decision.is_allowed or decision.projection is None:
        return -1
    levels = {level.name.lower(): int(level) for level in Sensitivity}
    return levels.get(decision.projection, max(levels.values()) + 1)  # `full`: one's own


def _whole(reader: Agency) -> Principal:
    """The reader with no token to narrow it."""
    return Principal(agency=reader, client_id=reader.id, scopes=frozenset({READ}))


def _with(directory: Directory, reader: Agency) -> Directory:
    others = [agency for agency in directory.agencies.values() if agency.id != reader.id]
    return Directory.of(directory.version, [*others, reader], directory.persons.values())
