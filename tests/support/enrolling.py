"""A person to be enrolled, the two who do it, and what the audit says of it."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.support.cast import POLICE
from tests.support.node import Desk, Node, public_pem

LUIS = "us-ca-sdpd.luis"


def new(person: str = LUIS, *roles: str, **differs: Any) -> dict[str, Any]:
    """A person to be enrolled, an officer unless said otherwise."""
    return {"id": person, "name": "Luis", "roles": list(roles or ("officer",)), "key": public_pem(person)} | differs


def confirm(desk: Desk, person: str = LUIS, version: int | None = None) -> TestResponse:
    """Stand behind what waits of a person, as it is now."""
    seen = version or desk.get(f"/v1/persons/{person}").get_json().get("version", 1)
    return desk.post(f"/v1/persons/{person}/confirmation", {}, {"If-Match": f'"{seen}"'})


def version(desk: Desk, person: str = LUIS) -> int:
    """Which version of a person this desk sees."""
    return int(desk.get(f"/v1/persons/{person}").get_json()["version"])


def entries(node: Node, action: str) -> list[tuple[Any, ...]]:
    """What the audit says of an action: who, on whom, allowed or not."""
    return node.rows("SELECT person, object, is_allowed FROM audit WHERE action = %s ORDER BY no", action)


def enrolled(first: Desk, second: Desk, person: str = LUIS, *roles: str) -> Desk:
    """A person enrolled by one and confirmed by the other, with a token."""
    assert first.post("/v1/persons", new(person, *roles)).status_code == 201
    assert confirm(second, person).status_code == 200
    answer = first.node.ask_token(person)
    assert answer.status_code == 200, answer.text
    return Desk(first.node, POLICE, answer.get_json()["access_token"])
