"""What several proofs begin and end with: what the machine must have, who is enrolled, the logs that are kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from hub import keys, signing
from hub.directory import Agency, Credential, Kind, publishing
from hub.embedded.errors import EmbeddedError
from hub.embedded.install import kafka_jars
from hub.principal import ANYWHERE, SCOPES
from hub.store import Connection, agencies
from tests.proof.verdict import NotRun


def require_kafka() -> None:
    """
    Fetch the broker, if it is not there.

    Raises:
        NotRun: it cannot be had.
    """
    try:
        kafka_jars()
    except EmbeddedError as error:
        raise NotRun(str(error)) from error


def keep_logs(folder: Path, logs: Path) -> None:
    """Copy every log under `folder` to `logs`, in the place of those of the last run; Kafka's segments are none."""
    shutil.rmtree(logs, ignore_errors=True)
    for log in (log for log in folder.rglob("*.log") if "kafka/data" not in str(log)):
        kept = logs / str(log.relative_to(folder)).replace("/", "_")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, kept)
    print(f"logs of the run are in {logs}", flush=True)


def enrol_police(conn: Connection, agency_id: str, key: Path, types: Iterable[str]) -> None:
    """A police agency that may publish these types all over its country, and read; `key` is its client's, made here."""
    country = agency_id[:2].upper()
    agency = Agency(
        id=agency_id,
        name=f"{agency_id} (proof)",
        kind=Kind.LAW_ENFORCEMENT,
        country=country,
        jurisdictions=(country,),
        publishes=publishing(types, (country,)),
    )
    credential = Credential(
        client_id=agency_id,
        agency=agency_id,
        public_key_pem=signing.public_pem(keys.client_key(key)),
        scopes=frozenset(SCOPES),
        jurisdictions=ANYWHERE,
    )
    agencies.enrol(conn, agency)
    agencies.give_credential(conn, credential)
