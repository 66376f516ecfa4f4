"""What the proof `clients` times: how soon nothing is left in a topic whose agency has lost the right to read it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from kafka.admin import KafkaAdminClient

from connectors.client import Gateway
from hub.directory import Standing
from hub.store import Connection, agencies
from hub.workers import out_topics
from hub.workers.rules import ANY_RULE, to_read_out
from hub.workers.topics import out_topic
from tests.proof.posting import profile
from tests.proof.stage import Stage, open_to_all
from tests.support import events
from tests.support.waiting import until

POSTING, READING = "us-ca-sdpd", "us-ca-chp"


def key_of(node: Stage, agency: str) -> Path:
    """Where an enrolled agency's private key is."""
    return node.folder / "agencies" / f"{agency}.pem"


def narrow(node: Stage, rounds: int) -> dict[str, list[float]]:
    """
    Take rights and give them back: by way, milliseconds from the commit until nothing is in the topic.

    Who is suspended may not even ask for it any more; who has lost a grant may, and finds nothing.
    """
    topic, rule = out_topic(READING), to_read_out(READING, "")
    found: dict[str, list[float]] = {"suspension": [], "grant": []}
    with _admin(node) as admin, Gateway(profile(node, POSTING, key_of(node, POSTING))) as gateway:

        def is_open() -> bool:
            return rule in set(admin.describe_acls(ANY_RULE)[0])

        def is_back() -> bool:
            return is_open() and not out_topics.is_empty(admin, topic)

        def is_gone() -> bool:
            return (way == "grant" or not is_open()) and out_topics.is_empty(admin, topic)

        for number, way in enumerate([*found] * rounds):
            told = events.alert(id=f"narrowed-{number}", subject=f"narrowed-{number}", source=POSTING)
            gateway.publish(orjson.dumps(told))
            until(is_back, within_s=30, what="the topic is open")
            with node.database() as conn:
                _take(conn, way)
            began_s = time.monotonic()
            until(is_gone, within_s=30, what="the topic is empty")
            found[way].append(1000 * (time.monotonic() - began_s))
            with node.database() as conn:
                agencies.set_standing(conn, READING, Standing.ACTIVE)
                open_to_all(conn)
    return found


def _take(conn: Connection, way: str) -> None:
    if way == "suspension":
        agencies.set_standing(conn, READING, Standing.SUSPENDED)
    else:
        open_to_all(conn, "case")


@contextmanager
def _admin(node: Stage) -> Iterator[Any]:
    admin = KafkaAdminClient(**node.login())
    try:
        yield admin
    finally:
        admin.close()
