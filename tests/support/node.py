"""A gateway on a real database, and the agencies that speak to it over HTTP: tests say who does what, not how."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import psycopg
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from hub import keys, tree
from hub.addresses import networks
from hub.clients import Grantor
from hub.cursor import Cursors
from hub.directory import Agency, Credential, Kind, Person, Role
from hub.grants import Grant, Selector
from hub.mail_links import MailLinks
from hub.merkle import Head
from hub.picture import Picture
from hub.principal import ANYWHERE, SCOPES
from hub.rates import Rates
from hub.settings import RateSettings
from hub.signing import SigningKey
from hub.store import Connection, agencies, connect, log, open_gateway_pool, persons
from hub.store import grants as stored_grants
from hub.tokens import Issuer, TokenVerifier
from hub.web import create_app
from hub.web.hub import Hub
from hub.webhooks import Signer
from schemas.sensitivity import Sensitivity
from tests.support import cast, events
from tests.support.cast import POLICE
from tests.support.shared import Shared

ISSUER = "https://us.issuer.example"
MAIL_URL = "https://gateway.example"
MAIL = MailLinks(secrets.token_bytes(64), MAIL_URL)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
UNLIMITED = RateSettings(reads_per_s=1e5, publishes_per_s=1e5, urgent_per_s=1e5, tokens_per_s=1e5)
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
YEAR = timedelta(days=365)

# Police to whom POLICE has opened its alerts as law enforcement.
SHERIFF = cast.agency("us-ca-sheriff", Kind.LAW_ENFORCEMENT, "US-CA")
CAST = (*cast.CAST, SHERIFF)
# Runs the node; reads nothing of what passes through it.
OPERATOR = cast.agency("us-operator", Kind.OPERATOR, "US")

ENTRIES = """
    INSERT INTO audit (agency, client, action, is_allowed, reason, policy)
    SELECT %s, 'client', 'test', true, 'reason', 'policy' FROM generate_series(1, %s)
