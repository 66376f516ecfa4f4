"""Webhooks as the Standard Webhooks specification has them: secrets, signatures, and what a body says. Pure.

Secrets are derived from one key of the node when they are needed, never stored: a copy of the database holds none.
Bodies are thin. They say that there is something, and the receiver fetches it under its own token: no personal data
leaves by webhook, since there is no member for it.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from schemas.alert import SEVERITIES
from schemas.envelope import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MASTER_BYTES = 32
MAX_ANSWER_BYTES = 1024
VERIFICATION = "webhook.verification"
HEARTBEAT = "webhook.heartbeat"
ANNOUNCEMENT = "webhook.notice"

_DOMAIN = b"puente-webhook-1"
_TYPE = re.compile(r"[a-z_]{1,40}(?:\.[a-z_]{1,40}){1,2}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")  # a full stop would make the signed text ambiguous


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What one generation of one endpoint's webhooks is signed with."""

    shared: bytes  # 32 bytes, the key of HMAC-SHA256
    private: Ed25519PrivateKey

    @classmethod
    def derived(cls, master: bytes, endpoint: UUID, generation: int) -> Secrets:
        """
        The same secrets each time, by HKDF-SHA256 (RFC 5869); `generation` counts up from 1 with each rotation.

        Raises:
            ValueError: `master` is not 32 bytes long.
            OverflowError: `generation` is negative, or beyond 32 bits.
        """
        if len(master) != MASTER_BYTES:
            raise ValueError("the master key of webhooks must be 32 bytes long")
        place = endpoint.bytes + generation.to_bytes(4, "big")
        return cls(
            shared=_expanded(master, place + b"v1"),
            private=Ed25519PrivateKey.from_private_bytes(_expanded(master, place + b"v1a")),
        )

    @property
    def shown(self) -> str:
        """The shared secret as its receiver is told, once: ``whsec_`` and base64."""
        return f"whsec_{_base64(self.shared)}"

    @property
    def public(self) -> str:
        """The public key as anybody may know it: ``whpk_`` and base64 of its 32 bytes (RFC 8032)."""
        return f"whpk_{_base64(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}"

    def signatures(self, text: bytes) -> str:
        """Both signatures of a signed text, as the header has them."""
        shared = _base64(hmac.digest(self.shared, text, "sha256"))
        return f"v1,{shared} v1a,{_base64(self.private.sign(text))}"


class Signer:
    """Signs for all endpoints of a node with secrets derived from its master key, the latest of them kept at hand."""

    def __init__(self, master: bytes, *, kept: int = 20_000) -> None:
        """`kept`: how many generations' secrets stay in memory; deriving them costs more than signing does."""
        self._derived = lru_cache(kept)(partial(Secrets.derived, master))

    def secrets(self, endpoint: UUID, generation: int) -> Secrets:
        """What one generation is signed with; for showing it to the endpoint's owner."""
        return self._derived(endpoint, generation)

    def sign(
        self, endpoint: UUID, generations: Sequence[int], *, webhook_id: str, timestamp_s: int, body: bytes
    ) -> dict[str, str]:
        """
        The headers of one attempt.

        `generations` are the live ones, two while rotating, the newest first. `webhook_id` stays the same over all
        attempts of one message, `timestamp_s` (seconds since 1970) is the attempt's own.

        Raises:
            ValueError: no generation is live, or the id is not made of letters, digits, ``-`` and ``_``.
        """
        if not generations or not _ID.fullmatch(webhook_id):
            raise ValueError("a webhook needs a live secret and a plain id")
        text = b"%s.%d.%s" % (webhook_id.encode(), timestamp_s, body)
        signed = (self.secrets(endpoint, generation).signatures(text) for generation in generations)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": " ".join(signed),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """That there is an event for a subscription; codes and ids alone, so that nothing personal can be in it."""

    type: str  # of the event
    at: datetime  # when the event took its place here
    event: UUID  # the hub's own id
    subscription: UUID
    seq: int  # of the subscription, from 1; numbers are given without holes
    status: str  # actual, exercise or test
    urgent: bool
    severity: str | None  # a code of CAP, where the event has one
    gateway: str  # the node's own address, without a slash at its end
    escalation: int | None = None  # the step of its ladder, where nobody had acknowledged it in time
    ack_required_by: datetime | None = None  # for the subscriber's agency, as long as it has not acknowledged it

    def __post_init__(self) -> None:
        """Refuse words where a code belongs."""
        if not _TYPE.fullmatch(self.type) or self.status not in STATUSES:
            raise ValueError("a notice says types and statuses of events only")
        if self.severity is not None and self.severity not in SEVERITIES:
            raise ValueError("a notice says severities of CAP only")

    @property
    def link(self) -> str:
        """Where the event is fetched, with a token."""
        return f"{self.gateway}/v1/events/{self.event}"


def payload(notice: Notice) -> bytes:
    """The body that tells of an event; the same notice always makes the same bytes."""
    data: dict[str, Any] = {
        "id": str(notice.event),
        "seq": notice.seq,
        "subscription": str(notice.subscription),
        "status": notice.status,
        "urgent": notice.urgent,
        "link": notice.link,
    }
    if notice.severity is not None:
        data["severity"] = notice.severity
    if notice.escalation is not None:
        data["escalation"] = notice.escalation
    if notice.ack_required_by is not None:
        data["ack_required_by"] = notice.ack_required_by
    return _body(notice.type, notice.at, data)


def verification(subscription: UUID, token: str, at: datetime) -> bytes:
    """The body that asks a receiver to echo `token`, a random one that nobody else has seen."""
    return _body(VERIFICATION, at, {"challenge": token, "subscription": str(subscription)})


def heartbeat(subscription: UUID, seq: int, at: datetime) -> bytes:
    """The body that says all is well; `seq` is the subscription's last one, so that a receiver sees what it lacks."""
    return _body(HEARTBEAT, at, {"seq": seq, "subscription": str(subscription)})


def announcement(subscription: UUID, about: str, at: datetime) -> bytes:
    """The body that says something of the subscriber's own affairs: `about` is a code and ids, with colons between."""
    code, *of = about.split(":")
    return _body(ANNOUNCEMENT, at, {"code": code, "of": of, "subscription": str(subscription)})


def echoes(answer: bytes, token: str) -> bool:
    """Whether a receiver's answer, at most 1 KB, is ``{"challenge": token}`` or the bare token."""
    if len(answer) > MAX_ANSWER_BYTES:
        return False
    said = answer.strip()
    try:
        read = orjson.loads(said)
        said = read["challenge"].encode() if isinstance(read, dict) else said
    except (orjson.JSONDecodeError, KeyError, AttributeError):
        pass  # then it has to be the token itself
    return hmac.compare_digest(said, token.encode())


def _body(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, "timestamp": at, "data": data}, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def _expanded(master: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_DOMAIN + info).derive(master)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
