"""The broker's rules follow the table: by hand nothing lasts, and whoever dies is replaced."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from prometheus_client.parser import text_string_to_metric_families

from hub.directory import Agency, Standing
from hub.store import access, agencies, connect, open_pool
from hub.web.management import create_management_app
from hub.workers import reconciler
from hub.workers.rules import ANY_RULE
from hub.workers.topics import rejected_topic
from schemas import wire
from tests.support.cast import POLICE, agency
from tests.support.node import Node
from tests.support.services import Broker
from tests.support.waiting import until
from tests.support.working import Working

PREFIX = "reconciled."
LOGGER = reconciler.logger.name


@pytest.fixture(scope="module")
def works(postgres_of_module: str, kafka: Broker) -> Iterator[Working]:
    """A node of which only the reconciler runs."""
    node = Node(postgres_of_module)
    working = Working(node, kafka, PREFIX)
    working.start("reconciler")
    working.admitted(POLICE)
    try:
        yield working
    finally:
        working.stop()
        node.close()


@pytest.fixture
def admin(works: Working) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(**works.login()) as client:
        yield client


def rules(admin: KafkaAdminClient) -> set[ACL]:
    return set(admin.describe_acls(ANY_RULE)[0])


def allow(principal: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(f"User:{principal}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))


def to_write(agency_id: str) -> ACL:
    """The rule by which an agency writes to its topic."""
    return allow(agency_id, ACLOperation.WRITE, ResourceType.TOPIC, wire.in_topic(agency_id, PREFIX))


def settled(works: Working) -> None:
    """Wait until the broker is known to follow the table."""

    def follows() -> bool:
        with connect(works.node.url, name="test") as conn:
            return access.last_seen(conn).version == agencies.version_of(conn)

    until(follows, what="the broker follows the table")


def joined(works: Working, name: str) -> Agency:
    """A new agency whose rules are there."""
    works.node.enrol(new := agency(name, POLICE.kind, "US-CA"))
    settled(works)
    return new


def suspend(works: Working, who: Agency) -> None:
    with connect(works.node.url, name="test") as conn:
        agencies.set_standing(conn, who.id, Standing.SUSPENDED)


@pytest.mark.parametrize(
    "by_hand",
    [
        allow("us-ca-nosy", ACLOperation.READ, ResourceType.TOPIC, wire.in_topic(POLICE.id, PREFIX)),
        allow("us-ca-nosy", ACLOperation.ALTER, ResourceType.CLUSTER, "kafka-cluster"),
    ],
    ids=["a reader of what the police send", "a power to set rules"],
)
def test_a_rule_made_by_hand_goes_and_is_logged(
    works: Working, admin: KafkaAdminClient, caplog: pytest.LogCaptureFixture, by_hand: ACL
) -> None:
    settled(works)
    assert not admin.create_acls([by_hand])["failed"]

    with caplog.at_level(logging.WARNING, LOGGER):
        until(lambda: "drift: rule removed: User:us-ca-nosy" in caplog.text, what="the log line")

    until(lambda: by_hand not in rules(admin), what="the rule goes")
    assert by_hand.resource_pattern.resource_name in caplog.text


def test_a_rule_removed_by_hand_comes_back_and_is_logged(
    works: Working, admin: KafkaAdminClient, caplog: pytest.LogCaptureFixture
) -> None:
    settled(works)
    admin.delete_acls([to_write(POLICE.id)])

    with caplog.at_level(logging.WARNING, LOGGER):
        until(lambda: "drift: rule given" in caplog.text, what="the log line")

    until(lambda: to_write(POLICE.id) in rules(admin))
    assert f"drift: rule given: User:{POLICE.id} WRITE TOPIC {PREFIX}in.{POLICE.id}.v1" in caplog.text


def test_what_the_table_asks_for_is_not_called_drift(
    works: Working, admin: KafkaAdminClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, LOGGER):
        leaving = joined(works, "us-ca-leaving")
        suspend(works, leaving)
        settled(works)

    assert to_write(leaving.id) not in rules(admin)  # `settled` is noted after the broker was seen to act on it
    assert "drift" not in caplog.text


def test_who_was_never_seen_active_has_topics_and_no_rights(works: Working, admin: KafkaAdminClient) -> None:
    works.stop()
    works.node.enrol(silent := agency("us-ca-silent", POLICE.kind, "US-CA"))
    suspend(works, silent)

    works.start("reconciler")
    settled(works)

    assert {wire.in_topic(silent.id, PREFIX), rejected_topic(silent.id, PREFIX)} <= set(admin.list_topics())
    assert not [rule for rule in rules(admin) if rule.principal == f"User:{silent.id}"]


@contextmanager
def process(works: Working, folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A reconciler of its own process that believes what tests believe; its log is in `folder`."""
    told = {"PUENTE_TEST_URL": works.node.url, "PUENTE_TEST_TOKEN": works.broker.issuers["us"].token("us-node")}
    told |= {"PUENTE_TEST_BROKER": works.broker.bootstrap("us"), "PUENTE_TEST_PREFIX": PREFIX}
    with (folder / name).open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.reconciling"], env=os.environ | told, stdout=output, stderr=output
        )
        try:
            yield child
        finally:
            child.send_signal(signal.SIGCONT)
            child.kill()
            child.wait()


def leads(folder: Path, name: str) -> bool:
    return b"leads with fence" in (folder / name).read_bytes()


def test_when_the_leader_is_killed_the_rule_of_a_suspended_agency_still_goes(
    works: Working, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    suspect = joined(works, "us-ca-suspect")
    works.stop()
    with ExitStack() as stack:
        first = stack.enter_context(process(works, tmp_path, "first"))
        until(lambda: leads(tmp_path, "first"), within_s=30, what="the first one leads")
        works.start("reconciler")
        first.kill()
        suspend(works, suspect)

        until(lambda: to_write(suspect.id) not in rules(admin), what="the rule goes")


def test_a_leader_that_wakes_late_gives_nothing_back(works: Working, admin: KafkaAdminClient, tmp_path: Path) -> None:
    sleeper = joined(works, "us-ca-sleeper")
    works.stop()
    with ExitStack() as stack:
        first = stack.enter_context(process(works, tmp_path, "first"))
        until(lambda: leads(tmp_path, "first"), within_s=30, what="the first one leads")
        first.send_signal(signal.SIGSTOP)
        suspend(works, sleeper)
        works.start("reconciler")
        settled(works)
        first.send_signal(signal.SIGCONT)

        until(lambda: b"deposed" in (tmp_path / "first").read_bytes(), what="it is deposed")
        assert to_write(sleeper.id) not in rules(admin)


def test_readiness_and_metrics_tell_how_old_the_last_look_is(works: Working, tmp_path: Path) -> None:
    settled(works)
    pool = open_pool(works.node.url, name="test-management", most=1)
    try:
        client = create_management_app(pool, str(tmp_path)).test_client()
        told = client.get("/health/ready").get_json()
        metrics = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
    finally:
        pool.close()

    assert told["broker_rules_version"] == told["directory_version"]
    assert told["broker_rules_age_s"] >= 0
    assert "puente_broker_rules_age_seconds" in metrics
