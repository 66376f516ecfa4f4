"""Answer an event: received, read, acknowledged or declined, as an event of its own to the originator alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hub.errors import Denied, NotVisible
from hub.events import NOTHING, unseen
from hub.ingest import Accepted, accept
from hub.policy import Decision, may_acknowledge
from hub.principal import PUBLISH
from hub.reading import Asking, decide
from hub.store import audit, events
from schemas import envelope
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.store import Connection
    from hub.stored import Stored


def acknowledge(conn: Connection, asking: Asking, hub_id: UUID, state: str, answer: dict[str, Any]) -> Accepted:
    """
    Publish `ack.<state>` on the event `hub_id`; the same answer twice is one.

    `answer` holds `reason` and `note`, where the state takes them (`schemas.ack`).

    Raises:
        NotVisible: there is nothing to answer, as far as this agency may know.
        Denied: it may read the event and not answer it.
        schemas.flaws.Malformed: the answer breaks a rule of its schema.
        Stale: the picture has changed.
    """
    asking.require_current(conn)
    row = require_answerable(conn, asking, hub_id)
    event = envelope.load(
        {
            "specversion": "1.0",
            "id": f"ack:{hub_id}:{state}",
            "source": asking.principal.agency.id,
            "type": f"ack.{state}",
            "subject": row.subject,
            "time": asking.at.isoformat(timespec="milliseconds"),
            "status": asking.lane_of(row).facts.status,
            "jurisdictions": list(asking.principal.agency.jurisdictions),
            "label": {"tlp": "amber+strict", "audience": [row.source]},
            "data": {**answer, "event": str(hub_id)},
        }
    )
    earlier = events.held(conn, event.source, event.id)
    if earlier is not None:
        return Accepted(earlier.hub_id, is_new=False)
    # Answering needs acks:write, which was checked; publishing the answer needs nothing more.
    sender = replace(asking.principal, scopes=asking.principal.scopes | {PUBLISH})
    return accept(conn, asking.picture, sender, event, asking.at)


def require_answerable(conn: Connection, asking: Asking, hub_id: UUID) -> Stored:
    """
    The event, if this principal may read and answer it.

    Raises:
        NotVisible, Denied: as for `acknowledge`; the refusal is on record.
    """
    row = events.by_hub_id(conn, hub_id, asking.principal.agency.id)
    decision = reading = NOTHING
    if row is None:
        decision = unseen(conn, hub_id)
    else:
        reading = decide(asking, row, asking.reach())
        decision = may_acknowledge(asking.principal, asking.lane_of(row).facts, reading)
    if decision.is_allowed and row is not None:
        return row
    audit.record(conn, asking.principal, "ack", decision, policy=asking.view.rules.version, subject=str(hub_id))
    if not reading.is_allowed:
        raise NotVisible
    raise Denied(decision.reason)


def require_consistent(conn: Connection, asking: Asking, event: envelope.Event) -> None:
    """
    An acknowledgement published as an event (over Kafka or `POST /v1/events`) obeys the same rules.

    Raises:
        NotVisible, Denied: as for `acknowledge`.
    """
    row = require_answerable(conn, asking, UUID(str(event.data["event"])))
    if event.label.audience == (row.source,) and event.subject == row.subject:
        return
    reason = Text(
        "an acknowledgement goes to the source of its event alone, under the same subject",
        "una confirmación va solo a la fuente de su evento, con el mismo subject",
    )
    audit.record(conn, asking.principal, "ack", Decision(False, reason), policy=asking.view.rules.version)
    raise Denied(reason)
