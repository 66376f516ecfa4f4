"""A case with two victims, and consents to their names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.grants import Tlp
from schemas.sensitivity import Sensitivity
from tests.support.cast import SHELTER
from tests.support.node import BEGAN, Desk, child_case, grant

PURPOSE = "victim-services"


LABEL = {"tlp": "green"}


VICTIMS = [
    {"ref": "V1", "prs_FirstName": "Lucía", "prs_SecondName": "Pérez", "prs_Gender": "Feminine"},
    {"ref": "V2", "prs_FirstName": "Rosa", "prs_SecondName": "Doe"},
]


FIRST_NAME = "/data/victims/ref:V1/prs_FirstName"
TO_SHELTER = grant(
    id="for-victims",
    types=("*",),
    purpose=PURPOSE,
    clearance=Sensitivity.PROTECTED,
    max_tlp=Tlp.AMBER_STRICT,
)


def consent(subject: str, **differs: Any) -> dict[str, Any]:
    """A consent of the first victim to her first name, for the shelter, as it is posted."""
    usual = {
        "subject": subject,
        "fields": ["/data/victims/0/prs_FirstName"],
        "recipients": [SHELTER.id],
        "purpose": PURPOSE,
        "given_by": "individual",
        "not_abuser_attested": True,
        "form_version": "2026-1",
        "language": "es",
        "signed_at": BEGAN.isoformat(),
        "valid_until": (BEGAN + timedelta(days=30)).isoformat(),
    }
    return usual | differs


def case(police: Desk, **differs: Any) -> dict[str, Any]:
    """A case with two victims, in the log; as it was published, with the hub's id of it."""
    event = child_case(**{"label": LABEL} | differs, data={"victims": VICTIMS})
    hub_id = police.publish(event)
    police.node.sequence()
    return event | {"hub_id": hub_id}


def recorded(admin: Desk, subject: str, **differs: Any) -> dict[str, Any]:
    """A consent that must be recorded, as it was answered."""
    answer = admin.post("/v1/consents", consent(subject, **differs))
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())
