"""What people administer: somebody else's looks like what is not there, on every route that takes an id."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from hub.directory import Role
from tests.integration.hub import test_hidden
from tests.integration.hub.test_hidden import NOBODYS, seen
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.granting import wanted
from tests.support.node import Desk, Node, public_pem
from tests.support.subscribing import subscribe

WHY = {"reason": "no longer needed"}
KEY = {"key": public_pem("another")}
NEXT = {name: value for name, value in wanted().items() if name != "id"}
# Each route with the body that gets past its shape.
ROUTES: dict[tuple[str, str], Any] = {
    ("GET", "/v1/agencies/<agency_id>"): None,
    ("PATCH", "/v1/agencies/<agency_id>"): {"duty_phone": "+16195550100"},
    ("PUT", "/v1/agencies/<agency_id>/standing"): {"standing": "suspended"} | WHY,
    ("GET", "/v1/agreements/<agreement_id>"): None,
    ("POST", "/v1/agreements/<agreement_id>/approve"): {},
    ("POST", "/v1/agreements/<agreement_id>/suspend"): WHY,
    ("POST", "/v1/agreements/<agreement_id>/end"): WHY,
    ("POST", "/v1/agreements/<agreement_id>/resume"): {},
    ("POST", "/v1/attestations/<uuid:attestation_id>/withdrawal"): WHY,
    ("GET", "/v1/consents/<uuid:consent_id>"): None,
    ("POST", "/v1/consents/<uuid:consent_id>/withdrawal"): {},
    ("GET", "/v1/credentials/<client_id>"): None,
    ("PUT", "/v1/credentials/<client_id>"): KEY,
    ("POST", "/v1/credentials/<client_id>/end"): WHY,
    ("POST", "/v1/credentials/<client_id>/secret"): {},
    ("DELETE", "/v1/credentials/<client_id>/secret"): None,
    ("GET", "/v1/grants/<grant_id>"): None,
    ("GET", "/v1/grants/<grant_id>/effect"): None,
    ("POST", "/v1/grants/<grant_id>/versions"): NEXT,
    ("POST", "/v1/grants/<grant_id>/approve"): {"version": 1},
    ("POST", "/v1/grants/<grant_id>/withdraw"): {},
    ("POST", "/v1/grants/<grant_id>/suspend"): WHY,
    ("POST", "/v1/grants/<grant_id>/resume"): {},
    ("POST", "/v1/grants/<grant_id>/revoke"): WHY,
    ("POST", "/v1/grants/<grant_id>/confirm"): {},
    ("GET", "/v1/persons/<person_id>"): None,
    ("POST", "/v1/persons/<person_id>/confirmation"): {},
    ("PUT", "/v1/persons/<person_id>/roles"): {"roles": ["officer"]},
    ("PUT", "/v1/persons/<person_id>/key"): KEY,
    ("POST", "/v1/persons/<person_id>/end"): WHY,
    ("GET", "/v1/publish-rights/<right_id>"): None,
    ("POST", "/v1/publish-rights/<right_id>/approval"): {},
    ("PUT", "/v1/publish-rights/<right_id>/state"): {"state": "revoked"} | WHY,
    ("GET", "/v1/reviews/<uuid:review_id>"): None,
    ("GET", "/v1/subscriptions/<uuid:subscription>"): None,
    ("PUT", "/v1/subscriptions/<uuid:subscription>"): {"name": "theirs", "address": "https://example.org/hook"},
    ("DELETE", "/v1/subscriptions/<uuid:subscription>"): None,
    ("GET", "/v1/subscriptions/<uuid:subscription>/deliveries"): None,
    ("POST", "/v1/subscriptions/<uuid:subscription>/recovery"): {"since": "2026-01-01T00:00:00Z"},
    ("POST", "/v1/subscriptions/<uuid:subscription>/secret"): {},
    ("POST", "/v1/subscriptions/<uuid:subscription>/state"): {"state": "paused"},
    ("POST", "/v1/subscriptions/<uuid:subscription>/verification"): {},
}
DIRECTORY = {("GET", "/v1/agencies/<agency_id>")}  # every person may look up every agency
# The same for everybody, with or without a token.
OPEN = {
    ("GET", "/schemas/<name>"),
    ("GET", "/docs/<path:path>"),
    ("GET", "/public/alerts/<uuid:hub_id>.xml"),
}
MISSING = {
    "agency_id": "us-ca-nobody",
    "agreement_id": "no-such-agreement",
    "attestation_id": NOBODYS,
    "client_id": "us-ca-nobody",
    "consent_id": NOBODYS,
    "grant_id": "no-such-grant",
    "person_id": "us-ca-sdpd.nobody",
    "review_id": NOBODYS,
    "right_id": "us-ca-nobody.enrolled-0",
    "subscription": NOBODYS,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody at an agency that none of it concerns."""

    desk: Desk

    def ask(self, route: tuple[str, str], ids: dict[str, str]) -> Any:
        """Call a route with the ids of one thing."""
        method, path = route
        for name, value in ids.items():
            path = path.replace(f"<uuid:{name}>", value).replace(f"<{name}>", value)
        body = ROUTES[route]
        told = {"Content-Type": "application/json", "If-Match": '"1"'} | self.desk.headers
        raw = None if body is None else json.dumps(body)
        return self.desk.node.app.test_client().open(path, method=method, headers=told, data=raw)


