"""Receipts: what the receiving node says, signed, of each envelope of a batch. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from hub.border.batch import MAX_POLICY_CHARS, MOST_ENVELOPES

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "border-receipt+jwt"
MAX_CHARS = 131_072  # 500 outcomes with the longest codes are half of it
MEMBERS = frozenset(
    {"iss", "aud", "iat", "stream", "batch", "first", "last", "next", "hash", "outcomes", "placed", "policy", "rules"}
)
_OUTCOME = re.compile(r"(?:stored|known|narrowed|applied|refused:[a-z0-9-]{1,40})")


class NotAReceipt(ValueError):
    """A signed payload that is no receipt."""


class Outcome(NamedTuple):
    """What became of one envelope."""

    seq: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """
    `batch` is the digest of the body that came, `next` the sequence expected, `hash` the digest of the last head held.

    Without outcomes and with `next` before `first`, something is missing in between and is asked for. `placed`: where
    events stand in the receiver's log, by the sequence that they came with; a place is given after the outcome.
    """

    origin: str
    destination: str
    stream: UUID
    batch: bytes
    first: int
    last: int
    next: int
    hash: bytes
    outcomes: tuple[Outcome, ...]
    placed: tuple[tuple[int, int], ...] = ()
    policy: str
    rules: int
    at: datetime

    @property
    def payload(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "iss": self.origin,
            "aud": self.destination,
            "iat": int(self.at.timestamp()),
            "stream": str(self.stream),
            "batch": self.batch.hex(),
            "first": self.first,
            "last": self.last,
            "next": self.next,
            "hash": self.hash.hex(),
            "outcomes": [list(outcome) for outcome in self.outcomes],
            "placed": [list(each) for each in self.placed],
            "policy": self.policy,
            "rules": self.rules,
        }


def receipt_of(payload: Mapping[str, Any]) -> Receipt:
    """
    A receipt from a verified payload.

    Raises:
        NotAReceipt: it has other members, or values that no receipt has.
    """
    numbers = ("iat", "first", "last", "next", "rules")
    if payload.keys() != MEMBERS or any(type(payload[name]) is not int for name in numbers):
        raise NotAReceipt
    try:
        receipt = Receipt(
            origin=str(payload["iss"]),
            destination=str(payload["aud"]),
            stream=UUID(payload["stream"]),
            batch=bytes.fromhex(payload["batch"]),
            first=payload["first"],
            last=payload["last"],
            next=payload["next"],
            hash=bytes.fromhex(payload["hash"]),
            outcomes=tuple(_outcome(each) for each in payload["outcomes"]),
            placed=tuple(_placed(each) for each in payload["placed"]),
            policy=str(payload["policy"]),
            rules=payload["rules"],
            at=datetime.fromtimestamp(payload["iat"], UTC),
        )
    except (AttributeError, OSError, OverflowError, TypeError, ValueError) as error:
        raise NotAReceipt from error
    is_one = receipt.first >= 1 and receipt.next >= 1 and receipt.last >= receipt.first - 1 and receipt.rules >= 0
    is_sized = len(receipt.batch) == len(receipt.hash) == 32 and len(receipt.policy) <= MAX_POLICY_CHARS
    if not is_one or not is_sized or not _follow(receipt) or receipt.payload != dict(payload):
        raise NotAReceipt
    return receipt


def _outcome(given: Any) -> Outcome:
    seq, outcome = given
    if type(seq) is not int or not isinstance(outcome, str) or _OUTCOME.fullmatch(outcome) is None:
        raise NotAReceipt
    return Outcome(seq, outcome)


def _placed(given: Any) -> tuple[int, int]:
    seq, place = given
    if type(seq) is not int or type(place) is not int or min(seq, place) < 1:
        raise NotAReceipt
    return seq, place


def _follow(receipt: Receipt) -> bool:
    """Whether there is an outcome for each envelope from `first` to `last` in order, or for none."""
    told = [outcome.seq for outcome in receipt.outcomes]
    return len(told) <= MOST_ENVELOPES and (not told or told == list(range(receipt.first, receipt.last + 1)))
