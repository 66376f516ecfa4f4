"""What became of one delivery by HTTP, in words that a retry schedule and a record can use. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Kind = Literal["delivered", "gone", "refused", "failed", "forbidden"]

MAX_RETRY_AFTER_S = 86_400
MAX_KEPT_BYTES = 1024
_MAX_HEADER_CHARS = 64
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    One attempt's end.

    ``delivered`` is a 2xx and nothing else; ``gone`` a 410: never again; ``refused`` any other 4xx; ``failed`` a 5xx, a
    redirect, or no answer; ``forbidden`` an address that no webhook may be posted to: nothing was connected.
    """

    kind: Kind
    code: str  # a stable slug for records and metrics; never words of the receiver
    status: int | None = None  # of HTTP
    retry_after_s: int | None = None  # as the receiver asked, 0 to a day
    body: bytes = b""  # how the answer begins, at most 1 KB


def answered(status: int, retry_after: str | None, body: bytes, now: datetime) -> Outcome:
    """What an answer means; ``retry_after`` is the header (RFC 9110 section 10.2.3), ``body`` how the answer begins."""
    kind: Kind = "failed"
    if 200 <= status < 300:
        kind = "delivered"
    elif status == 410:
        kind = "gone"
    elif 400 <= status < 500:
        kind = "refused"
    return Outcome(
        kind=kind,
        code="redirect" if status in _REDIRECTS else f"http-{status}",
        status=status,
        retry_after_s=None if retry_after is None else retry_after_s(retry_after, now),
        body=body[:MAX_KEPT_BYTES],
    )


def retry_after_s(header: str, now: datetime) -> int | None:
    """Seconds a receiver asks to wait, 0 to a day, from a number or a date; None if it is neither."""
    text = header.strip()[:_MAX_HEADER_CHARS]
    if text.isascii() and text.isdigit():
        return min(int(text), MAX_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(text)
        wait_s = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0, min(int(wait_s.total_seconds()), MAX_RETRY_AFTER_S))
