"""Deliveries to real receivers, good ones and the worst there are: each attempt ends, with an outcome that says how."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from hub.addresses import networks
from hub.outcomes import Outcome
from hub.workers.posting import BODY_BYTES, HEADERS, Poster
from tests.support.receivers import (
    OK,
    Answer,
    Receiver,
    deaf,
    greets,
    hangs_up,
    receiver,
    repeats,
    resolving,
    says,
    silent,
    status,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LOOPBACK = networks(["127.0.0.0/8"])
BODY = b'{"type":"alert.missing_child.issued"}'
HEADERS_SENT = {"webhook-id": "019ec1f0", "webhook-signature": "v1,x"}
SHORT_S = 0.3  # for receivers that use up whatever time there is
NAME = "receiver.example"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def poster(**options: Any) -> Poster:
    """One that may post to this machine."""
    return Poster(now=lambda: NOW, allow_networks=LOOPBACK, **options)


def run(answer: Answer, doing: Callable[[Poster, Receiver], Awaitable[Any]], **options: Any) -> Any:
    """What a poster makes of one receiver."""

    async def meet() -> Any:
        async with receiver(answer) as target, poster(**options) as client:
            return await doing(client, target)

    return asyncio.run(meet())


def posted(answer: Answer, *, timeout_s: float = 10) -> Outcome:
    """What becomes of one delivery."""
    outcome: Outcome = run(answer, lambda client, target: send(client, target.url, timeout_s=timeout_s))
    return outcome


async def send(client: Poster, url: str, *, timeout_s: float = 10) -> Outcome:
    """One delivery."""
    return await client.post(url, HEADERS_SENT, BODY, timeout_s=timeout_s)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_receiver_gets_the_body_and_the_headers_as_they_are(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def meet() -> tuple[Outcome, list[bytes]]:
        async with receiver(status(204)) as target, poster() as client:
            return await send(client, target.url), target.requests

    with asyncio.Runner(loop_factory=loop) as runner:
        outcome, (request,) = runner.run(meet())

    head, _, body = request.partition(b"\r\n\r\n")
    assert (outcome.kind, outcome.status, body) == ("delivered", 204, BODY)
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert {b"webhook-id: 019ec1f0", b"webhook-signature: v1,x", b"Content-Type: application/json"} < set(
        head.split(b"\r\n")
    )


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (status(200), "delivered", "http-200"),
        (status(202), "delivered", "http-202"),
        (status(400), "refused", "http-400"),
        (status(410), "gone", "http-410"),
        (status(503), "failed", "http-503"),
        (status(301, "Location: /"), "failed", "redirect"),
        (hangs_up, "failed", "disconnected"),
        (says(b"HTTP/1.1 200 OK\r\nContent-"), "failed", "timeout"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "failed", "not-http"),
        (says(b"\x15\x03\x03\x00\x02\x02\x16"), "failed", "not-http"),
        (says(b"HTTP/1.1 200 " + b"O" * 5000 + b"\r\n\r\n"), "failed", "not-http"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000 + b"\r\n\r\n"), "failed", "not-http"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * (HEADERS + 10) + b"\r\n"), "failed", "not-http"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), "failed", "not-http"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense"), "failed", "not-http"),
        (silent, "failed", "timeout"),
        (deaf, "failed", "timeout"),
        (repeats(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", pause_s=0.01), "failed", "timeout"),
        (repeats(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 100), "failed", "not-http"),
        (repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.01), "failed", "timeout"),
        (repeats(b"", b"\r\n", pause_s=0.01), "failed", "timeout"),
    ],
)
def test_every_answer_has_its_outcome(answer: Answer, kind: str, code: str) -> None:
    outcome = posted(answer, timeout_s=SHORT_S if code == "timeout" else 10)

    assert (outcome.kind, outcome.code) == (kind, code)


@pytest.mark.parametrize(
    "answer",
    [
        repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096),
        repeats(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 4096),
        repeats(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        repeats(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"", pause_s=0.01),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n12345"),
    ],
    ids=["until it closes", "by length", "in chunks", "dribbling", "not what it says"],
)
def test_whatever_follows_a_2xx_it_is_delivered(answer: Answer) -> None:
    assert posted(answer, timeout_s=2).kind == "delivered"


def test_an_endless_body_is_cut_off_and_its_connection_closed() -> None:
    async def sent_until_cut(client: Poster, target: Receiver) -> Outcome:
        outcome = await send(client, target.url)
        await target.left.wait()  # the receiver could not write any further
        return outcome

    outcome = run(repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096), sent_until_cut)

    assert outcome.body == b"x" * 1024


def test_a_compressed_answer_is_not_unpacked() -> None:
    assert posted(status(200, "Content-Encoding: gzip", body=b"\x1f\x8b")).body == b"\x1f\x8b"


def test_of_an_answer_the_beginning_is_kept() -> None:
    assert posted(status(200, body=b'{"challenge":"abc"}')).body == b'{"challenge":"abc"}'


@pytest.mark.parametrize("header", ["120", "Mon, 04 May 2026 12:02:00 GMT"])
def test_a_receiver_is_heard_on_when_to_come_again(header: str) -> None:
    assert posted(status(429, f"Retry-After: {header}")).retry_after_s == 120


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(code: int) -> None:
    async def meet() -> int:
        async with receiver(says(OK)) as other, receiver(status(code, f"Location: {other.url}")) as target:
            async with poster() as client:
                await send(client, target.url)
            return other.connections

    assert asyncio.run(meet()) == 0


def test_no_cookie_is_kept() -> None:
    async def twice(client: Poster, target: Receiver) -> list[bytes]:
        for _ in range(2):
            await send(client, f"http://{NAME}:{target.port}/")
        return target.requests

    requests = run(status(200, "Set-Cookie: a=b"), twice, lookup=resolving("127.0.0.1"))

    assert [b"cookie" in request.lower() for request in requests] == [False, False]


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def meet() -> tuple[Outcome, int]:
        async with receiver(says(OK)) as proxy, receiver(says(OK)) as target, poster() as client:
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("no_proxy", raising=False)
            return await send(client, target.url), proxy.connections

    outcome, proxied = asyncio.run(meet())

    assert (outcome.kind, proxied) == ("delivered", 0)


@pytest.mark.parametrize("body", [b"", b"thanks", b"x" * BODY_BYTES])
def test_a_connection_is_used_again(body: bytes) -> None:
    async def three_times(client: Poster, target: Receiver) -> int:
        for _ in range(3):
            await send(client, target.url)
        return target.connections

    assert run(status(200, body=body), three_times) == 1


def test_a_connection_that_the_receiver_closed_meanwhile_is_replaced() -> None:
    async def once(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(OK)
        await writer.drain()

    async def twice(client: Poster, target: Receiver) -> list[str]:
        first = await send(client, target.url)
        await target.left.wait()
        await asyncio.sleep(0.05)  # the end of the connection travels
        return [first.kind, (await send(client, target.url)).kind]

    assert run(once, twice) == ["delivered", "delivered"]


def test_a_receiver_that_is_slow_holds_up_itself_alone() -> None:
    async def meet() -> tuple[str, list[bool]]:
        async with receiver(silent) as slow, receiver(says(OK)) as quick, poster(per_host=2, most=4) as client:
            waiting = [asyncio.create_task(send(client, slow.url)) for _ in range(20)]
            await asyncio.sleep(0.05)
            outcome = await send(client, quick.url)
            still = [not task.done() for task in waiting]
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return outcome.kind, still

    assert asyncio.run(meet()) == ("delivered", [True] * 20)


def test_a_name_whose_servers_are_slow_holds_up_itself_alone() -> None:
    answers = threading.Event()
    known = resolving("127.0.0.1")

    def lookup(host: str, *rest: Any) -> list[tuple[Any, ...]]:
        if host.startswith("slow"):
            answers.wait(60)
        return known(host, *rest)

    async def meet() -> tuple[str, list[bool]]:
        async with receiver(says(OK)) as target, poster(lookup=lookup) as client:
            urls = [f"http://slow{n}.example:{target.port}/" for n in range(20)]
            waiting = [asyncio.create_task(send(client, url)) for url in urls]
            await asyncio.sleep(0.05)
            outcome = await send(client, f"http://{NAME}:{target.port}/")
            still = [not task.done() for task in waiting]
            answers.set()
            await asyncio.gather(*waiting)
            return outcome.kind, still

    assert asyncio.run(meet()) == ("delivered", [True] * 20)


def test_who_is_cancelled_stops_at_once_and_leaves_no_connection() -> None:
    async def cancelled(client: Poster, target: Receiver) -> None:
        task = asyncio.create_task(send(client, target.url))
        while not target.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await target.left.wait()

    run(silent, cancelled)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/", "connection"),
        (f"http://{NAME}/", "dns"),
        ("", "not-a-url"),
        ("no address", "not-a-url"),
        ("http://", "not-a-url"),
        ("http://[", "not-a-url"),
        ("http://127.0.0.1:99999/", "not-a-url"),
        ("http://127.1/", "not-a-url"),
        ("file:///etc/passwd", "not-a-url"),
    ],
)
def test_what_cannot_be_reached_is_an_outcome_too(url: str, code: str) -> None:
    outcome = run(says(OK), lambda client, _: send(client, url), lookup=resolving())

    assert (outcome.kind, outcome.code) == ("failed", code)


def test_a_header_that_cannot_be_sent_is_an_outcome_too() -> None:
    outcome = run(says(OK), lambda client, target: client.post(target.url, {"webhook-id": "a\r\nb: c"}, BODY))

    assert outcome.kind == "failed"


class Authority:
    """An authority of the tests with a receiver's certificates, and the file that names it."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.file)

    def context(self, *names: str, until: datetime | None = None) -> ssl.SSLContext:
        """TLS of a receiver of these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=until).configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A new one."""
    return Authority(tmp_path)


