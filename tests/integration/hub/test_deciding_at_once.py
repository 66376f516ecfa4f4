"""Two people decide of the same thing at the same moment: one decision counts, the other one is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.support.cast import POLICE
from tests.support.node import Desk, Node, public_pem

LUIS = "us-ca-sdpd.luis"
TOLD = {"If-Match": '"1"'}


def at_once(*requests: Any) -> list[int]:
    with ThreadPoolExecutor(len(requests)) as threads:
        return sorted(threads.map(lambda request: int(request().status_code), requests))


@pytest.mark.parametrize("attempt", range(5))
def test_a_person_is_confirmed_once(node: Node, ana: Desk, bea: Desk, olga: Desk, attempt: int) -> None:
    ana.post("/v1/persons", {"id": LUIS, "name": "Luis", "roles": ["officer"], "key": public_pem(f"luis-{attempt}")})

    answers = at_once(*(lambda who=who: who.post(f"/v1/persons/{LUIS}/confirmation", {}, TOLD) for who in (bea, olga)))

    assert answers in ([200, 409], [200, 412])
    assert len(node.rows("SELECT 1 FROM audit WHERE action = 'person.confirm' AND is_allowed")) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_a_right_is_approved_or_revoked(node: Node, ana: Desk, olga: Desk, omar: Desk, attempt: int) -> None:
    ends = (node.clock() + timedelta(days=30 + attempt)).isoformat()
    wanted = {"agency": POLICE.id, "types": ["alert.*"], "jurisdictions": ["US-CA:06073"], "valid_until": ends}
    right = ana.post("/v1/publish-rights", wanted).get_json()["id"]
    path, body = f"/v1/publish-rights/{right}", {"state": "revoked", "reason": "a mistake"}

    answers = at_once(
        lambda: olga.post(f"{path}/approval", {}, TOLD),
        lambda: omar.post(f"{path}/approval", {}, TOLD),
        lambda: ana.put(f"{path}/state", body, 1),
    )

    found = ana.get(path).get_json()
    assert (answers[0], found["version"]) == (200, 2)
    assert set(answers[1:]) <= {409, 412}
    assert (found["state"], found["approved_by"] is None) in [("in_force", False), ("revoked", True)]


@pytest.mark.parametrize("attempt", range(5))
def test_one_id_is_given_once(node: Node, ana: Desk, bea: Desk, attempt: int) -> None:
    bodies = [
        {"id": LUIS, "name": "Luis", "roles": [role], "key": public_pem(f"luis-{role}-{attempt}")}
        for role in ("officer", "auditor")
    ]

    answers = at_once(
        lambda: ana.post("/v1/persons", bodies[0]),
        lambda: bea.post("/v1/persons", bodies[1]),
    )

    assert answers in ([201, 409], [201, 422])
    assert node.rows("SELECT count(*) FROM person WHERE id = %s", LUIS) == [(1,)]
    assert len(node.rows("SELECT 1 FROM audit WHERE action = 'person.enrol' AND is_allowed")) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_one_key_is_given_to_one_client(node: Node, ana: Desk, bea: Desk, attempt: int) -> None:
    pem = public_pem(f"shared-{attempt}")
    one, other = ({"client_id": f"us-ca-sdpd.{name}", "key": pem} for name in ("one", "other"))

    answers = at_once(lambda: ana.post("/v1/credentials", one), lambda: bea.post("/v1/credentials", other))

    assert answers == [201, 422]
    assert node.rows("SELECT count(*) FROM credential WHERE public_key_pem = %s", pem) == [(1,)]
