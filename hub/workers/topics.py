"""The node's topics: what they are called, how they must be, and making them so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import NoError, TopicAlreadyExistsError, for_code

from hub.subscribing import PARTS
from schemas import wire


def name(kind: str, status: str) -> str:
    """The shared topic of a kind; what is not actual has topics of its own, so that the two never mix."""
    return f"{kind}.v1" if status == "actual" else f"{kind}.{status}.v1"


# Written by the relay, keyed by subject.
KINDS = ("alert", "case", "ack", "note", "control")
SHARED = tuple(name(kind, status) for kind in KINDS for status in ("actual", "exercise", "test"))
SHARED_PARTITIONS = 4
HOUR_MS = 3600 * 1000
WEEK_MS = 7 * 24 * HOUR_MS  # PostgreSQL remembers; Kafka carries, and rides out an outage of the ingest worker

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
# What agencies read. A broker forgets by whole segments, so a short one, or what is old stays with what is new.
READ_OUT: Mapping[str, str] = {
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": str(24 * HOUR_MS),
    "segment.ms": str(HOUR_MS),
}

Changed = Callable[[str, str], None]  # what was done, and to which rule or topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it must be."""

    name: str
    partitions: int
    settings: Mapping[str, str]


class NotProjected(Exception):
    """The broker refused a part; what it took stays, and the next run goes on from there."""


def rejected_topic(agency: str, prefix: str = "") -> str:
    """Where an agency reads why its records were refused."""
    return f"{prefix}rejected.{agency}.v1"


def work_topic(prefix: str = "") -> str:
    """By which senders divide their work; it carries no records."""
    return f"{prefix}delivery.v1"


def out_topic(agency: str, prefix: str = "") -> str:
    """Where an agency that prefers Kafka reads its events."""
    return f"{prefix}out.{agency}.v1"


def shared_topics(prefix: str = "") -> tuple[str, ...]:
    """The topics that consumers inside the node read."""
    return tuple(prefix + name for name in SHARED)


def asked_for(agencies: Iterable[str], prefix: str, outs: Iterable[str] = ()) -> list[Topic]:
    """Every topic that must be there, `outs` those that are read. One partition an agency: its events stay in order."""
    topics = [Topic(name=name, partitions=SHARED_PARTITIONS, settings=OUTBOUND) for name in shared_topics(prefix)]
    topics.append(Topic(name=work_topic(prefix), partitions=PARTS, settings=OUTBOUND))
    for agency in sorted(agencies):
        topics.append(Topic(name=wire.in_topic(agency, prefix), partitions=1, settings=INBOUND))
        topics.append(Topic(name=rejected_topic(agency, prefix), partitions=1, settings=OUTBOUND))
    topics += [Topic(name=out_topic(agency, prefix), partitions=1, settings=READ_OUT) for agency in sorted(outs)]
    return topics


def make(admin: KafkaAdminClient, topics: Iterable[Topic], changed: Changed) -> None:
    """
    Create topics; that somebody else was faster is no failure.

    Raises:
        NotProjected: the broker refused some.
    """
    told = {topic.name: {"num_partitions": topic.partitions, "configs": topic.settings} for topic in topics}
    answers = admin.create_topics(told, raise_errors=False)["topics"]
    errors = {answer["name"]: for_code(answer["error_code"]) for answer in answers}
    for made in (name for name, error in errors.items() if error is NoError):
        changed("topic made", made)
    refused = {name: error for name, error in errors.items() if error not in (NoError, TopicAlreadyExistsError)}
    if refused:
        why = ", ".join(f"{name} ({error.__name__})" for name, error in refused.items())
        raise NotProjected(f"topics not created: {why}")


def set_back(admin: KafkaAdminClient, topics: Iterable[Topic], changed: Changed) -> bool:
    """
    Set back the settings that somebody has changed; whether there were any.

    Raises:
        NotProjected: the broker refused some.
    """
    wanted = {topic.name: topic.settings for topic in topics}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    present = admin.describe_configs(asked).get("topic", {})
    differing = {
        name: settings
        for name, settings in wanted.items()
        if any(present.get(name, {}).get(key, {}).get("value") != value for key, value in settings.items())
    }
    if differing:
        answers = admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, dict(settings)) for name, settings in differing.items()]
        )
        refused = sorted(name for name, answer in answers.get("topic", {}).items() if answer != "OK")
        if refused:
            raise NotProjected(f"settings not changed: {', '.join(refused)}")
        for name in differing:
            changed("settings set back", name)
    return bool(differing)
