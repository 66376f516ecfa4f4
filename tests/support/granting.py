"""People on both sides of a grant, and what they write: tests say who does what, not how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from hub.directory import Agency, Role
from tests.support.cast import POLICE, SHELTER
from tests.support.node import SHERIFF, Desk, Node

NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = timedelta(days=30)


def at(delta: timedelta = timedelta()) -> str:
    """A time from now, as requests write it."""
    return (NOW + delta).isoformat()


def agreement(**differs: Any) -> dict[str, Any]:
    """Between POLICE, SHELTER and SHERIFF, from a month ago on, for a year; drafted by POLICE."""
    usual = {
        "id": "us-ca-sdpd-mou",
        "title": {"en": "Sharing of alerts (sample)", "es": "Intercambio de alertas (muestra)"},
        "legal_basis": "34 USC 20501 (sample)",
        "document_sha256": "ab" * 32,
        "parties": [{"agency": POLICE.id}, {"agency": SHELTER.id}, {"agency": SHERIFF.id}],
        "valid_from": at(-MONTH),
        "valid_until": at(12 * MONTH),
    }
    return usual | differs


def wanted(**differs: Any) -> dict[str, Any]:
    """POLICE's alerts for SHERIFF, who is of the same country and no nonprofit: one approval is enough."""
    usual = {
        "id": "us-ca-sdpd-to-sheriff",
        "agreement": "us-ca-sdpd-mou",
        "source": {"agency": POLICE.id},
        "reader": {"agency": SHERIFF.id},
        "types": ["alert.*"],
        "jurisdictions": ["US-CA"],
        "purpose": "locate-child",
        "max_tlp": "amber+strict",
        "clearance": "enforcement",
        "valid_from": at(-timedelta(hours=3)),
        "valid_until": at(MONTH),
    }
    return usual | differs


class Office:
    """Everybody it takes: three admins at POLICE, one each at SHELTER and SHERIFF, an operator and an auditor."""

    def __init__(self, node: Node, operator: Agency) -> None:
        self.node = node
        node.enrol(operator)
        self.ana, self.beto, self.carla = (node.office(POLICE, name, Role.ADMIN) for name in ("ana", "beto", "carla"))
        self.nora = node.office(SHELTER, "nora", Role.ADMIN)
        self.saul = node.office(SHERIFF, "saul", Role.ADMIN)
        self.olga = node.office(operator, "olga", Role.OPERATOR)

    def agree(self, **differs: Any) -> str:
        """An agreement in force; its id."""
        drafted = done(self.ana.post("/v1/agreements", agreement(**differs)), 201)
        done(act(self.olga, f"/v1/agreements/{drafted['id']}", "approve"))
        return str(drafted["id"])

    def propose(self, by: Desk | None = None, **differs: Any) -> dict[str, Any]:
        """A proposal, by SAUL unless said otherwise, so that one of POLICE's approves it."""
        name = differs.pop("id", None) or ("us-ca-sheriff-from-sdpd" if by is None else wanted()["id"])
        return done((by or self.saul).post("/v1/grants", wanted(id=name, **differs)), 201)

    def grant(self, **differs: Any) -> dict[str, Any]:
        """A grant in force: proposed by the reader, approved by as many of POLICE's as it takes."""
        proposed = self.propose(**differs)
        for desk in (self.ana, self.beto):
            approved = done(approve(desk, proposed["id"]))
            if approved["versions"][0]["state"] == "in_force":
                return approved
        raise AssertionError(approved)


def done(answer: TestResponse, status: int = 200) -> dict[str, Any]:
    """What came back, after a look at the status."""
    assert answer.status_code == status, answer.text
    return dict(answer.get_json())


def tag(desk: Desk, path: str) -> str:
    """The ETag of a resource as it is now."""
    answer = desk.get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["ETag"])


def act(desk: Desk, path: str, verb: str, body: Any = None, if_match: str | None = None) -> TestResponse:
    """Do something about a resource as it is now, unless another version is named."""
    return desk.post(f"{path}/{verb}", body or {}, {"If-Match": if_match or tag(desk, path)})


def approve(desk: Desk, grant_id: str, version: int | None = None, if_match: str | None = None) -> TestResponse:
    """Approve a version: the newest one, unless said otherwise."""
    number = version or desk.get(f"/v1/grants/{grant_id}").get_json()["versions"][0]["version"]
    return act(desk, f"/v1/grants/{grant_id}", "approve", {"version": number}, if_match)


def halt(desk: Desk, grant_id: str, verb: str, **told: Any) -> TestResponse:
    """Suspend, revoke or resume, with a reason where one is asked for."""
    return act(desk, f"/v1/grants/{grant_id}", verb, {} if verb == "resume" else {"reason": "no longer needed"} | told)


def amend(desk: Desk, grant_id: str, **differs: Any) -> TestResponse:
    """Propose the next version of the usual grant."""
    body = {name: value for name, value in (wanted() | differs).items() if name != "id"}
    return act(desk, f"/v1/grants/{grant_id}", "versions", body)
