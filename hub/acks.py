"""Answer an event with what became of it here, or a note (hub/notes.py): an event of its own, to the source alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from hub.answering import may_answer
from hub.errors import Conflict, Denied, NotVisible
from hub.events import NOTHING, unseen
from hub.ingest import Accepted, draft_of, held, store
from hub.policy import Decision
from hub.principal import ACKNOWLEDGE, PUBLISH, READ
from hub.reading import Asking, decide, require_scope, show
from hub.rendering import render
from hub.store import audit, deadlines, events
from schemas import envelope
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

    from hub.reading import Shown
    from hub.store import Connection
    from hub.stored import Stored

TO_ITS_SOURCE = Text(
    "an answer goes to the source of its event alone, under the same subject",
    "una respuesta va solo a la fuente de su evento, con el mismo subject",
)
SAID_OTHERWISE = Text(
    "this agency has given this answer already, with another reason or note; send the source a note about the rest",
    "esta agencia ya dio esta respuesta, con otro motivo u otra nota; envíe a la fuente una nota sobre lo demás",
)
OVER_THERE = Text(
    "an answer across the border names the country it goes to in rel_to",
    "una respuesta al otro lado de la frontera nombra en rel_to el país al que va",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered: the type and the id of the answering event, and its data without the event it answers."""

    type: str
    id: str
    data: dict[str, Any]


def acknowledge(conn: Connection, asking: Asking, hub_id: UUID, state: str, answer: dict[str, Any]) -> Accepted:
    """
    Publish `ack.<state>` on the event `hub_id`; the same answer twice is one, and another one is none.

    `answer` holds `reason` and `note`, where the state takes them (`schemas.ack`).

    Raises:
        NotVisible: there is nothing to answer, as far as this agency may know.
        Denied: it may read the event and not answer it.
        Conflict: it has given that answer with another reason or note.
        schemas.flaws.Malformed: the answer breaks a rule of its schema.
        Stale: the picture has changed.
    """
    return send(conn, asking, hub_id, Answer(type=f"ack.{state}", id=f"ack:{hub_id}:{state}", data=answer))


def send(conn: Connection, asking: Asking, hub_id: UUID, answer: Answer) -> Accepted:
    """
    Publish an answer to the event `hub_id`, addressed to its source.

    Raises:
        NotVisible, Denied, Conflict, Malformed, Stale: as for `acknowledge`.
    """
    asking.require_current(conn)
    row = require_answerable(conn, asking, hub_id, answer.type)
    abroad = _country_abroad(asking, row)
    event = envelope.load(
        {
            "specversion": "1.0",
            "id": answer.id,
            "source": asking.principal.agency.id,
            "type": answer.type,
            "subject": row.subject,
            "time": asking.at.isoformat(timespec="milliseconds"),
            "status": asking.lane_of(row).facts.status,
            "jurisdictions": list(asking.principal.agency.jurisdictions),
            "label": {"tlp": "amber+strict", "audience": [row.source]} | ({"rel_to": [abroad]} if abroad else {}),
            "data": {**answer.data, "event": str(hub_id)},
        }
    )
    draft = draft_of(event)
    # Answering needs acks:write, which was checked; publishing the answer needs nothing more.
    sender = replace(asking.principal, scopes=asking.principal.scopes | {PUBLISH})
    stored = store(conn, replace(asking, principal=sender), draft)
    if stored is not None:
        return Accepted(stored, is_new=True)
    return _answered_before(conn, asking, event, hub_id, held(conn, draft, asking.view).hub_id)


def _answered_before(conn: Connection, asking: Asking, event: envelope.Event, hub_id: UUID, earlier: UUID) -> Accepted:
    """The time of an answer, and from where and how widely it may be read, are not what it says."""
    told = events.by_hub_id(conn, earlier, asking.principal.agency.id)
    if told is None or orjson.loads(render(told, "full"))["data"] == event.data:
        return Accepted(earlier, is_new=False)
    _record(conn, asking, event.type, Decision(False, SAID_OTHERWISE), str(hub_id))
    raise Conflict(SAID_OTHERWISE)


def _country_abroad(asking: Asking, row: Stored) -> str | None:
    """Where the answer has to be released to, if not to its sender's own country."""
    country = asking.view.rules.directory.agencies[row.source].country
    return None if country == asking.principal.agency.country else country


def require_answerable(conn: Connection, asking: Asking, hub_id: UUID, answer_type: str) -> Stored:
    """
    The event, if this principal may read it and answer it so.

    Raises:
        NotVisible, Denied: as for `acknowledge`; the refusal is on record.
    """
    row = events.by_hub_id(conn, hub_id, asking.principal.agency.id)
    decision = reading = NOTHING
    if row is None:
        decision = unseen(conn, hub_id)
    else:
        reading = decide(asking, row, asking.reach())
        decision = may_answer(asking.principal, answer_type, asking.lane_of(row).facts, reading)
    if decision.is_allowed and row is not None:
        return row
    _record(conn, asking, answer_type, decision, str(hub_id))
    if not reading.is_allowed:
        raise NotVisible
    raise Denied(decision.reason)


def _record(conn: Connection, asking: Asking, answer_type: str, decision: Decision, subject: str | None) -> None:
    """As an attempt at an acknowledgement (`ack`) or a note (`note`)."""
    action = answer_type.partition(".")[0]
    audit.record(conn, asking.principal, action, decision, policy=asking.view.rules.version, subject=subject)


def require_consistent(conn: Connection, asking: Asking, event: envelope.Event) -> None:
    """
    An answer published as an event (over Kafka or `POST /v1/events`) obeys the same rules; there, the right to publish
    takes the place of the one to answer.

    Raises:
        NotVisible, Denied: as for `acknowledge`.
    """
    scopes = asking.principal.scopes
    sender = replace(asking.principal, scopes=scopes | {ACKNOWLEDGE} if PUBLISH in scopes else scopes)
    row = require_answerable(conn, replace(asking, principal=sender), UUID(str(event.data["event"])), event.type)
    reason = None
    if event.label.audience != (row.source,) or event.subject != row.subject:
        reason = TO_ITS_SOURCE
    elif _country_abroad(asking, row) not in (None, *event.label.rel_to):
        reason = OVER_THERE
    if reason is None:
        return
    _record(conn, asking, event.type, Decision(False, reason), None)
    raise Denied(reason)


def read_due(conn: Connection, asking: Asking, *, limit: int) -> list[tuple[Shown, datetime]]:
    """
    What waits for this agency's acknowledgement and until when, at most `limit`, what is due first coming first.

    Raises:
        Denied: the token has no right to read events.
        Stale: the picture has changed.
    """
    require_scope(conn, asking, READ)
    asking.require_current(conn)
    due = deadlines.own_newest(conn, limit=limit)
    found = events.by_hub_ids(conn, due)
    rows = [found[event] for event in reversed(due) if event in found]
    waiting = [row for row in rows if row.timing.lapsed_at is None and row.recalled_at is None]
    return [(shown, due[shown.row.hub_id]) for shown in show(conn, asking, waiting, "acks.due")]
