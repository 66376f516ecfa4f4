"""One whole node in a network namespace of its own, and how the proof of the border speaks to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import trustme

from connectors.config import Identity
from connectors.profile import Profile
from hub.grant_rows import load_grants
from hub.settings import Settings, load_settings
from hub.store import Connection, connect, grants
from tests.proof.border_wire import IP, enter, inside
from tests.proof.keeper import Keeper
from tests.proof.premises import enrol_police
from tests.proof.stage import ESCALATION, LIMITS, children

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
GATEWAY, MANAGEMENT, CHECKPOINT = 8443, 8444, 8445
UP_S = 180.0
ENDS_S = 60.0
HUB_TOML = """
[node]
id = "{id}"
country = "{country}"
issuer = "https://{id}.puente.invalid"
state_dir = "{state}"

[rates]                  # after an outage everybody comes back at once, all from one address
reads_per_s = 500
publishes_per_s = 500
urgent_per_s = 500
tokens_per_s = 100

[border]
url = "https://{address}:8445"
host = "{address}"
certificate_file = "checkpoint.pem"
key_file = "checkpoint.key"
authority_file = "authority.pem"
"""
GRANT_TOML = """
[[grant]]
id = "{id}"
source = {{ country = "{source}" }}
reader = {{ kind = "law_enforcement", country = "{reader}" }}
types = ["{types}"]
jurisdictions = ["{source}"]
purpose = "locate-child"
max_tlp = "amber+strict"
clearance = "enforcement"
valid_from = 2020-01-01T00:00:00Z
valid_until = 2040-01-01T00:00:00Z
"""


@dataclass(slots=True, kw_only=True)
class Post:
    """One node: where it is, who is enrolled there, and how it is spoken to."""

    id: str
    namespace: str
    address: str
    folder: Path
    authority: trustme.CA
    poster: str  # who publishes
    reader: str  # who reads, of ours and of theirs
    place: str
    told: Settings = field(init=False)
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        config = self.folder / "config"
        config.mkdir(parents=True)
        certificate = self.authority.issue_cert(self.address)
        (config / "checkpoint.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        (config / "checkpoint.key").write_bytes(certificate.private_key_pem.bytes())
        (config / "authority.pem").write_bytes(self.authority.cert_pem.bytes())
        shutil.copy(LIMITS, config / "limits.toml")
        shutil.copy(ESCALATION, config / "escalation.toml")
        written = HUB_TOML.format(id=self.id, country=self.country, state=self.folder, address=self.address)
        self.config.write_text(written)
        self.told = load_settings(self.config, {})
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PUENTE_")}
        self.keeper = Keeper(
            command=[*self._inside, *self._puente, "up", "--config", str(self.config)],
            folder=self.folder / "up",
            environment=environment | {"PYTHONPATH": str(ROOT), "LC_ALL": "C"},
        )

    @property
    def country(self) -> str:
        """Of the node."""
        return self.id.upper()

    @property
    def config(self) -> Path:
        """Its settings."""
        return self.folder / "config" / "hub.toml"

    @property
    def state(self) -> Path:
        """Where its keys, its services and its logs are."""
        return self.told.state_dir

    @property
    def _inside(self) -> list[str]:
        return [IP, "netns", "exec", self.namespace]

    @property
    def _puente(self) -> list[str]:
        return [sys.executable, "-m", "hub.cli"]

    def puente(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the node's operator, typed on its machine."""
        command = [*self._inside, *self._puente, *words, "--config", str(self.config)]
        environment = self.keeper.environment
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    def does(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same, which must succeed."""
        done = self.puente(*words)
        assert done.returncode == 0, f"{self.id}: puente {' '.join(words)}: {done.stderr}"
        return done

    @property
    def running(self) -> Mapping[str, str]:
        """What `up` has settled."""
        found: dict[str, str] = json.loads((self.state / "running.json").read_text("utf-8"))
        return found

    @property
    def url(self) -> str:
        """Its database, over a Unix socket, which no namespace is in the way of."""
        return self.running["PUENTE_DATABASE_URL"]

    def database(self) -> AbstractContextManager[Connection]:
        """A connection to it."""
        return connect(self.url, name="proof")

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database itself says."""
        with self.database() as conn:
            found = conn.execute(statement.encode(), parameters or None)
            return [tuple(row) for row in found.fetchall()] if found.description else []

    def inside(self, act: Callable[[], T]) -> T:
        """What `act` gives on the node's machine."""
        return inside(self.namespace, act)

    def enter(self) -> None:
        """This thread is on the node's machine from now on."""
        enter(self.namespace)

    def is_ready(self) -> bool:
        """Whether the whole node says so."""

        def ask() -> bool:
            try:
                url = f"http://127.0.0.1:{MANAGEMENT}/health/ready"
                return httpx.get(url, trust_env=False, timeout=5).status_code == 200
            except httpx.HTTPError:
                return False

        return self.inside(ask)

    def processes(self) -> dict[str, int]:
        """The node's processes by name; the database's is `postgres`."""
        up = self.keeper.pid()
        return {_name(pid): pid for pid in children(up)} if up is not None else {}

    def family(self, name: str) -> list[int]:
        """A process and those that it has started."""
        pid = self.processes().get(name)
        return [] if pid is None else [pid, *children(pid)]

    def restart(self) -> None:
        """End everything in order as far as it goes, and start it again."""
        self.end()
        self.keeper.start()

    def end(self) -> None:
        """Ctrl-C, and force for what is left."""
        pid = self.keeper.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            until_s = time.monotonic() + ENDS_S
            while not self.keeper.ended() and time.monotonic() < until_s:
                time.sleep(0.05)
        self.keeper.stop()

    def profile(self, agency: str) -> Profile:
        """An agency at the gateway."""
        gateway = f"http://127.0.0.1:{GATEWAY}"
        identity = Identity(
            token_endpoint=f"{gateway}/oauth/token",
            issuer=self.told.node.issuer,
            client_id=agency,
            key_file=self._key(agency),
            audience=f"{self.id}/api",
        )
        return Profile(gateway=gateway, agency=agency, identity=identity, ca_file=None)

    def _key(self, agency: str) -> Path:
        return self.folder / "agencies" / f"{agency}.pem"

    def enrol(self, agency_id: str) -> None:
        """A police agency that may publish and read."""
        with self.database() as conn:
            enrol_police(conn, agency_id, self._key(agency_id), ("alert.*",))

    def grant(self, there: str, *, with_warnings: bool) -> None:
        """What the node grants, here and to the other country; warnings are the grant that ends."""
        told = {"alerts-here": (self.country, "alert.*"), "alerts-there": (there, "alert.missing_child.*")}
        if with_warnings:
            told["warnings-there"] = (there, "alert.warning.*")
        written = "".join(
            GRANT_TOML.format(id=f"{self.id}-{name}", source=self.country, reader=reader, types=types)
            for name, (reader, types) in told.items()
        )
        with self.database() as conn:
            grants.replace_imported(conn, load_grants(tomllib.loads(written), written.encode()).grants, bytes(32))


def _name(pid: int) -> str:
    """By the log it writes: some processes change their command line."""
    try:
        return Path(f"/proc/{pid}/fd/1").readlink().name.removesuffix(".log")
    except OSError:
        return ""
