"""Accept an event, or say why not: the one use case behind Kafka ingest and `POST /v1/events`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import Conflict, Denied
from hub.grants import Tlp
from hub.picture import Stale, View
from hub.policy import Decision, Facts, may_publish
from hub.rendering import dump_cuts
from hub.store import agencies, audit, events
from hub.stored import Draft
from hub.timing import timing_of
from schemas import projection, wire
from schemas.texts import Text

if TYPE_CHECKING:
    from uuid import UUID

    from hub.principal import Principal
    from hub.reading import Asking
    from hub.store import Connection
    from schemas.envelope import Event


@dataclass(frozen=True, slots=True)
class Accepted:
    """Committed in PostgreSQL. `is_new` False: the same event had come before, and nothing was done twice."""

    hub_id: UUID
    is_new: bool


def facts_of(event: Event) -> Facts:
    """What the policy looks at in `event`."""
    label = event.label
    return Facts(
        source=event.source,
        type=event.type,
        status=event.status,
        tlp=Tlp.of(label.tlp),
        jurisdictions=tuple(sorted(set(event.jurisdictions))),
        rel_to=tuple(sorted(set(label.rel_to))),
        audience=tuple(sorted(set(label.audience))),
        purpose=label.purpose,
    )


def draft_of(event: Event) -> Draft:
    """Everything about `event` that is worked out once, before it is stored."""
    projections = projection.project(event.wire, event.type)
    return Draft(
        source=event.source,
        id=event.id,
        type=event.type,
        subject=event.subject,
        time=event.time,
        facts=facts_of(event),
        timing=timing_of(event, lapses=projections.lapses),
        digest=hashlib.sha256(wire.encode(event.wire)).digest(),
        projection_version=projection.PROJECTION_VERSION,
        cuts=dump_cuts(projections.cuts),
        text=projections.text,
    )


def entry_of(draft: Draft, lane: int, principal: Principal, decision: Decision, view: View) -> events.Entry:
    """The draft as the store takes it, tied to the directory version the decision was made with."""
    return events.Entry(
        draft=draft,
        lane=lane,
        directory_version=view.rules.directory.version,
        client=principal.client_id,
        reason=str(decision.reason),
        policy=view.rules.version,
        person=principal.person.id if principal.person is not None else None,
    )


def accept(conn: Connection, asking: Asking, event: Event) -> Accepted:
    """
    Store one event on an autocommit connection: decided, recorded and queued in a single statement.

    What it rests on is the view that the caller was authenticated with: another thread may have learnt meanwhile that
    the agency is suspended, and the process's newest picture would prove nothing.

    Raises:
        Denied: the policy refuses; the refusal is on record.
        Conflict: the identity is taken by an event with another body.
        Stale: the directory has changed since the caller was authenticated.
    """
    draft = draft_of(event)
    stored = store(conn, asking, draft)
    if stored is not None:
        return Accepted(stored, is_new=True)
    return already_there(conn, asking.principal, draft, asking.view)


def store(conn: Connection, asking: Asking, draft: Draft) -> UUID | None:
    """
    The same for what is drawn up already; None: its identity is taken, or the directory has changed.

    Raises:
        Denied: the policy refuses; the refusal is on record.
        Stale: it would refuse, by a directory that has changed.
    """
    principal, view = asking.principal, asking.view
    decision = may_publish(principal, draft.facts, asking.at)
    if not decision.is_allowed:
        require_directory(conn, view)
        audit.record(conn, principal, "publish", decision, policy=view.rules.version, subject=draft.type)
        raise Denied(decision.reason)
    lane = asking.picture.lane_for(conn, draft.facts)
    return events.append(conn, entry_of(draft, lane, principal, decision, view))


def settle_lane(conn: Connection, asking: Asking, event: Event) -> None:
    """
    Make the event's lane before a transaction that `accept` is to run in.

    A picture remembers a lane as soon as it is made, so the making must never be rolled back.
    """
    facts = facts_of(event)
    if may_publish(asking.principal, facts, asking.at).is_allowed:
        asking.picture.lane_for(conn, facts)


def require_directory(conn: Connection, view: View) -> None:
    """
    Prove that a refusal rests on the present directory; what is stored proves it in its own statement.

    Raises:
        Stale: it does not.
    """
    if agencies.version_of(conn) != view.rules.directory.version:
        raise Stale


def already_there(conn: Connection, principal: Principal, draft: Draft, view: View) -> Accepted:
    """
    The answer to an event that was not stored: it is known, or the picture is not the present one.

    Raises:
        Conflict: the identity is taken by an event with another body; the refusal is on record.
        Stale: the directory has changed.
    """
    before = held(conn, draft, view)
    if before.digest == draft.digest:
        return Accepted(before.hub_id, is_new=False)
    clash = Decision(False, CLASH)
    audit.record(conn, principal, "publish", clash, policy=view.rules.version, subject=str(before.hub_id))
    raise Conflict(CLASH)


def held(conn: Connection, draft: Draft, view: View) -> events.Held:
    """
    What has the identity of a draft that was not stored.

    Raises:
        Stale: the directory has changed.
    """
    found = events.held(conn, draft.source, draft.id)
    require_directory(conn, view)  # a suspended agency is not told, either, that it had published this before
    if found is None:
        raise Stale
    return found


CLASH = Text(
    "this id is already stored with another body; events do not change, publish an update",
    "este id ya está guardado con otro contenido; los eventos no cambian, publique una actualización",
)
