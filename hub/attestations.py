"""What agencies have shown to hold (28 CFR 23 training, an NDA): recorded by an operator, and ended by time or reason.

28 CFR 23.20(f)-(g) has whoever runs the system see to it that readers keep its rules; so operators record and withdraw,
on a document whose digest is kept. Auditors look on: they change nothing. What rests on an attestation ends with it, at
that minute; when one is recorded, what it opens behind its reader's cursor comes anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub import acts, reader_offers, reminders
from hub.authority import READ_ATTESTATIONS, WRITE_ATTESTATIONS, is_operator, may_operate, may_use
from hub.directory import Attestation, Standing
from hub.errors import Invalid, NotVisible
from hub.store import attestations
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from hub.directory import Agency
    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.attestations import Held

UNKNOWN_AGENCY = Text("no such agency, or a retired one", "no existe tal agencia, o fue dada de baja", code="no-agency")
OVER = Text("this end has passed", "este término ya pasó", code="over")
LATE = Text(
    "begins later than now, and none of this kind is in force until then",
    "comienza después de ahora y ninguna de este tipo está vigente hasta entonces",
    code="begins-later",
)
WITHDRAWN = Text("withdrawn already", "ya fue retirada")


def shown(held: Held, at: datetime) -> dict[str, Any]:
    """An attestation as those see it who may; `warning_days` is the threshold before its end that it has come to."""
    is_live = held.withdrawn_at is None
    return {
        "id": held.id,
        "agency": held.agency,
        "kind": held.kind,
        "valid_from": held.valid_from.isoformat(),
        "valid_until": held.valid_until.isoformat(),
        "document_sha256": held.document_sha256,
        "recorded_by": held.recorded_by,
        "withdrawn_by": held.withdrawn_by,
        "withdrawn_at": None if held.withdrawn_at is None else held.withdrawn_at.isoformat(),
        "reason": held.reason,
        "in_force": is_live and held.valid_from <= at < held.valid_until,
        "warning_days": reminders.threshold(held.valid_until, at) if is_live else None,
    }


def list_attestations(conn: Connection, asking: Asking, *, agency: str | None, after: UUID, limit: int) -> list[Held]:
    """Attestations in the order they were recorded in: operators see all, others those of their own agency."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_ATTESTATIONS), READ_ATTESTATIONS)
    own = agency if is_operator(asking.principal) else asking.principal.agency.id
    if agency is not None and agency != own:
        return []
    return attestations.listed(conn, agency=own, after=after, limit=limit)


def record(conn: Connection, asking: Asking, wanted: Mapping[str, Any]) -> Held:
    """
    Put on record what an agency has shown to hold; what that opens again is offered to it.

    Raises:
        Denied: the caller is no operator.
        Invalid: no such agency, over already, or not yet begun: nobody would be there to offer what it opens then.
    """
    agency_id, begins = wanted["agency"], wanted["valid_from"] or asking.at
    held = Attestation(kind=wanted["kind"], valid_from=begins, valid_until=wanted["valid_until"])
    may = may_operate(asking.principal, WRITE_ATTESTATIONS)
    after = {
        "kind": held.kind,
        "valid_from": held.valid_from.isoformat(),
        "valid_until": held.valid_until.isoformat(),
        "document_sha256": wanted["document_sha256"],
    }
    acts.require(conn, asking, "attestation.record", may, of=agency_id, after=after)
    agency = asking.view.rules.directory.enrolled(agency_id)
    if agency is None or agency.standing is Standing.RETIRED:
        raise Invalid((flaw("/agency", UNKNOWN_AGENCY),))
    _require_timely(agency, held, asking.at)
    recorded = attestations.record(
        conn, agency_id, held, document_sha256=wanted["document_sha256"], recorded_by=acts.actor(asking)
    )
    reader_offers.offer_active_to(conn, asking, replace(agency, attestations=(*agency.attestations, held)))
    return recorded


def withdraw(conn: Connection, asking: Asking, attestation_id: UUID, reason: str) -> Held:
    """
    End an attestation at once.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there. Conflict: it is withdrawn.
    """
    present = _visible(conn, asking, attestation_id)
    may = may_operate(asking.principal, WRITE_ATTESTATIONS)
    clash = None if present.withdrawn_at is None else WITHDRAWN
    before, after = {"kind": present.kind, "agency": present.agency}, {"withdrawn": True, "reason": reason}
    acts.require(conn, asking, "attestation.withdraw", may, of=present.id, before=before, after=after, clash=clash)
    by = acts.actor(asking)
    attestations.withdraw(conn, present.id, by=by, at=asking.at, reason=reason)
    return replace(present, withdrawn_by=by, withdrawn_at=asking.at, reason=reason)


def _require_timely(agency: Agency, wanted: Attestation, at: datetime) -> None:
    if wanted.valid_until <= at:
        raise Invalid((flaw("/valid_until", OVER),))
    continues = any(
        held.kind == wanted.kind and held.valid_from <= at and wanted.valid_from <= held.valid_until
        for held in agency.attestations
    )
    if wanted.valid_from > at and not continues:
        raise Invalid((flaw("/valid_from", LATE),))


def _visible(conn: Connection, asking: Asking, attestation_id: UUID) -> Held:
    """The attestation, locked, if it is the caller's agency's or the caller an operator; else the attempt is noted."""
    held = attestations.locked(conn, attestation_id)
    if held is None or not (is_operator(asking.principal) or held.agency == asking.principal.agency.id):
        acts.require(conn, asking, "attestation.read", acts.NOTHING, of=str(attestation_id), hides=True)
        raise NotVisible
    return held
