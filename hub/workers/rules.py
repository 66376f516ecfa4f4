"""
Who may write and read which topic, as the broker's rules (ACLs): what the agency table asks for, and what is too much.

On agencies' own topics every rule that the table does not call for goes; on the node's shared topics others may keep
reading, never writing. Rules that deny are left alone: they are an operator's emergency brake, and deny beats allow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import NoError

from hub.workers.topics import Changed, NotProjected, out_topic, rejected_topic, shared_topics
from schemas import wire
from schemas.forms import AGENCY_PATTERN

READERS_MAY = frozenset({ACLOperation.READ, ACLOperation.DESCRIBE, ACLOperation.DESCRIBE_CONFIGS})
# On the cluster; to alter it means to give oneself any rule.
CLIENTS_MAY = READERS_MAY | {ACLOperation.IDEMPOTENT_WRITE}
ANY_RULE = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def asked_for(agencies: Iterable[str], prefix: str, readers: Iterable[str] = ()) -> set[ACL]:
    """What each agency may do; `readers` have a topic to read. To write or read a topic includes to describe it."""
    rules = {to_read_out(agency, prefix) for agency in readers}
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


def to_read_out(agency: str, prefix: str) -> ACL:
    """The rule by which an agency reads its events."""
    return _allow(agency, ACLOperation.READ, ResourcePattern(ResourceType.TOPIC, out_topic(agency, prefix)))


def _allow(agency: str, operation: ACLOperation, on: ResourcePattern) -> ACL:
    return ACL(f"User:{agency}", "*", operation, ACLPermissionType.ALLOW, on)


def difference(
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
    if resource.resource_type == ResourceType.CLUSTER:
        country = node_principal.partition("-")[0]
        is_ours = rule.principal == "User:*" or rule.principal.startswith(f"User:{country}-")
        return is_ours and rule.operation not in CLIENTS_MAY
    if resource.resource_type != ResourceType.TOPIC:
        return False
    if any(_meets(resource, area) for area in (f"{prefix}in.", f"{prefix}rejected.", f"{prefix}out.")):
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


def take_away(admin: KafkaAdminClient, rules: Collection[ACL], changed: Changed) -> None:
    """
    Delete rules.

    Raises:
        NotProjected: the broker refused some.
    """
    if not rules:
        return
    # Errors are in the answer, not raised; that of a rule which was found and not deleted is not even there
    # (kafka-python 3.0.12), so the next look has the last word.
    answers = admin.delete_acls(list(rules))
    for rule in (rule for rule, _, error in answers if error is NoError):
        changed("rule removed", words(rule))
    refused = {error.__name__ for _, _, error in answers if error is not NoError}
    if refused:
        raise NotProjected(f"rules not removed: {', '.join(sorted(refused))}")


def give(admin: KafkaAdminClient, rules: Collection[ACL], changed: Changed) -> None:
    """
    Create rules.

    Raises:
        NotProjected: the broker refused some.
    """
    if not rules:
        return
    answers = admin.create_acls(list(rules))  # the same
    for rule in answers["succeeded"]:
        changed("rule given", words(rule))
    refused = {error.__name__ for error in answers["failed"]}
    if refused:
        raise NotProjected(f"rules not created: {', '.join(sorted(refused))}")


def words(rule: ACL) -> str:
    """A rule in one line of a log, whatever its names hold: who, what, on what."""
    on: ResourcePattern = rule.resource_pattern
    told = f"{rule.principal} {rule.operation.name} {on.resource_type.name} {on.resource_name} {on.pattern_type.name}"
    return told.encode("unicode_escape").decode("ascii")
