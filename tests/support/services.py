"""The real PostgreSQL and the real broker that tests talk to, and tokens for the latter."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from kafka.net.sasl.oauth import AbstractTokenProvider
from psycopg import sql

from hub.embedded import kafka, postgres
from hub.embedded.install import kafka_jars

NODES = ("us", "mx")
TEMPLATE = "template_migrated"
SHORT_LIVED = (*kafka.JVM, "-XX:TieredStopAtLevel=1")  # half the processor time of a start, slower in the long run


MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's file system in memory; in it is only what mkdtemp makes
ROOM_BYTES = 4 * 2**30


def roomy_memory() -> Path | None:
    """
    Memory to keep the data of tests in, where there is plenty; None: nowhere in particular.

    A database is 600 files. A disk's file system that has just deleted many takes up to half a second to make them.
    """
    is_open = os.access(MEMORY, os.W_OK | os.X_OK)
    return MEMORY if is_open and shutil.disk_usage(MEMORY).free > ROOM_BYTES else None


@contextmanager
def state_folder(where: Path | None = None) -> Iterator[Path]:
    """A folder for one run's data; anyone may pass through, since PostgreSQL started by root is not root."""
    folder = Path(tempfile.mkdtemp(prefix="puente-test-", dir=where))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """Fresh databases of one running server, each a copy of a migrated one; in SQL, which starts no program."""

    def __init__(self, server: postgres.RunningPostgres) -> None:
        self.server = server
        self._conn = psycopg.connect(server.url("postgres"), autocommit=True)
        self._numbers = count(1)
        self._has_template = False

    def empty(self) -> str:
        """The URL of a database with nothing in it."""
        return self._create(f"test_{next(self._numbers)}", "template1")

    def migrated(self) -> str:
        """The URL of a database with the hub's tables and no rows."""
        if not self._has_template:
            # Not at the top: tests of the embedded services need no hub.
            from hub.store.migrate import migrate

            migrate(self._create(TEMPLATE, "template1"))
            self._has_template = True
        return self._create(f"test_{next(self._numbers)}", TEMPLATE)

    def drop(self, url: str) -> None:
        """Forget a database and end the sessions that are still in it."""
        self._run("DROP DATABASE {} WITH (FORCE)", url.partition("@/")[2].partition("?")[0])

    def close(self) -> None:
        """Make and drop no more."""
        self._conn.close()

    def _create(self, name: str, template: str) -> str:
        # The files as they are, instead of page by page through the write-ahead log.
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        return self.server.url(name)

    def _run(self, statement: str, *names: str) -> None:
        self._conn.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A throw-away authorization server: what its node's listener believes."""

    node: str
    key: ECKey

    @property
    def name(self) -> str:
        """The `iss` claim."""
        return f"https://{self.node}.issuer.example"

    @property
    def audience(self) -> str:
        """The `aud` claim of a token for Kafka."""
        return f"{self.node}/kafka"

    def token(
        self,
        of: str,
        /,
        *,
        lifetime_s: int = 900,
        key: ECKey | OctKey | None = None,
        alg: str = "ES256",
        **claims: object,
    ) -> str:
        """A token for Kafka of agency `of`; `claims` replace or, when None, remove what a good one holds."""
        now = int(time.time())
        held: dict[str, object] = {
            "iss": self.name,
            "aud": self.audience,
            "sub": f"client:{of}",
            "agency": of,
            "iat": now,
            "exp": now + lifetime_s,
            "jti": f"{of}-{time.monotonic_ns()}",
            "scope": "events:publish",
        }
        held |= claims
        payload = {name: value for name, value in held.items() if value is not None}
        header = {"alg": alg, "kid": self.key.kid, "typ": "at+jwt"}
        return jwt.encode(header, payload, key or self.key, algorithms=[alg])

    def jwks(self) -> str:
        """The public half, as the broker reads it."""
        return json.dumps({"keys": [self.key.as_dict(private=False)]})


class Tokens(AbstractTokenProvider):  # type: ignore[misc,unused-ignore]
    """Hands kafka-python what `next_token` gives, each time the broker wants to see one."""

    def __init__(self, next_token: Callable[[], str]) -> None:
        super().__init__()
        self._next_token = next_token

    def token(self) -> str:
        """The token, whatever it is worth."""
        return self._next_token()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The running broker and the issuers it believes, by node id."""

    running: kafka.RunningKafka
    issuers: Mapping[str, Issuer]

    def bootstrap(self, node: str) -> str:
        """The address of one node's listener."""
        return self.running.bootstrap(node)

    def login(self, node: str, next_token: Callable[[], str]) -> dict[str, Any]:
        """The settings with which a kafka-python client connects to a node's listener."""
        return {
            "bootstrap_servers": self.bootstrap(node),
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": Tokens(next_token),
        }

    def login_as(self, agency: str) -> dict[str, Any]:
        """The settings of an agency, or of a node's own workers (`us-node`), at the listener of its country."""
        node = agency[:2]
        return self.login(node, lambda: self.issuers[node].token(agency))


def new_issuer(node: str) -> Issuer:
    """An issuer with a fresh key."""
    return Issuer(node=node, key=ECKey.generate_key("P-256", {"kid": f"{node}-test", "use": "sig", "alg": "ES256"}))


def start_broker(folder: Path, issuers: Mapping[str, Issuer], *, ports: Mapping[str, int] | None = None) -> Broker:
    """Start a broker that believes `issuers`; without `ports` on free ones."""
    nodes = []
    for issuer in issuers.values():
        jwks_file = folder / f"{issuer.node}.jwks.json"
        jwks_file.write_text(issuer.jwks())
        port = (ports or {}).get(issuer.node, 0)
        node = kafka.KafkaNode(
            id=issuer.node, issuer=issuer.name, audience=issuer.audience, jwks_file=jwks_file, port=port
        )
        nodes.append(node)
    return Broker(running=kafka.start(folder, nodes, jars=kafka_jars(), jvm=SHORT_LIVED), issuers=issuers)
