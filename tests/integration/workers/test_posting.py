"""Deliveries to real receivers, good ones and the worst there are: each attempt ends, with an outcome that says how."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from hub.outcomes import Outcome
from hub.workers.posting import Poster
from hub.workers.wire import BODY_BYTES, HEADERS
from tests.support.posting import BODY, LOOPS, NAME, Loop, posted, poster, run, send
from tests.support.receivers import (
    OK,
    Answer,
    Receiver,
    deaf,
    hangs_up,
    receiver,
    repeats,
    resolving,
    says,
    silent,
    status,
)

SHORT_S = 0.3  # for receivers that use up whatever time there is


@pytest.mark.parametrize("loop", LOOPS)
def test_a_receiver_gets_the_body_and_the_headers_as_they_are(loop: Loop) -> None:
    async def sent(client: Poster, target: Receiver) -> tuple[Outcome, list[bytes]]:
        return await send(client, target.url), target.requests

    outcome, (request,) = run(status(204), sent, loop)

    head, _, body = request.partition(b"\r\n\r\n")
    assert (outcome.kind, outcome.status, body) == ("delivered", 204, BODY)
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert {b"webhook-id: 019ec1f0", b"webhook-signature: v1,x", b"Content-Type: application/json"} < set(
        head.split(b"\r\n")
    )


def test_a_request_is_whole_without_headers_of_its_sender() -> None:
    async def sent(client: Poster, target: Receiver) -> list[bytes]:
        await client.post(target.url, {}, BODY)
        return target.requests

    (request,) = run(status(204), sent)

    assert request.partition(b"\r\n\r\n")[2] == BODY


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
        ("http://127.0.0.1:0/", "not-a-url"),
        ("http://user@127.0.0.1/", "not-a-url"),
        ("http://127.0.0.1/#there", "not-a-url"),
        ("http://127.0.0.1/a b", "not-a-url"),
        ("http://127.0.0.1/a\r\nX: y", "not-a-url"),
        ("http://127.0.0.1\r\nX: y/", "not-a-url"),
        (f"http://{NAME}..example/", "not-a-url"),
        (f"http://{'a' * 64}.example/", "not-a-url"),
        ("wss://127.0.0.1/", "not-a-url"),
        ("file:///etc/passwd", "not-a-url"),
    ],
)
def test_what_cannot_be_reached_is_an_outcome_too(url: str, code: str) -> None:
    outcome = run(says(OK), lambda client, _: send(client, url), lookup=resolving())

    assert (outcome.kind, outcome.code) == ("failed", code)


@pytest.mark.parametrize("header", ["a\r\nb: c", "a\nb: c", "a\rb: c", "a\0", "á"])
def test_a_header_that_cannot_be_sent_is_an_outcome_too(header: str) -> None:
    async def sent(client: Poster, target: Receiver) -> tuple[str, int]:
        return (await client.post(target.url, {"webhook-id": header}, BODY)).kind, target.connections

    assert run(says(OK), sent) == ("failed", 0)


def test_the_name_of_a_header_cannot_hold_another() -> None:
    async def sent(client: Poster, target: Receiver) -> tuple[str, int]:
        return (await client.post(target.url, {"a: b\r\nc": "d"}, BODY)).kind, target.connections

    assert run(says(OK), sent) == ("failed", 0)
