"""
What the source of an event does to it after it is out: takes it back, or tightens its label.

Who may no longer read it gets nothing from the commit on. Whoever had received it is told by the control event itself,
as a notice where its right has gone; nobody else hears of a recall, and of a new label who may read the event.

`settle`, then `publish` in a transaction, are for an event's own source. Where a control event comes another way and is
known to be its source's, what it does is `change_of`, then `lane_for` outside of the transaction, and in it
`hub.store.control.hold` before anything else, the storing of the control event, and `apply`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hub.errors import Denied, NotVisible
from hub.events import NOTHING, unseen
from hub.ingest import Accepted, already_there, draft_of, entry_of, require_directory
from hub.lanes import coarsen
from hub.picture import Stale
from hub.policy import Decision, may_publish
from hub.reading import decide
from hub.rendering import whole
from hub.store import audit, control, events, with_owners_rights
from hub.tightening import loosened, raised, refusal
from schemas import envelope, wire
from schemas.flaws import Malformed
from schemas.registry import LABEL_CHANGED, RECALLED, is_control
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.picture import Picture
    from hub.policy import Facts
    from hub.reading import Asking
    from hub.store import Connection
    from hub.stored import Draft, Stored
    from schemas.envelope import Event
    from schemas.label import Label

_READ_BY = ("tlp", "rel_to", "audience", "purpose")  # what of a label the policy decides by
ACTION = "control"
FOREIGN = Text("only its source takes an event back or changes its label", "solo la fuente retira o cambia un evento")
OF_CONTROL = Text("a change of an event is not itself changed", "un cambio de un evento no se cambia a su vez")
GONE = Text("it was recalled", "fue retirado")
OTHER_PLACE = Text(
    "it has the subject, the status and the jurisdictions of its event",
    "lleva el subject, el status y las jurisdicciones de su evento",
)
OTHER_LABEL = Text(
    "its own label has the tlp, rel_to, audience and purpose of the new one",
    "su propia etiqueta lleva el tlp, rel_to, audience y purpose de la nueva",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a stored event: its facts from now on, and the event with its new label; None: taken back."""

    row: Stored
    facts: Facts
    draft: Draft | None


def change_of(event: Event, row: Stored, facts: Facts) -> Change:
    """
    What the control event `event` does to the stored event `row` with these facts. Pure.

    Raises:
        Malformed: the new label is none for an event of this type and time.
    """
    if event.type == RECALLED:
        present = replace(facts, accepted_at=None, offers=frozenset())
        return Change(row=row, facts=replace(present, is_recalled=True), draft=None)
    try:
        tightened = envelope.load({**whole(row), "label": event.data["label"]})
    except Malformed as malformed:  # the event was sound, so it is the label that is not
        raise Malformed(*(replace(one, path=f"/data{one.path}") for one in malformed.flaws)) from None
    draft = draft_of(tightened)
    return Change(row=row, facts=replace(draft.facts, about=facts.about), draft=draft)


def lane_for(conn: Connection, picture: Picture, change: Change) -> int:
    """The lane it belongs to from now on; outside of a transaction, since a picture remembers a lane that it made."""
    return picture.lane_for(conn, change.facts)


def apply(conn: Connection, change: Change, lane: int, by: UUID) -> None:
    """
    Do it, in a transaction with the owner's rights that has begun with `hub.store.control.hold`.

    `by` is the control event as it is stored here: it is owed to everybody who had received the event.
    """
    row = change.row
    target = control.Target(event=row.hub_id, source=row.source, subject=row.subject, lane=lane)
    if change.draft is None:
        control.recall(conn, target, by)
    else:
        control.tighten(conn, target, change.draft)
    control.announce(conn, row.hub_id, by)


def drafted(event: Event, row: Stored) -> Draft:
    """The control event as it is stored: a changed label is read as the event that has it."""
    draft = draft_of(event)
    return replace(draft, facts=replace(draft.facts, about=row.type)) if event.type == LABEL_CHANGED else draft


def settle(conn: Connection, asking: Asking, event: Event) -> None:
    """Make the lanes that `publish` will need, if it is going to do anything; what is refused is for it to say."""
    row = events.by_hub_id(conn, _about(event), asking.principal.agency.id)
    if row is None or not may_change(asking, row, event).is_allowed:
        return
    try:
        change = change_of(event, row, asking.facts_of(row))
    except Malformed:
        return
    lane_for(conn, asking.picture, change)
    asking.picture.lane_for(conn, drafted(event, row).facts)


def publish(conn: Connection, asking: Asking, event: Event) -> Accepted:
    """
    Store a control event of the caller's agency and do what it says, in the caller's transaction, after `settle`.

    Raises:
        NotVisible: there is no such event, as far as this agency may know.
        Denied: it is not its own, or the change is none that may be made; the refusal is on record.
        Malformed: the new label is none for such an event.
        Conflict: the identity is taken by an event with another body.
        Stale: the picture has changed, or the event has meanwhile.
    """
    require_directory(conn, asking.view)
    row = require_own(conn, asking, _about(event))
    draft = drafted(event, row)
    if events.held(conn, event.source, event.id) is not None:
        return already_there(conn, asking.principal, draft, asking.view)
    if event.type == RECALLED and (earlier := control.recalled_by(conn, row.hub_id)) is not None:
        return Accepted(earlier, is_new=False)
    _require(conn, asking, may_change(asking, row, event), row.hub_id)
    change = change_of(event, row, asking.facts_of(row))
    with_owners_rights(conn)
    control.hold(conn)
    now = events.by_hub_id(conn, row.hub_id, asking.principal.agency.id)
    if now is None or (now.lane, now.text) != (row.lane, row.text):
        raise Stale
    decision = may_publish(asking.principal, draft.facts, asking.at)
    entry = entry_of(draft, _lane_of(asking, draft.facts), asking.principal, decision, asking.view)
    stored = events.append(conn, entry)
    if stored is None:
        raise Stale
    apply(conn, change, _lane_of(asking, change.facts), stored)
    return Accepted(stored, is_new=True)


