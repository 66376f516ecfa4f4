"""The node's rules and lanes in memory, and the proof that they are the current ones.

Grants, agencies and lanes are read far more often than they change. A process keeps them, and every statement that
relies on them checks their version in its own transaction; when they have moved on, the caller is told `Stale`,
refreshes, authenticates again and asks again. Nothing is ever answered from an old picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.directory import Directory
from hub.grants import GrantSet
from hub.lanes import LaneMap, Reaches, coarsen
from hub.policy import Rules
from hub.store import audit, log
from hub.store import lanes as stored_lanes
from hub.store import rules as stored_rules

if TYPE_CHECKING:
    from hub.lanes import Lane
    from hub.limits import Limits
    from hub.policy import Facts
    from hub.store import Connection
    from hub.stored import Stored


class Stale(Exception):
    """The picture in memory is not the current one."""


@dataclass(frozen=True, slots=True)
class View:
    """One consistent picture; never changed, only replaced."""

    rules: Rules
    lanes: LaneMap

    def lane_of(self, row: Stored) -> Lane:
        """
        The lane of a stored event.

        Raises:
            Stale: it was made after this view was read.
        """
        lane = self.lanes.lanes.get(row.lane)
        if lane is None:
            raise Stale
        return lane

    def facts_of(self, row: Stored) -> Facts:
        """What the policy looks at in this very event; raises `Stale` as `lane_of` does."""
        return self.lane_of(row).facts_of(row)

    def basis(self) -> audit.Basis:
        """What rests on it, for the entry that records it."""
        rules = self.rules
        return audit.Basis(
            policy=rules.version, directory_version=rules.directory.version, newest_lane=self.lanes.newest
        )


@dataclass(slots=True)
class Picture:
    """What a process knows of the node. `view` is replaced whole, so threads need no lock to read it."""

    view: View
    reaches: Reaches = field(default_factory=Reaches)

    @classmethod
    def unread(cls, limits: Limits) -> Picture:
        """A picture before the first look at the database: nobody is enrolled in it."""
        return cls(View(Rules(Directory(0), GrantSet(), limits), LaneMap({}, {})))

    def refresh(self, conn: Connection) -> View:
        """Read the rules and the lanes anew, the rules only where they have moved."""
        rules = stored_rules.read(conn, self.view.rules)
        lanes = LaneMap.of(stored_lanes.all_lanes(conn))
        self.view = View(rules, lanes)
        return self.view

    def require_current(self, conn: Connection, view: View) -> None:
        """
        Prove in the caller's transaction that `view` is what the database holds.

        Raises:
            Stale: it is not; refresh and start again.
        """
        if not _is_current(conn, view):
            raise Stale

    def present(self, conn: Connection) -> View:
        """What the database holds now, read anew where it has moved on; for who answers nobody and begins each turn."""
        view = self.view
        return view if _is_current(conn, view) else self.refresh(conn)

    def lane_for(self, conn: Connection, facts: Facts) -> int:
        """The lane of an event with these facts, made if it is the first of its kind."""
        lane_facts, is_coarse = coarsen(facts)
        known = self.view.lanes.by_facts.get((lane_facts, is_coarse))
        if known is not None:
            return known
        added = stored_lanes.add(conn, lane_facts, is_coarse=is_coarse)
        self.refresh(conn)
        return added


def _is_current(conn: Connection, view: View) -> bool:
    guard = log.guard(conn)
    return (guard.directory_version, guard.newest_lane) == (view.rules.directory.version, view.lanes.newest)
