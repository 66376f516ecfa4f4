"""The broker follows the agency table: what is missing comes, what is too much goes, what was changed comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import ClusterAuthorizationFailedError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from hub.store.log import Deposed
from hub.workers.access import TOPICS_AT_ONCE, Care, Wanted, look
from hub.workers.rules import ANY_RULE
from hub.workers.topics import INBOUND, shared_topics
from schemas import wire
from tests.support.kafka_clients import project, read, write
from tests.support.services import Broker
from tests.support.waiting import until

SDPD, LAPD = "us-ca-sdpd", "us-ca-lapd"


@pytest.fixture(scope="module")
def admin(kafka: Broker) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(**kafka.login_as("us-node")) as client:
        yield client


@pytest.fixture
def prefix() -> str:
    """Topics of this test's own."""
    return f"{uuid4().hex[:8]}."


def run(admin: KafkaAdminClient, prefix: str, *agencies: str) -> None:
    project(admin, *agencies, prefix=prefix)


def rule(principal: str, operation: ACLOperation, topic: str, **pattern: ACLResourcePatternType) -> ACL:
    resource = ResourcePattern(ResourceType.TOPIC, topic, **pattern)
    return ACL(f"User:{principal}", "*", operation, ACLPermissionType.ALLOW, resource)


def rules(admin: KafkaAdminClient) -> set[ACL]:
    present, _ = admin.describe_acls(ANY_RULE)
    return set(present)


def settings(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {key: held["value"] for key, held in described["topic"][topic].items()}


def test_a_new_agency_can_write_at_once(kafka: Broker, admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)

    write(kafka.login_as(SDPD), wire.in_topic(SDPD, prefix))


def test_an_agency_that_left_can_write_no_more_and_what_it_wrote_stays(
    kafka: Broker, admin: KafkaAdminClient, prefix: str
) -> None:
    run(admin, prefix, SDPD, LAPD)
    write(kafka.login_as(SDPD), wire.in_topic(SDPD, prefix))

    run(admin, prefix, LAPD)

    with pytest.raises(TopicAuthorizationFailedError):
        write(kafka.login_as(SDPD), wire.in_topic(SDPD, prefix))
    assert read(kafka.login_as("us-node"), wire.in_topic(SDPD, prefix))


def test_the_second_run_changes_nothing(admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)
    done: list[str] = []

    wanted = Wanted(prefix=prefix, node_principal="us-node", agencies=(SDPD,))
    is_right = look(admin, wanted, Care(changed=lambda what, about: done.append(f"{what} {about}")))

    assert (is_right, done) == (True, [])


def test_a_look_that_was_overtaken_gives_no_more(admin: KafkaAdminClient, prefix: str) -> None:
    many = tuple(f"us-ca-a{number}" for number in range(TOPICS_AT_ONCE))  # two topics each: more than one part
    wanted = Wanted(prefix=prefix, node_principal="us-node", agencies=many)

    is_right = look(admin, wanted, Care(is_overtaken=lambda: True))

    assert not is_right
    assert not [rule for rule in rules(admin) if rule.resource_pattern.resource_name.startswith(prefix)]


def test_who_may_not_give_any_more_still_takes_away(admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)

    def lost_its_lease() -> None:
        raise Deposed

    with pytest.raises(Deposed):
        look(
            admin,
            Wanted(prefix=prefix, node_principal="us-node", agencies=(LAPD,)),
            Care(before_giving=lost_its_lease),
        )

    until(lambda: rule(SDPD, ACLOperation.WRITE, wire.in_topic(SDPD, prefix)) not in rules(admin))
    assert rule(LAPD, ACLOperation.WRITE, wire.in_topic(LAPD, prefix)) not in rules(admin)


def test_every_shared_topic_is_there(admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix)

    assert set(shared_topics(prefix)) <= set(admin.list_topics())


@pytest.mark.parametrize(
    "slipped_in",
    [
        lambda prefix: rule(LAPD, ACLOperation.WRITE, wire.in_topic(SDPD, prefix)),
        lambda prefix: rule(LAPD, ACLOperation.READ, wire.in_topic(SDPD, prefix)),
        lambda prefix: rule(SDPD, ACLOperation.WRITE, shared_topics(prefix)[0]),
        lambda prefix: rule("*", ACLOperation.WRITE, f"{prefix}in.", pattern_type=ACLResourcePatternType.PREFIXED),
        lambda prefix: rule(SDPD, ACLOperation.ALL, prefix, pattern_type=ACLResourcePatternType.PREFIXED),
    ],
    ids=["another writer", "a reader of what came in", "a writer to all", "everybody by prefix", "all of the node's"],
)
def test_a_rule_that_the_table_does_not_call_for_goes(
    admin: KafkaAdminClient, prefix: str, slipped_in: Callable[[str], ACL]
) -> None:
    run(admin, prefix, SDPD)
    surplus = slipped_in(prefix)
    assert not admin.create_acls([surplus])["failed"]

    run(admin, prefix, SDPD)

    assert surplus not in rules(admin)


def test_what_an_operator_denied_or_lets_read_stays(admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)
    brake = rule(SDPD, ACLOperation.WRITE, wire.in_topic(SDPD, prefix))
    brake.permission_type = ACLPermissionType.DENY
    reader = rule("us-dashboard", ACLOperation.READ, shared_topics(prefix)[0])
    admin.create_acls([brake, reader])

    run(admin, prefix, SDPD)

    assert {brake, reader} <= rules(admin)


def test_two_nodes_on_one_broker_leave_each_other_alone(admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, f"{prefix}us.", SDPD)
    project(admin, "mx-bcn-fge", prefix=f"{prefix}mx.", node_principal="mx-node")
    before = rules(admin)

    run(admin, f"{prefix}us.", SDPD)

    assert rules(admin) == before


def test_a_rule_that_somebody_removed_comes_back(kafka: Broker, admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)
    removed = rule(SDPD, ACLOperation.WRITE, wire.in_topic(SDPD, prefix))
    admin.delete_acls([removed])
    until(lambda: removed not in rules(admin))

    run(admin, prefix, SDPD)

    write(kafka.login_as(SDPD), wire.in_topic(SDPD, prefix))


def test_a_setting_that_somebody_changed_comes_back(admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)
    topic = wire.in_topic(SDPD, prefix)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"message.timestamp.type": "CreateTime"})])
    until(lambda: settings(admin, topic) != INBOUND)

    run(admin, prefix, SDPD)

    assert settings(admin, topic) == INBOUND


def test_a_record_over_the_limit_is_refused_by_the_broker(kafka: Broker, admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)

    with pytest.raises(MessageSizeTooLargeError):
        write(kafka.login_as(SDPD), wire.in_topic(SDPD, prefix), b"x" * 300_000)


def test_a_record_cannot_be_back_dated(kafka: Broker, admin: KafkaAdminClient, prefix: str) -> None:
    run(admin, prefix, SDPD)
    write(kafka.login_as(SDPD), wire.in_topic(SDPD, prefix))

    (record,) = read(kafka.login_as("us-node"), wire.in_topic(SDPD, prefix))

    assert record.timestamp_type == 1  # LogAppendTime


def test_who_may_not_set_rules_is_told(kafka: Broker, prefix: str) -> None:
    with KafkaAdminClient(**kafka.login_as(SDPD)) as agency, pytest.raises(ClusterAuthorizationFailedError):
        run(agency, prefix, SDPD)
