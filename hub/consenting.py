"""Record, withdraw and show consents: the business of the subject's own agency, and of nobody else but who is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from hub import acts
from hub.authority import READ_CONSENTS, WRITE_CONSENTS, may_act_for, may_use
from hub.consent_rows import flaws
from hub.consents import ConsentRecord
from hub.errors import Invalid, NotVisible
from hub.policy import Decision, may_read
from hub.principal import of_agency
from hub.rendering import whole
from hub.store import consents
from schemas import pins, registry
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from hub.reading import Asking
    from hub.store import Connection
    from hub.stored import Stored
    from schemas.flaws import Flaw

NOTHING = Decision(False, Text("no such consent", "no existe tal consentimiento"))
NO_EVENT = Text(
    "your agency has no event under this subject",
    "su agencia no tiene ningún evento con este subject",
    code="unknown-subject",
)


class Recorded(NamedTuple):
    """A consent now on record, and how many events come to its recipients once more because of it."""

    consent: ConsentRecord
    offered: int


def shown(consent: ConsentRecord, asking: Asking) -> dict[str, Any]:
    """A consent as its owner's people see it; a recipient sees what it is given, and no other recipient."""
    me, is_live = asking.principal.agency.id, consent.is_in_force(asking.at)
    withdrawn = consent.withdrawn_at
    told: dict[str, Any] = {
        "id": consent.id,
        "source": consent.source,
        "subject": consent.subject,
        "fields": list(consent.fields),
        "recipients": sorted(consent.recipients) if consent.source == me else [me],
        "purpose": consent.purpose,
        "signed_at": consent.signed_at.isoformat(),
        "valid_until": consent.valid_until.isoformat(),
        "withdrawn_at": None if withdrawn is None else withdrawn.isoformat(),
        "state": "live" if is_live else "expired" if withdrawn is None else "withdrawn",
    }
    if consent.source == me:
        told |= {"given_by": consent.given_by.value, "recorded_by": consent.recorded_by}
        told |= {"form_version": consent.form_version, "language": consent.language}
    return told


def _on_record(consent: ConsentRecord) -> dict[str, Any]:
    """What the audit keeps of it. The subject is its source's own word and goes nowhere else."""
    return {
        "fields": list(consent.fields),
        "recipients": sorted(consent.recipients),
        "purpose": consent.purpose,
        "given_by": consent.given_by.value,
        "form_version": consent.form_version,
        "signed_at": consent.signed_at.isoformat(),
        "valid_until": consent.valid_until.isoformat(),
        "not_abuser_attested": True,
    }


def record(conn: Connection, asking: Asking, given: ConsentRecord) -> Recorded:
    """
    Put a consent on record. What it opens of events that its recipients may have read already comes to them again.

    Raises:
        Denied: the caller is no admin of an agency.
        Invalid: the subject, a member, a recipient or a time is wrong; nothing was recorded.
    """
    consent = replace(given, id=consents.new_id(conn), source=asking.principal.agency.id)
    may = may_use(asking.principal, WRITE_CONSENTS)
    acts.require(conn, asking, "consent.record", may, of=consent.id, after=_on_record(consent))
    consent = replace(consent, recorded_by=acts.actor(asking))
    events = consents.own_events(conn, consent.source, consent.subject) if "\0" not in consent.subject else []
    found = [*flaws(consent, asking.view.rules.directory, asking.at), *_misplaced(consent, events)]
    if found:
        raise Invalid(tuple(found))
    consent = replace(consent, fields=tuple(_pinned(consent.fields, events)))
    consents.add(conn, consent)  # this first: whoever opens something holds the directory before it stops the log
    consents.stop_the_log(conn)
    return Recorded(consent, _offer(conn, asking, consent))


def _misplaced(consent: ConsentRecord, events: Sequence[Stored]) -> Iterator[Flaw]:
    if not events:
        yield flaw("/subject", NO_EVENT)
        return
    bodies = [registry.BODIES[name] for name in sorted({row.type for row in events})]
    texts = _texts(events)
    for number, pointer in enumerate(consent.fields):
        why = pins.why_not(pointer, bodies)
        if why is None and pins.pinned(pointer, texts) is None:
            why = pins.NO_SUCH_ITEM
        if why is not None:
            yield flaw(f"/fields/{number}", why)


def _pinned(pointers: Sequence[str], events: Sequence[Stored]) -> Iterator[str]:
    texts = _texts(events)
    for pointer in pointers:
        yield pins.pinned(pointer, texts) or pointer


def _texts(events: Sequence[Stored]) -> list[dict[str, Any]]:
    return [whole(row) for row in events]


def _offer(conn: Connection, asking: Asking, consent: ConsentRecord) -> int:
    """What holds one of the members, and is in the log, comes again to each recipient that may read it."""
    rules = asking.view.rules
    rows = [
        row
        for row in consents.own_events(conn, consent.source, consent.subject)
        if row.position is not None and pins.placed(whole(row), consent.fields)
    ]
    count = 0
    for name in sorted(consent.recipients):
        reader = of_agency(rules.directory.agencies[name])
        decisions = [(row, may_read(reader, asking.facts_of(row), rules, asking.at)) for row in rows]
        opened = [row for row, decision in decisions if consent.purpose in decision.protected_for]
        consents.offer(conn, name, opened)
        count += len(opened)
    return count


def withdraw(conn: Connection, asking: Asking, consent_id: UUID) -> ConsentRecord:
    """
    Withdraw a consent; it opens nothing from this moment on. Once more changes nothing.

    Raises:
        Denied: the caller is no admin of an agency.
        NotVisible: there is none, or it is another agency's.
    """
    scope = may_use(asking.principal, WRITE_CONSENTS)
    if not scope.is_allowed:
        acts.require(conn, asking, "consent.withdraw", scope, of=str(consent_id))
    consent = consents.by_id(conn, consent_id, held=True)
    may = NOTHING if consent is None else may_act_for(asking.principal, WRITE_CONSENTS, consent.source)
    if consent is not None and may.is_allowed and consent.withdrawn_at is not None:
        return consent
    acts.require(conn, asking, "consent.withdraw", may, of=str(consent_id), hides=True)
    consents.withdraw(conn, str(consent_id), acts.actor(asking))
    return _found(consents.by_id(conn, consent_id))


def list_consents(conn: Connection, asking: Asking, *, after: UUID, limit: int) -> list[ConsentRecord]:
    """The caller's agency's consents, and those that name it, in order of ids behind `after`."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_CONSENTS), READ_CONSENTS)
    return consents.concerning(conn, asking.principal.agency.id, after=after, limit=limit)


def read_consent(conn: Connection, asking: Asking, consent_id: UUID) -> ConsentRecord:
    """
    One consent.

    Raises:
        NotVisible: there is none, or it neither is the caller's agency's nor names it.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_CONSENTS), READ_CONSENTS)
    consent, me = consents.by_id(conn, consent_id), asking.principal.agency.id
    if consent is not None and me not in (consent.source, *consent.recipients):
        consent = None
    return _found(consent)


def _found(consent: ConsentRecord | None) -> ConsentRecord:
    if consent is None:
        raise NotVisible
    return consent