def there(node: Node) -> dict[str, str]:
    """One of everything, all of it of POLICE and SHELTER."""
    ana = node.person(POLICE, "ana", Role.ADMIN).id
    attestation, consent, review = (
        str(node.rows(statement, *parameters)[0][0])
        for statement, parameters in (
            (
                """
                INSERT INTO attestation (agency, kind, valid_from, valid_until, document_sha256, recorded_by)
                VALUES (%s, 'nda', '2020-01-01Z', '2040-01-01Z', %s, %s) RETURNING id
                """,
                (POLICE.id, bytes(32), ana),
            ),
            (
                """
                INSERT INTO consent (source, subject, fields, recipients, purpose, given_by, form_version, language,
                                     signed_at, valid_until, recorded_by, not_abuser_attested)
                VALUES (%s, 's', '{/data/child/name}', %s, 'locate-child', 'guardian', '1', 'en', '2020-01-01Z',
                        '2040-01-01Z', %s, true) RETURNING id
                """,
                (POLICE.id, [SHELTER.id], ana),
            ),
            (
                "INSERT INTO review (started_by, due_at, grants) VALUES (%s, '2040-01-01Z', '{}') RETURNING id",
                (ana,),
            ),
        )
    )
    grant = node.rows("SELECT id FROM access_grant WHERE reader_agency = %s", SHELTER.id)[0][0]
    node.rows(
        """
        INSERT INTO agreement (id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state)
        VALUES ('between-them', 'Sample', 'Muestra', 'sample', %s, '2020-01-01Z', '2040-01-01Z', 'in_force')
        """,
        bytes(32),
    )
    for party in (POLICE.id, SHELTER.id):
        node.rows("INSERT INTO agreement_party (agreement, agency) VALUES ('between-them', %s)", party)
    right = node.rows("SELECT id FROM publish_right WHERE agency = %s", POLICE.id)[0][0]
    return {
        "agency_id": POLICE.id,
        "agreement_id": "between-them",
        "attestation_id": attestation,
        "client_id": POLICE.id,
        "consent_id": consent,
        "grant_id": grant,
        "person_id": ana,
        "review_id": review,
        "right_id": right,
        "subscription": str(subscribe(node.desk(POLICE))),
    }


def test_these_are_all_routes_that_take_an_id(node: Node) -> None:
    takers = {
        (method, rule.rule)
        for rule in node.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.arguments
    }

    assert takers == ROUTES.keys() | test_hidden.ROUTES.keys() | OPEN


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_machine_cannot_tell_what_is_there(node: Node, stranger: Desk, route: tuple[str, str]) -> None:
    asker = Asker(stranger)

    hidden, missing = (asker.ask(route, ids) for ids in (there(node), MISSING))

    assert seen(hidden) == seen(missing)
    assert hidden.status_code in (403, 404)


@pytest.mark.parametrize("route", sorted(ROUTES.keys() - DIRECTORY), ids=" ".join)
def test_another_agencys_admin_cannot_tell_what_is_there(node: Node, route: tuple[str, str]) -> None:
    asker = Asker(node.office(STRANGER, "sam", Role.ADMIN))

    hidden, missing = (asker.ask(route, ids) for ids in (there(node), MISSING))

    assert seen(hidden) == seen(missing)
    assert hidden.status_code in (403, 404)
