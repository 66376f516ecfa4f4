"""Hand out events: decide each, write one disclosure entry, and only then render. Every read goes through here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.apart import best
from hub.consented import consent_for
from hub.errors import Denied
from hub.foresight import POINTER
from hub.lanes import Lane, Reach
from hub.picture import Stale
from hub.policy import APPLIES, NOTICE, Decision, may_read
from hub.rendering import CROSSED, render, render_opened
from hub.store import audit, log
from hub.store import protected as stored_protected
from hub.store.audit import Disclosed
from hub.timing import projection_at
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from hub.apart import Held
    from hub.consents import Consent
    from hub.picture import Picture, View
    from hub.policy import Facts, Rules
    from hub.principal import Principal
    from hub.store import Connection
    from hub.stored import Stored


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, when, and the picture the answer will rest on; `require_current` must hold in the transaction."""

    principal: Principal
    picture: Picture
    view: View
    at: datetime

    @property
    def reader(self) -> str:
        """Whose rows the database is to show."""
        return self.principal.agency.id

    def reach(self) -> Reach:
        """The lanes this principal may find something in."""
        return self.picture.reaches.of(self.principal, self.view.rules, self.view.lanes, self.at)

    def within(self, status: str) -> log.Within:
        """Where the log is to look for candidates among the events of one status."""
        reach, lanes = self.reach(), self.view.lanes.lanes
        return log.Within([lane for lane in reach.lanes if lanes[lane].facts.status == status], reach.grants)

    def lane_of(self, row: Stored) -> Lane:
        """
        The lane of a stored event.

        Raises:
            Stale: it was made after `require_current` had looked, and before the row was read.
        """
        return self.view.lane_of(row)

    def facts_of(self, row: Stored) -> Facts:
        """What the policy looks at in this very event; raises `Stale` as `lane_of` does."""
        return self.view.facts_of(row)

    def require_current(self, conn: Connection) -> None:
        """Raises `Stale` when the picture is not the one the database holds now."""
        self.picture.require_current(conn, self.view)


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as its reader gets it; `text` is canonical JSON. `held`: what its origin's consents open of a copy."""

    row: Stored
    decision: Decision
    projection: str
    consent: Consent | None = None
    held: Held | None = None

    @property
    def text(self) -> str:
        """Rendered when asked for, after the disclosure was written."""
        if self.held is not None:
            return self.held.text
        if self.consent is not None:
            return render_opened(self.row, self.projection, self.consent.fields)
        return render(self.row, self.projection)

    @property
    def name(self) -> str:
        """What the disclosure entry says was shown: the projection, and the consent that widened it."""
        if self.held is not None:
            return f"{self.projection}+{self.held.consent}"
        return self.projection if self.consent is None else f"{self.projection}+{self.consent.id}"

    def as_pointer(self) -> Shown:
        """The same where no more leaves than that it is there, and how urgent; see `hub.foresight.POINTER`."""
        name = NOTICE if self.projection == NOTICE else POINTER
        return replace(self, projection=name, consent=None, held=None)


def require_scope(conn: Connection, asking: Asking, scope: str) -> None:
    """
    The token carries `scope`, or the refusal is on record.

    Raises:
        Denied: it does not.
    """
    if scope in asking.principal.scopes:
        return
    reason = Text("the token lacks {scope}", "el token no incluye {scope}").format(scope=scope)
    audit.record(conn, asking.principal, scope, Decision(False, reason), policy=asking.view.rules.version)
    raise Denied(reason)


def decide(asking: Asking, row: Stored, reach: Reach) -> Decision:
    """The decision for one stored event: its lane's, or its own where the lane is coarse or the event older."""
    lane = asking.lane_of(row)
    if not lane.is_coarse:
        decision = reach.decisions[row.lane]
        holds = decision.holds_from is None or row.accepted_at >= decision.holds_from
        if holds and (decision.is_allowed or not row.is_owed):
            return decision
    facts = asking.facts_of(row)
    return may_read(asking.principal, facts, asking.view.rules, asking.at, has_received=row.is_owed)


