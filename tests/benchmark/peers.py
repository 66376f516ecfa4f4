"""What we are measured against: OpenTAXII on the same PostgreSQL, and a Kafka REST proxy that somebody runs.

Neither is fetched or built here. `BENCH_OPENTAXII` names the Python of an environment that has opentaxii 0.9.3,
psycopg2 and granian or gunicorn; `KAFKA_REST` is the address of a proxy, `KAFKA_REST_TOPIC` a topic it may write.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from hub.embedded.postgres import RunningPostgres
from hub.launch import free_port
from tests.benchmark import machine, samples
from tests.benchmark.load import HOST, Connection, request
from tests.benchmark.node import until

PROCESSES, THREADS = 2, 4  # as our gateway
TAXII = "application/taxii+json;version=2.1"
NOTE_ID = "3f2b8c1e-7a54-4f0e-9c3d-000000000001"
MOMENT = "2026-03-04T10:15:30.000Z"

# Version 0.9.3 stores the object and then answers 500: a UUID meets json.dumps. Written as text it answers 201.
APP = """
import json, types
import opentaxii.taxii2.http as http
http.json = types.SimpleNamespace(dumps=lambda document: json.dumps(document, default=str))
from opentaxii.http import app
"""
CONFIG = """---
domain: "{host}:{port}"
auth_api: {{class: opentaxii.auth.sqldb.SQLDatabaseAPI,
           parameters: {{db_connection: "{db}", create_tables: yes, secret: benchmark}}}}
taxii1: null
taxii2:
  contact: nobody@example.org
  title: benchmark
  description: benchmark
  max_content_length: 10000000
  public_discovery: yes
  persistence_api: {{class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI,
                    parameters: {{db_connection: "{db}", create_tables: yes}}}}
logging: {{opentaxii: error, root: error}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTaxii:
    """A running OpenTAXII; anyone may read and write its one collection, so it checks no credentials."""

    process: subprocess.Popen[bytes]
    port: int
    objects: str
    server: str
    database_url: str

    @property
    def name(self) -> str:
        """How figures call it."""
        return f"OpenTAXII 0.9.3 ({self.server} {PROCESSES}x{THREADS})"

    def publishes(self) -> Iterator[bytes]:
        """Requests that each add one object: our event, wrapped as the content of a STIX note."""
        headers = {"Content-Type": TAXII, "Accept": TAXII}
        for number, body in samples.bodies():
            yield request("POST", self.objects, headers, _note(number, body))

    def page(self) -> bytes:
        """The request for the first 20 objects."""
        return request("GET", f"{self.objects}?limit=20", {"Accept": TAXII})

    def stored(self) -> int:
        """Objects in its database."""
        with psycopg.connect(self.database_url) as conn:
            row = conn.execute("SELECT count(*) FROM opentaxii_stixobject").fetchone()
        return int(row[0]) if row else 0


def _note(number: str, body: bytes) -> bytes:
    run, _, count = number.split("-")
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--{run}-aaaa-4aaa-8aaa-{int(count):012x}",
        "created": MOMENT,
        "modified": MOMENT,
        "content": body.decode(),
        "object_refs": [f"identity--{NOTE_ID}"],
    }
    return json.dumps({"objects": [note]}).encode()


def why_no_opentaxii() -> str:
    """Why it cannot be run here; empty when it can."""
    python = os.environ.get("BENCH_OPENTAXII", "")
    if not python:
        return "BENCH_OPENTAXII names no Python that has it"
    return "" if Path(python).exists() else "what BENCH_OPENTAXII names is not there"


@contextmanager
def opentaxii(server: RunningPostgres, folder: Path, name: str) -> Iterator[OpenTaxii]:
    """OpenTAXII on a database of its own in the same PostgreSQL server, ended with the block."""
    url = server.create_database(f"otx_{name}")
    port = free_port(HOST, 0)
    config, programs = folder / f"otx-{name}.yml", Path(os.environ["BENCH_OPENTAXII"]).parent
    config.write_text(CONFIG.format(host=HOST, port=port, db=url.replace("postgresql://", "postgresql+psycopg2://")))
    (folder / "otxapp.py").write_text(APP)
    environment = {**os.environ, "OPENTAXII_CONFIG": str(config), "PYTHONPATH": str(folder)}
    root = _api_root(programs, environment, url)
    served, command = _server(programs, port)
    log = (folder / f"otx-{name}.log").open("ab")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: _answers(port), what="OpenTAXII answers")
        objects = f"/taxii2/{root}/collections/c/objects/"
        yield OpenTaxii(process=process, port=port, objects=objects, server=served, database_url=url)
    finally:
        _end(process)
        log.close()


def _api_root(programs: Path, environment: dict[str, str], url: str) -> str:
    """Make its API root and a collection that is open to all, with its own commands."""
    run = [str(programs / "opentaxii-add-api-root"), "-t", "r", "--default"]
    subprocess.run(run, env=environment, capture_output=True, check=True)
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute("UPDATE opentaxii_api_root SET is_public = true RETURNING id").fetchone()
    assert row is not None
    add = [str(programs / "opentaxii-add-collection"), "-r", str(row[0]), "-t", "c", "-a", "c"]
    subprocess.run([*add, "--public", "--public-write"], env=environment, capture_output=True, check=True)
    return str(row[0])


def _server(programs: Path, port: int) -> tuple[str, list[str]]:
    """The same WSGI server as ours where the environment has it, gunicorn's threads otherwise."""
    granian, gunicorn = programs / "granian", programs / "gunicorn"
    if granian.exists():
        workers = ["--workers", str(PROCESSES), "--blocking-threads", str(THREADS)]
        where = ["--host", HOST, "--port", str(port)]
        return "granian", [str(granian), "--interface", "wsgi", "--no-ws", *workers, *where, "otxapp:app"]
    workers = ["-w", str(PROCESSES), "-k", "gthread", "--threads", str(THREADS)]
    return "gunicorn gthread", [str(gunicorn), *workers, "-b", f"{HOST}:{port}", "otxapp:app"]


def _answers(port: int) -> bool:
    with suppress(OSError):
        connection = Connection(port)
        try:
            return connection.ask(request("GET", "/taxii2/", {"Accept": TAXII})).status == 200
        finally:
            connection.close()
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    below = machine.tree(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    for pid in below:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
    process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestProxy:
    """A Kafka REST proxy that runs already; how it lingers and acknowledges is its own setting."""

    port: int
    topic: str

    def publishes(self) -> Iterator[bytes]:
        """Requests that each produce one of our events."""
        headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
        for _, body in samples.bodies():
            yield request("POST", f"/topics/{self.topic}", headers, b'{"records":[{"value":' + body + b"}]}")


def rest_proxy() -> RestProxy | None:
    """The proxy that `KAFKA_REST` names on this machine."""
    address = os.environ.get("KAFKA_REST", "")
    if not address:
        return None
    return RestProxy(port=urlsplit(address).port or 8082, topic=os.environ.get("KAFKA_REST_TOPIC", "rest-bench"))
