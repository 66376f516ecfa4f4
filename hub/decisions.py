"""Say why an agency may read an event or not, and who will before there is one: for the event's own source alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hub import acts, control
from hub.authority import READ_DECISIONS, looks_on, may_act_for, may_use
from hub.borders import bound
from hub.errors import Conflict, Denied, Invalid, NotVisible
from hub.events import NOTHING
from hub.foresight import Foresight, Reading, Subject, foresee, reading
from hub.ingest import CLASH, draft_of
from hub.policy import may_publish, weigh
from hub.principal import PUBLISH, of_agency
from hub.rendering import whole
from hub.store import audit, events, log
from hub.store import rules as stored_rules
from schemas.flaws import flaw
from schemas.registry import closes, is_control
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from hub.borders import Bound
    from hub.grants import Grant
    from hub.policy import Rules
    from hub.reading import Asking
    from hub.store import Connection
    from hub.stored import Draft
    from schemas.envelope import Event
    from schemas.visible import Members

NOT_ENROLLED = Text("no agency with this id is enrolled here", "no hay agencia registrada aquí con este id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Why an agency gets what it gets of an event. `label` and `members` None: the caller may not know what it says."""

    reading: Reading
    weighed: tuple[tuple[Grant, Text], ...]
    law: Bound | Text
    policy: str
    label: Mapping[str, Any] | None
    members: Members | None


def explain(conn: Connection, asking: Asking, agency_id: str, hub_id: UUID) -> Explained:
    """
    The decision that an agency's own request for this event would meet now, with every grant that ever named it.

    Raises:
        Denied: the caller explains nothing.
        NotVisible: no such event, or it is neither the caller's agency's nor the caller an auditor of the node.
        Invalid: it is the caller's to explain, and no such agency is enrolled.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_DECISIONS), READ_DECISIONS)
    row, rules = events.by_hub_id(conn, hub_id, agency_id), asking.view.rules
    own = NOTHING if row is None else may_act_for(asking.principal, READ_DECISIONS, row.source)
    if row is None or not (own.is_allowed or looks_on(asking.principal)):
        audit.record(conn, asking.principal, "decision.read", own, policy=rules.version, subject=str(hub_id))
        raise NotVisible
    agency = rules.directory.agencies.get(agency_id)
    if agency is None:
        raise Invalid((flaw("/agency", NOT_ENROLLED),))
    received = frozenset({agency_id}) if row.is_owed else frozenset()
    subject = Subject(facts=asking.facts_of(row), name=row.subject, timing=row.timing, received=received)
    found = reading(agency, subject, rules, asking.at)
    audience, source = subject.facts.audience, rules.directory.agencies[row.source]
    event = whole(row) if own.is_allowed else None
    return Explained(
        reading=found,
        weighed=weigh(of_agency(agency), subject.facts, stored_rules.all_grants(conn), rules, asking.at),
        law=bound(
            agency,
            source,
            subject.facts.read_as,
            rules.limits,
            rules.borders,
            addressed=audience is None or agency_id in audience,
        ),
        policy=rules.version,
        label=None if event is None else _codes(event.get("label", {})),
        members=None if event is None else found.members_of(event, row.timing, asking.at),
    )


def _codes(label: Mapping[str, Any]) -> dict[str, Any]:
    """A label without its caveat, which is free text and may say anything about anybody."""
    return {name: value for name, value in label.items() if name != "caveat"}


@dataclass(frozen=True, slots=True)
class Prospect:
    """A draft with everything the database knows that bears on who would read it; `foresee` needs no more."""

    draft: Draft
    subject: Subject
    rules: Rules
    at: datetime

    def foresee(self) -> Foresight:
        """Work it out; apart from the reading, since this may take a while and must hold no transaction open."""
        return foresee(self.draft, self.subject, self.rules, self.at)


def prospect(conn: Connection, asking: Asking, event: Event) -> Prospect:
    """
    Look at a draft as publishing would, without storing it.

    Raises:
        Denied: the caller's agency may not publish it; the attempt is on record.
        NotVisible: it changes an event that is not there, as far as the caller may know.
        Conflict: the identity is taken by an event with another body.
    """
    principal, policy = asking.principal, asking.view.rules.version
    may_look = may_use(principal, READ_DECISIONS).is_allowed
    publisher = replace(principal, scopes=principal.scopes | {PUBLISH}) if may_look else principal
    is_change = is_control(event.type)
    changed = control.require_change(conn, replace(asking, principal=publisher), event) if is_change else None
    draft = draft_of(event) if changed is None else control.drafted(event, changed)
    decision = may_publish(publisher, draft.facts, asking.at)
    if not decision.is_allowed:
        audit.record(conn, principal, "decision.preview", decision, policy=policy, subject=event.type)
        raise Denied(decision.reason)
    held = events.held(conn, draft.source, draft.id)
    if held is not None and held.digest != draft.digest:
        raise Conflict(CLASH)
    ends = closes(draft.type)
    has_lapsed = ends or log.has_closed(conn, draft.source, draft.subject, draft.time)
    timing = replace(draft.timing, lapsed_at=asking.at) if has_lapsed else draft.timing
    received = audit.received(conn, draft.source, draft.subject) if ends else frozenset()
    if changed is not None:
        received = audit.received_event(conn, changed.hub_id) - {changed.source}
    subject = Subject(facts=draft.facts, name=draft.subject, timing=timing, received=received)
    return Prospect(draft, subject, asking.view.rules, asking.at)