def show(conn: Connection, asking: Asking, rows: Sequence[Stored], where: str) -> list[Shown]:
    """
    What of `rows` the principal gets, with the disclosure written in the same transaction.

    `where` names the path that asks (feed, event, ...). Nothing visible means no entry: an empty answer discloses
    nothing.
    """
    chosen = choose(asking, rows)
    owe_ends(conn, asking, chosen)
    return disclose(conn, asking, chosen, where)


def choose(asking: Asking, rows: Sequence[Stored]) -> list[Shown]:
    """What of `rows` the principal may have; nothing of it is to leave before `disclose`."""
    reach = asking.reach()
    found = (as_shown(asking.principal, row, decide(asking, row, reach), asking.view.rules, asking.at) for row in rows)
    return [one for one in found if one is not None]


def would_get(conn: Connection, asking: Asking, rows: Sequence[Stored]) -> list[Shown]:
    """What `disclose` would put on record of `rows` now; nothing of it may leave by this."""
    return _opened_across(conn, asking, choose(asking, rows))


def as_shown(principal: Principal, row: Stored, decision: Decision, rules: Rules, at: datetime) -> Shown | None:
    """What a decision about `row` comes to for this principal; None: nothing, or nothing new."""
    if not decision.is_allowed or decision.projection is None or _was_open_before(row, decision):
        return None
    name = projection_at(decision.projection, row.timing, at)
    return Shown(row, decision, name, consent_for(principal, (row.source, row.subject), decision, rules, at))


def _was_open_before(row: Stored, decision: Decision) -> bool:
    """An event offered anew under a grant is no news to a reader who has it on another."""
    return row.offered_by is not None and row.offered_by.partition("@")[0] != decision.grant


def comes_later(item: Shown, offers: Collection[str]) -> bool:
    """Whether it was offered to this reader and is open to it on nothing else: then it comes further on, once."""
    row = item.row
    if row.offered_by is not None or not row.offers:
        return False
    offered = {name.partition("@")[0] for name in row.offers if name in offers}
    applying = {grant for grant, answer in item.decision.considered if answer == APPLIES}
    return bool(applying) and applying <= offered


def reads_alone(item: Shown, reader: str, rules: Rules) -> bool:
    """
    Whether what is decided for many at once does not do for this reader: it must read for itself.

    Then it is owed an end that came before (`owe_ends`), or another node's consents may open more of it to this reader.
    """
    if is_late(item):
        return True
    return _may_be_opened(item) and _has_opened_across(rules, reader)


def _may_be_opened(item: Shown) -> bool:
    return item.row.projection_version == CROSSED and bool(item.decision.protected_for)


def _has_opened_across(rules: Rules, reader: str) -> bool:
    return any(border.is_open and reader in border.protected for border in rules.borders.values())


def is_late(item: Shown) -> bool:
    """Whether it is more than the end of an alert or case that is over by now."""
    return item.row.timing.lapsed_at is not None and item.projection != NOTICE


def owe_ends(conn: Connection, asking: Asking, chosen: Sequence[Shown]) -> bool:
    """Who gets an event only now that its alert is over is owed the end as well; whether any was not owed before."""
    late = [item.row for item in chosen if is_late(item)]
    return bool(late) and log.owe_late(conn, asking.principal.agency.id, late) > 0


def disclose(conn: Connection, asking: Asking, chosen: list[Shown], where: str) -> list[Shown]:
    """
    Put `chosen` on record; only then may it leave.

    Raises:
        Stale: what it was decided on is no longer so; nothing was recorded, and nothing may leave.
    """
    if chosen:
        chosen = _opened_across(conn, asking, chosen)
        entries = [Disclosed(item.row.hub_id, item.name, item.decision.grant or "") for item in chosen]
        if not audit.disclose(conn, asking.principal, where, entries, asking.view.basis()):
            raise Stale
    return chosen


def _opened_across(conn: Connection, asking: Asking, chosen: list[Shown]) -> list[Shown]:
    """With what consents of other nodes open of their events to this reader; a look at it costs who may have some."""
    if not _has_opened_across(asking.view.rules, asking.reader):
        return chosen
    copies = [one for one in chosen if _may_be_opened(one)]
    if not copies:
        return chosen
    held = stored_protected.held(conn, asking.reader, [one.row.hub_id for one in copies])
    return [
        replace(one, held=best(held.get(one.row.hub_id, ()), one.projection, one.decision, asking.at)) for one in chosen
    ]
