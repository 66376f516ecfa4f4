"""Subscriptions: who wants to be told of what, where and when; and when what is to be tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hub.principal import ANYWHERE, READ, Principal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from hub.directory import Agency
    from hub.filters import Filter

PARTS = 12  # senders divide subscriptions among themselves by these: as many as could ever run beside each other

# How long after each try the next one comes, in seconds. Standard Webhooks proposes the slow pace, which takes three
# days; an alert about a child that is missing now cannot wait for that: it is tried each minute for an hour, and
# meanwhile told to others (escalation). Who is away for longer than that gets it late rather than never.
_S, _MIN, _H = 1, 60, 3600
ROUTINE_PAUSES_S = (5 * _S, 5 * _MIN, 30 * _MIN, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H)
URGENT_PAUSES_S = (2 * _S, 3 * _S, 5 * _S, 20 * _S, *(60 * [_MIN]), *ROUTINE_PAUSES_S[1:])
PROOF_PAUSES_S = (5 * _S, 30 * _S, 5 * _MIN)  # of a challenge; who registers an address is there to see it answered
JITTER = 0.1  # of each pause, so that what failed together does not come back together


class Channel(StrEnum):
    """By which way somebody is told."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    KAFKA = "kafka"


QUEUED = (Channel.WEBHOOK, Channel.EMAIL)  # Kafka is read by its agency as a topic, which the outflow writes


class State(StrEnum):
    """Where a subscription stands.

    Pending: its address is not proven yet. Paused: what comes waits. Disabled: nothing comes; `Subscription.reason`
    says why.
    """

    PENDING = "pending"
    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class Reason(StrEnum):
    """Why a subscription is not enabled."""

    UNPROVEN = "unproven"  # the receiver has not answered the challenge
    ASKED = "asked"  # by its agency
    GONE = "gone"  # the receiver answered 410
    FAILING = "failing"  # for days
    UNSUBSCRIBED = "unsubscribed"  # by who got the mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A time of day, every day, in which only what is urgent is told; `zone` is a name of the IANA database."""

    begins: time
    ends: time
    zone: str

    def ends_after(self, at: datetime) -> datetime:
        """`at` itself outside of quiet hours, else when they end."""
        local = at.astimezone(ZoneInfo(self.zone))
        for day in (local.date() - timedelta(days=1), local.date()):
            begin = datetime.combine(day, self.begins, local.tzinfo)
            over = day if self.begins < self.ends else day + timedelta(days=1)
            end = datetime.combine(over, self.ends, local.tzinfo)
            if begin <= local < end:
                return end.astimezone(at.tzinfo)
        return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """
    One agency's wish to be told, by one way at one address.

    `jurisdictions` and `purpose` are what the token that made it was narrowed to. `generation` numbers its signing
    secrets; the earlier one is good until a day after `rotated_at`. `seq` counts what was queued for it.
    `digest_at` is a time of day in the zone of the quiet hours, else in UTC.
    """

    id: UUID
    agency: str
    name: str
    channel: Channel
    address: str = field(repr=False)
    filter: Filter
    language: str
    desk: str
    quiet: Quiet | None
    digest_at: time | None
    state: State
    reason: Reason | None
    jurisdictions: tuple[str, ...]
    purpose: str | None
    created_by: str
    created_at: datetime
    generation: int
    rotated_at: datetime | None
    nonce: UUID
    version: int
    part: int

    def principal(self, agency: Agency) -> Principal:
        """Whose rights decide what it is told; equal for all of an agency that are narrowed alike."""
        return Principal(
            agency=agency,
            client_id="subscription",
            scopes=frozenset({READ}),
            jurisdictions=self.jurisdictions,
            purpose=self.purpose,
        )

    def due_at(self, at: datetime, *, is_urgent: bool) -> datetime:
        """When something that has come at `at` is to be told: what is urgent at once, the rest by digest and quiet."""
        if is_urgent:
            return at
        due_at = at if self.digest_at is None else self._digest_after(at, self.digest_at)
        return due_at if self.quiet is None else self.quiet.ends_after(due_at)

    def _digest_after(self, at: datetime, digest_at: time) -> datetime:
        local = at.astimezone(ZoneInfo("UTC" if self.quiet is None else self.quiet.zone))
        for day in (local.date(), local.date() + timedelta(days=1)):
            digest = datetime.combine(day, digest_at, local.tzinfo).astimezone(at.tzinfo)
            if digest >= at:
                return digest
        raise AssertionError("tomorrow is later than now")


@dataclass(frozen=True, slots=True)
class Tally:
    """
    How it goes: how much was told, when something arrived last, since when nothing does, and the last outcome.

    `bounced_at`: since when there is said to be no such mailbox.
    """

    seq: int
    told_at: datetime | None
    failing_since: datetime | None
    outcome: str | None
    bounced_at: datetime | None


def narrowing(principal: Principal) -> tuple[tuple[str, ...], str | None]:
    """What a subscription keeps of the token that makes it."""
    return tuple(sorted(principal.jurisdictions)) or ANYWHERE, principal.purpose


def pause_s(tries: int, pauses: Sequence[float], chance: float) -> float | None:
    """
    How many seconds after `tries` tries the next one comes, or None: it has been tried long enough.

    `chance` in [0, 1) spreads what failed together.
    """
    return None if tries > len(pauses) else pauses[tries - 1] * (1 + JITTER * chance)
