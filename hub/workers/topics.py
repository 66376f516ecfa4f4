"""
Projects the agency table onto the broker: which topics there are, and who may write and read which.

The table is the truth and the broker follows. On agencies' own topics every rule that the table does not call for
goes; on the node's shared topics others may keep reading, never writing. Rules that deny are left alone: they are an
operator's emergency brake, and deny beats allow.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from schemas import wire
from schemas.forms import AGENCY_PATTERN


def name(kind: str, status: str) -> str:
    """The shared topic of a kind; what is not actual has topics of its own, so that the two never mix."""
    return f"{kind}.v1" if status == "actual" else f"{kind}.{status}.v1"


# Written by the relay, keyed by subject.
SHARED = tuple(name(kind, status) for kind in ("alert", "case", "ack") for status in ("actual", "exercise", "test"))
SHARED_PARTITIONS = 4
WEEK_MS = 7 * 24 * 3600 * 1000  # PostgreSQL remembers; Kafka carries, and rides out an outage of the ingest worker

MAX_EVENT_BYTES = 262_144
RECORD_OVERHEAD_BYTES = 4_096  # key, headers and batch frame around the largest event
INBOUND: Mapping[str, str] = {
    "message.timestamp.type": "LogAppendTime",  # the sender cannot back-date
    "max.message.bytes": str(MAX_EVENT_BYTES + RECORD_OVERHEAD_BYTES),
    # As it was sent. A broker that has to unpack it can be ended by one record; hub/workers/unpacking.py has the limit.
    "compression.type": "producer",
    "retention.ms": str(WEEK_MS),
}
OUTBOUND: Mapping[str, str] = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(WEEK_MS)}

READERS_MAY = frozenset({ACLOperation.READ, ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS})
ANY_RULE = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)
APPLIED_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topic:
    name: str
    partitions: int
    settings: Mapping[str, str]


class NotProjected(Exception):
    """The broker refused a part; what it took stays, and the next run goes on from there."""


def rejected_topic(agency: str, prefix: str = "") -> str:
    """Where an agency reads why its records were refused."""
    return f"{prefix}rejected.{agency}.v1"


def shared_topics(prefix: str = "") -> tuple[str, ...]:
    """The topics that consumers inside the node read."""
    return tuple(prefix + name for name in SHARED)


def project(admin: KafkaAdminClient, *, prefix: str, agencies: Iterable[str], node_principal: str) -> None:
    """
    Make the broker match the table: `agencies` are the active ones, `node_principal` is the node's own (`us-node`).

    Rights are taken away before anything is given. Topics of agencies that are no longer active stay, with what the
    ingest worker has yet to read. Calling it again changes nothing; it returns when the broker acts accordingly.

    Raises:
        NotProjected: the broker refused a part.
        KafkaError: the broker cannot be reached.
    """
    active = sorted(set(agencies))
    wanted = _rules(active, prefix)
    surplus, missing = _difference(admin, wanted, prefix, node_principal)
    _take_away(admin, surplus)
    _make_topics(admin, _topics(active, prefix))
    _give(admin, missing)
    if surplus or missing:
        _wait_until_applied(admin, wanted, prefix, node_principal)


def _rules(agencies: Iterable[str], prefix: str) -> set[ACL]:
    """What each agency may do. To write or read a topic includes to describe it."""
    rules = set()
    for agency in agencies:
        rules |= {
            _allow(agency, ACLOperation.WRITE, ResourcePattern(ResourceType.TOPIC, wire.in_topic(agency, prefix))),
            _allow(agency, ACLOperation.READ, ResourcePattern(ResourceType.TOPIC, rejected_topic(agency, prefix))),
            _allow(
                agency,
                ACLOperation.READ,
                ResourcePattern(ResourceType.GROUP, f"{prefix}{agency}.", ACLResourcePatternType.PREFIXED),
            ),
        }
    return rules


def _allow(agency: str, operation: ACLOperation, on: ResourcePattern) -> ACL:
    return ACL(f"User:{agency}", "*", operation, ACLPermissionType.ALLOW, on)


def _difference(
    admin: KafkaAdminClient, wanted: set[ACL], prefix: str, node_principal: str
) -> tuple[set[ACL], set[ACL]]:
    """The rules that must go and those that are missing."""
    present, _ = admin.describe_acls(ANY_RULE)  # its error is raised, not returned
    surplus = {rule for rule in set(present) - wanted if _is_surplus(rule, prefix, node_principal)}
    return surplus, wanted - set(present)


def _is_surplus(rule: ACL, prefix: str, node_principal: str) -> bool:
    if rule.permission_type != ACLPermissionType.ALLOW or rule.principal == f"User:{node_principal}":
        return False
    resource: ResourcePattern = rule.resource_pattern
    if resource.resource_type == ResourceType.GROUP:
        name: str = resource.resource_name
        return re.fullmatch(re.escape(prefix) + AGENCY_PATTERN + r"\.", name) is not None
    if resource.resource_type != ResourceType.TOPIC:
        return False
    if any(_meets(resource, area) for area in (f"{prefix}in.", f"{prefix}rejected.")):
        return True
    shared = any(_covers(resource, topic) for topic in shared_topics(prefix))
    return shared and rule.operation not in READERS_MAY


def _meets(resource: ResourcePattern, area: str) -> bool:
    """Whether the rule holds for any topic whose name begins with `area`."""
    name: str = resource.resource_name
    if resource.pattern_type == ACLResourcePatternType.PREFIXED:
        return name.startswith(area) or area.startswith(name)
    return name == "*" or name.startswith(area)


def _covers(resource: ResourcePattern, topic: str) -> bool:
    name: str = resource.resource_name
    if resource.pattern_type == ACLResourcePatternType.PREFIXED:
        return topic.startswith(name)
    return name in ("*", topic)


def _take_away(admin: KafkaAdminClient, rules: set[ACL]) -> None:
    if not rules:
        return
    refused = {error.__name__ for _, _, error in admin.delete_acls(list(rules)) if error is not NoError}
    if refused:
        raise NotProjected(f"rules not removed: {', '.join(sorted(refused))}")


def _give(admin: KafkaAdminClient, rules: set[ACL]) -> None:
    if not rules:
        return
    refused = {error.__name__ for error in admin.create_acls(list(rules))["failed"]}
    if refused:
        raise NotProjected(f"rules not created: {', '.join(sorted(refused))}")


def _topics(agencies: Iterable[str], prefix: str) -> list[_Topic]:
    """Every topic that must be there. One partition an agency: its events stay in order."""
    topics = [_Topic(name=name, partitions=SHARED_PARTITIONS, settings=OUTBOUND) for name in shared_topics(prefix)]
    for agency in agencies:
        topics.append(_Topic(name=wire.in_topic(agency, prefix), partitions=1, settings=INBOUND))
        topics.append(_Topic(name=rejected_topic(agency, prefix), partitions=1, settings=OUTBOUND))
    return topics


def _make_topics(admin: KafkaAdminClient, topics: Iterable[_Topic]) -> None:
    """Create the topics that are missing, and set back the settings of the others that somebody changed."""
    known = set(admin.list_topics())
    _set_back(admin, [topic for topic in topics if topic.name in known])
    missing = {
        topic.name: {"num_partitions": topic.partitions, "configs": topic.settings}
        for topic in topics
        if topic.name not in known
    }
    if missing:
        answers = admin.create_topics(missing, raise_errors=False)["topics"]
        _refuse_any("topics not created", {answer["name"]: for_code(answer["error_code"]) for answer in answers})
        admin.wait_for_topics(list(missing))


def _set_back(admin: KafkaAdminClient, topics: Iterable[_Topic]) -> None:
    wanted = {topic.name: topic.settings for topic in topics}
    if not wanted:
        return
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    present = admin.describe_configs(asked).get("topic", {})
    changed = {
        name: settings
        for name, settings in wanted.items()
        if any(present.get(name, {}).get(key, {}).get("value") != value for key, value in settings.items())
    }
    if changed:
        answers = admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, dict(settings)) for name, settings in changed.items()]
        )
        refused = sorted(name for name, answer in answers.get("topic", {}).items() if answer != "OK")
        if refused:
            raise NotProjected(f"settings not changed: {', '.join(refused)}")


def _refuse_any(what: str, errors: Mapping[str, type[KafkaError]]) -> None:
    """Raise if anything failed; that somebody else was faster to create a topic is no failure."""
    refused = {name: error for name, error in errors.items() if error not in (NoError, TopicAlreadyExistsError)}
    if refused:
        raise NotProjected(f"{what}: " + ", ".join(f"{name} ({error.__name__})" for name, error in refused.items()))


def _wait_until_applied(admin: KafkaAdminClient, wanted: set[ACL], prefix: str, node_principal: str) -> None:
    """The controller answers before the broker acts on it."""
    deadline = time.monotonic() + APPLIED_S
    while any(_difference(admin, wanted, prefix, node_principal)):
        if time.monotonic() > deadline:
            raise NotProjected("the broker does not act on the rules yet")
        time.sleep(0.02)