def _lane_of(asking: Asking, facts: Facts) -> int:
    lane = asking.picture.view.lanes.by_facts.get(coarsen(facts))
    if lane is None:  # the event was changed after `settle` had looked
        raise Stale
    return lane


def _about(event: Event) -> UUID:
    return UUID(str(event.data["event"]))


def require_own(conn: Connection, asking: Asking, hub_id: UUID) -> Stored:
    """
    The event, if the caller's agency is its source and may publish.

    Raises:
        NotVisible, Denied: as for `publish`.
    """
    me = asking.principal.agency.id
    row = events.by_hub_id(conn, hub_id, me)
    if row is not None and row.source == me:
        facts = replace(asking.facts_of(row), type=RECALLED)
        _require(conn, asking, may_publish(asking.principal, facts, asking.at), hub_id)
        return row
    reading = NOTHING if row is None else decide(asking, row, asking.reach())
    reason = unseen(conn, hub_id) if row is None else Decision(False, FOREIGN) if reading.is_allowed else reading
    audit.record(conn, asking.principal, ACTION, reason, policy=asking.view.rules.version, subject=str(hub_id))
    raise Denied(FOREIGN) if reading.is_allowed else NotVisible


def require_change(conn: Connection, asking: Asking, event: Event) -> Stored:
    """
    The event that `event` may change, for looking at what would come of it.

    Raises:
        NotVisible, Denied: as for `publish`.
    """
    row = require_own(conn, asking, _about(event))
    _require(conn, asking, may_change(asking, row, event), row.hub_id)
    return row


def _require(conn: Connection, asking: Asking, decision: Decision, hub_id: UUID) -> None:
    if not decision.is_allowed:
        audit.record(conn, asking.principal, ACTION, decision, policy=asking.view.rules.version, subject=str(hub_id))
        raise Denied(decision.reason)


def may_change(asking: Asking, row: Stored, event: Event) -> Decision:
    """Whether this change may be made to an own event. Pure."""
    facts = asking.facts_of(row)
    same = (row.subject, facts.status, tuple(row.jurisdictions))
    if row.source != asking.principal.agency.id:
        return Decision(False, FOREIGN)
    if is_control(row.type):
        return Decision(False, OF_CONTROL)
    if (event.subject, event.status, tuple(sorted(event.jurisdictions))) != same:
        return Decision(False, OTHER_PLACE)
    if event.type == LABEL_CHANGED:
        return _may_tighten(asking, row, event)
    return may_publish(asking.principal, draft_of(event).facts, asking.at)


def _may_tighten(asking: Asking, row: Stored, event: Event) -> Decision:
    if row.recalled_at is not None:
        return Decision(False, GONE)
    present, proposed = envelope.label_of(whole(row)), envelope.label_of({"label": event.data["label"]})
    if _read_by(proposed) != _read_by(event.label):
        return Decision(False, OTHER_LABEL)
    reasons = loosened(present, proposed) + raised(present, proposed, row.source, row.type, asking.view.rules)
    if reasons:
        return Decision(False, refusal(reasons))
    return may_publish(asking.principal, draft_of(event).facts, asking.at)


def _read_by(label: Label) -> tuple[object, ...]:
    return label.tlp, frozenset(label.rel_to), frozenset(label.audience), label.purpose


def recalling(conn: Connection, asking: Asking, hub_id: UUID, body: dict[str, Any]) -> Event | Accepted:
    """
    The event that takes `hub_id` back, of the `reason` and `note` in `body`; or the one that already has.

    Raises:
        NotVisible, Denied, Malformed: as for `publish`.
    """
    row = require_own(conn, asking, hub_id)
    earlier = control.recalled_by(conn, hub_id)
    if earlier is not None:
        return Accepted(earlier, is_new=False)
    return _worded(asking, row, RECALLED, f"recall:{hub_id}", {"tlp": "red"}, body)


def relabelling(conn: Connection, asking: Asking, hub_id: UUID, body: dict[str, Any]) -> Event | Accepted:
    """
    The event that gives `hub_id` the `label` in `body`; or the one that already has.

    Raises:
        NotVisible, Denied, Malformed: as for `publish`.
    """
    row = require_own(conn, asking, hub_id)
    label = body.get("label")
    digest = hashlib.sha256(wire.encode({"label": label})).hexdigest()[:32]
    event_id = f"label:{hub_id}:{digest}"
    earlier = events.held(conn, row.source, event_id)
    if earlier is not None:
        return Accepted(earlier.hub_id, is_new=False)
    own = {name: label[name] for name in _READ_BY if name in label} if isinstance(label, dict) else {}
    return _worded(asking, row, LABEL_CHANGED, event_id, own, body)


def _worded(
    asking: Asking, row: Stored, event_type: str, event_id: str, label: dict[str, Any], body: dict[str, Any]
) -> Event:
    return envelope.load(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": row.source,
            "type": event_type,
            "subject": row.subject,
            "time": asking.at.isoformat(timespec="milliseconds"),
            "status": asking.lane_of(row).facts.status,
            "jurisdictions": list(row.jurisdictions),
            "label": label,
            "data": {**body, "event": str(row.hub_id)},
        }
    )