def over_tls(context: ssl.SSLContext, url: str, **options: Any) -> Outcome:
    """What becomes of a delivery to a receiver with this certificate."""

    async def meet() -> Outcome:
        async with receiver(says(OK), tls=context) as target, AsyncExitStack() as stack:
            client = await stack.enter_async_context(poster(lookup=resolving("127.0.0.1"), **options))
            return await send(client, url.format(target.port))

    return asyncio.run(meet())


@pytest.mark.parametrize("host", [NAME, "127.0.0.1"])
def test_a_certificate_of_a_named_authority_is_believed(authority: Authority, host: str) -> None:
    outcome = over_tls(authority.context(host), f"https://{host}:{{}}/", ca_file=authority.file)

    assert outcome.kind == "delivered"


@pytest.mark.parametrize("names", [["other.example"], ["127.0.0.2"], ["example"]])
def test_a_certificate_of_another_name_is_not_believed(authority: Authority, names: list[str]) -> None:
    outcome = over_tls(authority.context(*names), f"https://{NAME}:{{}}/", ca_file=authority.file)

    assert (outcome.kind, outcome.code) == ("failed", "tls")


def test_an_expired_certificate_is_not_believed(authority: Authority) -> None:
    expired = authority.context(NAME, until=datetime.now(UTC) - timedelta(days=1))

    outcome = over_tls(expired, f"https://{NAME}:{{}}/", ca_file=authority.file)

    assert (outcome.kind, outcome.code) == ("failed", "tls")


def test_a_certificate_of_an_unknown_authority_is_not_believed(authority: Authority) -> None:
    outcome = over_tls(authority.context(NAME), f"https://{NAME}:{{}}/")

    assert (outcome.kind, outcome.code) == ("failed", "tls")


@pytest.mark.parametrize(
    ("answer", "code"), [(greets(b"220 mail\r\n"), "tls"), (silent, "timeout"), (hangs_up, "connection")]
)
def test_a_receiver_that_speaks_no_tls_gets_nothing(answer: Answer, code: str) -> None:
    async def https(client: Poster, target: Receiver) -> tuple[str, list[bytes]]:
        outcome = await send(client, f"https://127.0.0.1:{target.port}/", timeout_s=SHORT_S)
        return outcome.code, target.requests

    assert run(answer, https) == (code, [])