"""
_numbers = count(1)
_SIGNING_KEY = SigningKey(keys.new_private_pem())
_WEBHOOK_KEY = secrets.token_bytes(32)
_CURSOR_KEY = secrets.token_bytes(64)
# By the node that its documentation names: making one costs more than all the rest of a node, and it holds nothing else
# but its hub.
_idle_apps: defaultdict[str, list[Flask]] = defaultdict(list)


def grant(**differs: Any) -> Grant:
    """`cast.grant`, in force for a year around today, since the gateway's clock is today's."""
    return cast.grant(**{"valid_from": BEGAN - YEAR, "valid_until": BEGAN + YEAR} | differs)


TO_SHELTER = grant()
TO_SHERIFF = grant(id="police-to-sheriff", reader=Selector(agency=SHERIFF.id), clearance=Sensitivity.ENFORCEMENT)

USUAL = (TO_SHELTER, TO_SHERIFF)


def stamp(minutes: float = 0) -> str:
    """A time as events write it, so many minutes after `BEGAN`, which is two hours ago."""
    return (BEGAN + timedelta(minutes=minutes)).isoformat()


def missing_child(verb: str = "issued", *, minutes: float = 0, **differs: Any) -> events.Wire:
    """An alert of POLICE with an id of its own, sent `minutes` after `BEGAN`; its subject is its own, unless given."""
    number = next(_numbers)
    data = {"expires": stamp(3 * 24 * 60)} | differs.pop("data", {})
    own = {"id": f"alert-{number}", "subject": f"subject-{number}", "time": stamp(minutes)}
    return events.alert(verb, data=data, **own | differs)


def child_case(verb: str = "opened", *, minutes: float = 0, **differs: Any) -> events.Wire:
    """A trafficking case of POLICE, likewise."""
    number = next(_numbers)
    own = {"id": f"case-{number}", "subject": f"case-subject-{number}", "time": stamp(minutes), "source": POLICE.id}
    return events.case(verb, **own | {"jurisdictions": ["US-CA:06073"]} | differs)


@cache
def client_key(client_id: str) -> ECKey:
    """The private key of a client, made once a run."""
    return ECKey.generate_key("P-256", {"kid": client_id, "use": "sig", "alg": "ES256"})


@cache
def public_pem(client_id: str) -> str:
    """Its public half, as the hub keeps it."""
    return client_key(client_id).as_pem(private=False).decode()


class Clock:
    """The real clock, which a test can move ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Now, as the gateway is to believe it."""
        return datetime.now(UTC) + self.ahead


class Node:
    """
    One gateway process of a node, `us` unless named, on the database at `url`, with the cast enrolled.

    On a `shared` database the cast with the usual grants is there already.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "us",
        enrolled: Iterable[Agency] = CAST,
        grants: Iterable[Grant] = USUAL,
        rates: RateSettings = UNLIMITED,
        mail: MailLinks | None = MAIL,
        shared: Shared | None = None,
    ) -> None:
        self.url = url
        self.name = name
        self._shared = shared
        self.clock = Clock()
        self.hub = self._hub(rates, mail)
        self.app = _idle_apps[name].pop() if _idle_apps[name] else create_app(self.hub)
        self.app.extensions["puente"] = self.hub
        self.client = self.app.test_client()
        if shared is None:
            self.enrol(*enrolled)
        if shared is None or grants is not USUAL:
            self.regrant(*grants)

    def _hub(self, rates: RateSettings, mail: MailLinks | None) -> Hub:
        issuer = Issuer(ISSUER, _SIGNING_KEY)
        return Hub(
            node=self.name,
            url="http://gateway.example",
            stream_url="http://stream.example",
            pool=self._shared.gateway if self._shared else open_gateway_pool(self.url, name="test-gateway", most=4),
            picture=Picture.unread(cast.LIMITS),
            tokens=TokenVerifier(ISSUER, f"{self.name}/api", {_SIGNING_KEY.kid: _SIGNING_KEY.public}, cache=100),
            grantor=Grantor(
                issuer, {f"{self.name}/api": 300, f"{self.name}/kafka": 900}, frozenset({f"{self.name}/kafka"})
            ),
            cursors=Cursors(_CURSOR_KEY),
            rates=Rates(rates, processes=1),
            signer=Signer(_WEBHOOK_KEY),
            webhook_networks=networks(["127.0.0.0/8"]),
            ladders=cast.LADDERS,
            mail=mail,
            now=self.clock,
        )

    def close(self) -> None:
        """Give the database connections back."""
        if self._shared is None:
            self.hub.pool.close()
        _idle_apps[self.name].append(self.app)

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A connection with the rights of who owns the tables."""
        with self._shared.connection() if self._shared else connect(self.url, name="test") as conn:
            yield conn

    def enrol(self, *joining: Agency, **differs: Any) -> None:
        """Enrol agencies, each with a client named like it, whose credential has what `differs` says."""
        with self.database() as conn:
            for agency in joining:
                usual = {"client_id": agency.id, "agency": agency.id, "public_key_pem": public_pem(agency.id)}
                may = {"scopes": frozenset(SCOPES), "jurisdictions": ANYWHERE}
                agencies.enrol(conn, agency)
                agencies.give_credential(conn, Credential(**usual | may | differs))

    def person(self, agency: Agency, name: str, *roles: Role) -> Person:
        """Enrol somebody who counts already, with a key named like them."""
        person = Person(id=f"{agency.id}.{name}", agency=agency.id, name=name.title(), roles=frozenset(roles))
        with self.database() as conn:
            persons.put(conn, person)
            agencies.give_credential(
                conn,
                Credential(
                    client_id=person.id,
                    agency=agency.id,
                    public_key_pem=public_pem(person.id),
                    scopes=frozenset(),
                    jurisdictions=ANYWHERE,
                    person=person.id,
                ),
            )
        return person

    def office(self, agency: Agency, name: str, *roles: Role, **form: str) -> Desk:
        """A person of an agency, enrolled now, with a token of their own."""
        person = self.person(agency, name, *roles)
        answer = self.ask_token(person.id, **form)
        assert answer.status_code == 200, answer.text
        return Desk(self, agency, answer.get_json()["access_token"])

    def regrant(self, *grants: Grant) -> None:
        """Put other grants in force, as a file that is moved into the database does."""
        with self.database() as conn:
            stored_grants.replace_imported(conn, grants, bytes(32))

    def assertion(self, client_id: str, *, key: ECKey | None = None, **claims: Any) -> str:
        """A client assertion (RFC 7523); `claims` replace or, when None, remove what a good one holds."""
        now = int(self.clock().timestamp())
        held = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": uuid4().hex, "iat": now, "exp": now + 60}
        payload = {name: value for name, value in (held | claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "typ": "JWT"}, payload, key or client_key(client_id), algorithms=["ES256"])

    def ask_token(self, client_id: str, **form: str) -> TestResponse:
        """What the token endpoint answers this client."""
        usual = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        assertion = {} if "client_assertion" in form else {"client_assertion": self.assertion(client_id)}
        return self.client.post("/oauth/token", data=usual | assertion | form)

    def desk(self, agency: Agency, **form: str) -> Desk:
        """Somebody at an agency, with a token; `form` narrows it."""
        answer = self.ask_token(agency.id, **form)
        assert answer.status_code == 200, answer.text
        return Desk(self, agency, answer.get_json()["access_token"])

    def sequence(self) -> int:
        """One round of the sequencer: what was accepted gets its place in the log; how many events that were."""
        me = uuid4()
        with self.database() as conn:
            led = log.take_lease(conn, "sequencer", me, lease_ms=5000)
            assert led is not None
            batch = log.assign(conn, led[0], most=2000, lease_ms=5000)
            log.drop_lease(conn, "sequencer", me)
        return batch.assigned

    def note(self, agency_id: str, count: int = 1) -> None:
        """Entries that say nothing but whose they are."""
        self.rows(ENTRIES, agency_id, count)

    def notarize(self, sign: Callable[[Head], str] | None = None, **differs: Any) -> int:
        """One round of the notary: entries get their leaves and the head is signed; how many entries that were."""
        me = uuid4()
        with self.database() as conn:
            led = log.take_lease(conn, "notary", me, lease_ms=60_000)
            assert led is not None
            usual: dict[str, Any] = {"most": 2000, "lease_ms": 60_000, "settled_ms": 60_000}
            turn = tree.Turn(leader=led[0], **usual | differs)
            added = tree.extend(conn, turn, sign or self.hub.grantor.issuer.sign_head, self.clock())
            log.drop_lease(conn, "notary", me)
        return added

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database itself says."""
        with self._shared.connection() if self._shared else psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


