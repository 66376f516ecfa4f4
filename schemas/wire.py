"""An event as bytes, and its topic and key in Kafka: the one codec, used on both sides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from schemas import strictjson
from schemas.envelope import Event, load
from schemas.forms import AGENCY_PATTERN

VERSION = "v1"
_INBOUND = re.compile(rf"in\.({AGENCY_PATTERN})\.{VERSION}")


def decode(raw: bytes) -> Event:
    """
    An event from its bytes.

    Raises:
        Malformed: not strict JSON, or not a valid event.
    """
    return load(strictjson.parse(raw))


def encode(wire: Mapping[str, Any]) -> bytes:
    """Canonical JSON: members sorted by name, no spaces, UTF-8; the same event is always the same bytes."""
    return orjson.dumps(wire, option=orjson.OPT_SORT_KEYS)


def in_topic(agency: str, prefix: str = "") -> str:
    """The topic that ``agency`` publishes to and nobody else may write."""
    return f"{prefix}in.{agency}.{VERSION}"


def agency_of(topic: str, prefix: str = "") -> str | None:
    """Whose inbound topic this is; None if it is none."""
    match = _INBOUND.fullmatch(topic.removeprefix(prefix)) if topic.startswith(prefix) else None
    return match[1] if match else None


def key(event: Event) -> bytes:
    """The record key: events of one subject stay in order on one partition."""
    return event.subject.encode()
