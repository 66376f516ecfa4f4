"""Carries batches to the other node over HTTPS and brings back its signed receipts."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from hub import signing
from hub.border import batch, receipt
from hub.border.batch import BatchHead
from hub.border.receipt import NotAReceipt, Receipt, receipt_of
from hub.signing import NotSealed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.border.anchor import BorderKey
    from hub.border.envelope import Sealed

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
MOST_SKEW = timedelta(seconds=300)
_CODE = re.compile(r"urn:puente:problem:border-([a-z-]{1,40})")
_MAX_ANSWER_BYTES = receipt.MAX_CHARS


class Undelivered(Exception):
    """The batch was not taken, or its receipt cannot be believed; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Waybill:
    """What a batch is sent with."""

    origin: str
    destination: str
    stream: UUID
    first: int
    placed: int
    policy: str
    rules: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """A receipt, and as it was signed."""

    receipt: Receipt
    signed: str


class Courier:
    """One connection to one checkpoint, kept open; no redirects, no proxies, nothing from the environment."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._url = f"{url}{batch.PATH}"
        self._client = httpx.Client(
            verify=context,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60.0),
        )

    def __enter__(self) -> Courier:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def deliver(
        self,
        bill: Waybill,
        envelopes: Sequence[Sealed],
        sign: Callable[[Mapping[str, Any], str], str],
        keys: Mapping[str, BorderKey],
    ) -> Delivered:
        """
        Send envelopes, or none to say that we are here, and bring back the receipt.

        Raises:
            Undelivered: no answer, a refusal, or a receipt that is not for this batch or not signed by a pinned key.
        """
        packed = batch.pack(envelopes)
        head = BatchHead(
            origin=bill.origin,
            destination=bill.destination,
            stream=bill.stream,
            first=bill.first,
            count=len(envelopes),
            placed=bill.placed,
            digest=batch.digest_of(packed),
            policy=bill.policy,
            rules=bill.rules,
            at=bill.at,
        )
        signed = self._post(packed, sign(head.payload, batch.TYPE))
        return Delivered(_believed(signed, head, keys), signed)

    def _post(self, packed: bytes, head: str) -> str:
        headers = {"Content-Type": batch.MEDIA_TYPE, batch.HEADER: head, "Accept-Language": "en"}
        try:
            with self._client.stream("POST", self._url, content=packed, headers=headers) as answer:
                text = _bounded(answer)
                status = answer.status_code
        except httpx.TimeoutException as error:
            raise Undelivered("timeout") from error
        except httpx.ConnectError as error:
            raise Undelivered("tls" if _is_tls(error) else "unreachable") from error
        except httpx.HTTPError as error:
            raise Undelivered("tls" if _is_tls(error) else "broken-off") from error
        if status != 200:
            raise Undelivered(_refusal(status, text))
        return text.decode("ascii", errors="replace")


def _bounded(answer: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_raw():
        size += len(part)
        if size > _MAX_ANSWER_BYTES:
            raise Undelivered("answer-too-large")
        parts.append(part)
    return b"".join(parts)


def _believed(signed: str, head: BatchHead, keys: Mapping[str, BorderKey]) -> Receipt:
    try:
        public = {kid: key.public for kid, key in keys.items()}
        opened = signing.open_sealed(signed, receipt.TYPE, public, max_chars=receipt.MAX_CHARS)
        found = receipt_of(opened.payload)
    except (NotSealed, NotAReceipt) as error:
        raise Undelivered("receipt") from error
    last = head.first + head.count - 1
    is_for_it = (found.origin, found.destination, found.stream) == (head.destination, head.origin, head.stream)
    if not is_for_it or (found.batch, found.first, found.last) != (head.digest, head.first, last):
        raise Undelivered("receipt")
    if not keys[opened.kid].is_valid(found.at):
        raise Undelivered("receipt-key-expired")
    if abs(found.at - head.at) > MOST_SKEW:
        raise Undelivered("clock")
    return found


def _refusal(status: int, text: bytes) -> str:
    try:
        told = _CODE.fullmatch(orjson.loads(text)["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        told = None
    return told[1] if told else f"http-{status}"


def _is_tls(error: BaseException) -> bool:
    """Whether TLS is at the bottom of it: a certificate that is not believed, or none shown where one is asked for."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return True
        below = below.__cause__ or below.__context__
    return False
