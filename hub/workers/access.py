"""
One look at the broker: what is there, compared with what the agency table asks for, and put right a part at a time.

Rights are taken away before anything else is done. The rest comes in parts that take a moment each, because a
suspension that commits meanwhile must not wait for a thousand topics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from kafka.admin import ACL, KafkaAdminClient

from hub.workers import rules, topics
from hub.workers.topics import Changed

T = TypeVar("T")
TOPICS_AT_ONCE = 20
RULES_AT_ONCE = 200
SETTINGS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What the broker must match: `agencies` are the active ones, `node_principal` is the node's own (`us-node`).

    The `others` have topics and no rights: ingest has yet to read what they sent, and they what was refused. `outs`
    are those of the active ones that want a topic to read, `readers` those of them that may read it right now.
    """

    prefix: str
    node_principal: str
    agencies: tuple[str, ...]
    others: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What a look asks on its way (each question may raise), and whom it tells of what it has changed."""

    before_giving: Callable[[], None] = lambda: None
    is_overtaken: Callable[[], bool] = lambda: False
    changed: Changed = lambda _what, _about: None


def look(admin: KafkaAdminClient, wanted: Wanted, care: Care, *, with_settings: bool = True) -> bool:
    """
    Whether everything was as it should be; False: it was not, or has been overtaken, and one must look again.

    What is changed here is asked for, and the broker acts on it a little later.

    Raises:
        NotProjected: the broker refused a part; what it took stays.
        KafkaError: the broker cannot be reached.
    """
    asked = rules.asked_for(wanted.agencies, wanted.prefix, wanted.readers)
    surplus, missing = rules.difference(admin, asked, wanted.prefix, wanted.node_principal)
    rules.take_away(admin, surplus, care.changed)
    is_right = not surplus
    for number, step in enumerate(_steps(admin, wanted, missing, care.changed, with_settings=with_settings)):
        if number and care.is_overtaken():
            return False
        care.before_giving()
        is_right &= step()
    return is_right


Step = Callable[[], bool]  # whether there was nothing to do after all


def _steps(
    admin: KafkaAdminClient, wanted: Wanted, missing: Iterable[ACL], changed: Changed, *, with_settings: bool
) -> Iterator[Step]:
    known = set(admin.list_topics())
    asked = topics.asked_for({*wanted.agencies, *wanted.others}, wanted.prefix, wanted.outs)
    for part in _parts([topic for topic in asked if topic.name not in known], TOPICS_AT_ONCE):
        yield partial(_make, admin, part, changed)
    for rights in _parts(list(missing), RULES_AT_ONCE):
        yield partial(_give, admin, rights, changed)
    if with_settings:
        for part in _parts([topic for topic in asked if topic.name in known], SETTINGS_AT_ONCE):
            yield partial(_check, admin, part, changed)


def _parts(items: list[T], most: int) -> Iterator[list[T]]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _make(admin: KafkaAdminClient, part: list[topics.Topic], changed: Changed) -> bool:
    topics.make(admin, part, changed)
    return False


def _give(admin: KafkaAdminClient, part: list[ACL], changed: Changed) -> bool:
    rules.give(admin, part, changed)
    return False


def _check(admin: KafkaAdminClient, part: list[topics.Topic], changed: Changed) -> bool:
    return not topics.set_back(admin, part, changed)