class Desk:
    """Somebody at an agency who has a token and speaks HTTP."""

    def __init__(self, node: Node, agency: Agency, token: str) -> None:
        self.node = node
        self.agency = agency
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        """GET with the token."""
        return self.node.app.test_client().get(path, query_string=query, headers=self.headers | (headers or {}))

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
        """POST with the token: `bytes` as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json"} | self.headers | (headers or {})
        return self.node.app.test_client().post(path, headers=told, data=raw, **options)

    def patch(self, path: str, body: Any, version: int) -> TestResponse:
        """PATCH what was seen in this version."""
        told = {"Content-Type": "application/json", "If-Match": f'"{version}"'} | self.headers
        return self.node.app.test_client().patch(path, headers=told, data=json.dumps(body))

    def put(self, path: str, body: Any, version: int) -> TestResponse:
        """PUT over what was seen in this version."""
        told = {"Content-Type": "application/json", "If-Match": f'"{version}"'} | self.headers
        return self.node.app.test_client().put(path, headers=told, data=json.dumps(body))

    def publish(self, event: events.Wire) -> str:
        """Publish what must be new; the hub's id of it."""
        answer = self.post("/v1/events", event)
        assert answer.status_code == 201, answer.text
        return str(UUID(answer.get_json()["id"]))

    def feed(self, **query: Any) -> list[dict[str, Any]]:
        """One page of the feed."""
        answer = self.get("/v1/feed", **query)
        assert answer.status_code == 200, answer.text
        return list(answer.get_json()["events"])

    def event(self, hub_id: str) -> dict[str, Any] | None:
        """One event as this agency sees it, or None."""
        answer = self.get(f"/v1/events/{hub_id}")
        return answer.get_json() if answer.status_code == 200 else None
