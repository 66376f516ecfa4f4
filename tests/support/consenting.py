"""Consents that are recorded and withdrawn on one node of two: tests say for whom, to what, until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hub import consenting
from hub.authority import scopes_of
from hub.consents import ConsentRecord, Giver
from hub.directory import Agency, Person, PersonState, Role
from hub.grants import Grant, Selector
from hub.reading import Asking
from hub.store import persons
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import POLICE
from tests.support.crossing import Side, now
from tests.support.node import BEGAN, YEAR, child_case

PURPOSE = "victim-services"
CANARY = "Kanari7Q"
FIRST, SECOND = "prs_FirstName", "prs_SecondName"
VICTIM = {"ref": "V1", FIRST: f"{CANARY} Lucía", SECOND: f"{CANARY} Pérez", "prs_Gender": "Feminine"}


def for_victims(reader: Agency, **differs: Any) -> Grant:
    """Everything of the police for one agency, up to what consents open."""
    usual: dict[str, Any] = {
        "id": f"for-{reader.id}",
        "reader": Selector(agency=reader.id),
        "types": ("*",),
        "purpose": PURPOSE,
        "clearance": Sensitivity.PROTECTED,
        "valid_from": BEGAN - YEAR,
        "valid_until": BEGAN + YEAR,
    }
    return cast.grant(**usual | differs)


def released_case(verb: str = "opened", **differs: Any) -> dict[str, Any]:
    """A case of the police that Mexico may have, with one victim."""
    label = {"tlp": "amber", "rel_to": ["US", "MX"]} | differs.pop("label", {})
    return child_case(verb, label=label, data={"victims": [VICTIM]} | differs.pop("data", {}), **differs)


def admin(side: Side, agency: Agency = POLICE) -> Asking:
    """Somebody who may record consents for the agency."""
    person = Person(
        id=f"{agency.id}.ana", agency=agency.id, name="Ana", roles=frozenset({Role.ADMIN}), state=PersonState.ACTIVE
    )
    persons.put(side.conn, person)
    asking = side.asking(agency)
    scopes = scopes_of(person.roles)
    return replace(asking, principal=replace(asking.principal, person=person, scopes=scopes))


def records(side: Side, subject: str, *readers: Agency, until: datetime | None = None, **differs: Any) -> str:
    """The police put on record that the victim consents; the consent's id."""
    usual: dict[str, Any] = {
        "id": "",
        "source": "",
        "subject": subject,
        "fields": (f"/data/victims/0/{FIRST}",),
        "recipients": frozenset(one.id for one in readers),
        "purpose": PURPOSE,
        "signed_at": BEGAN,
        "valid_until": until or now() + timedelta(days=30),
        "given_by": Giver.INDIVIDUAL,
        "form_version": "1",
        "language": "es",
    }
    asking = admin(side)
    with side.conn.transaction():
        done = consenting.record(side.conn, asking, ConsentRecord(**usual | differs))
    side.sequence()
    return done.consent.id


def withdraws(side: Side, consent: str) -> None:
    """The victim wants it no longer."""
    asking = admin(side)
    with side.conn.transaction():
        consenting.withdraw(side.conn, asking, UUID(consent))


def silent_for(side: Side, seconds: float) -> None:
    """As if a side had heard nothing of the other for so long."""
    side.rows("UPDATE crossing SET current_at = current_at - make_interval(secs => %s)", seconds)
