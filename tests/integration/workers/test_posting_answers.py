"""What counts of an answer, in every form that HTTP/1.1 allows and in some that it does not."""

from __future__ import annotations

import asyncio

import pytest

from hub.workers import wire
from hub.workers.posting import Poster
from hub.workers.wire import BODY_BYTES, HEAD_BYTES, HEADER_BYTES
from tests.support.posting import LOOPS, Loop, posted, run, send
from tests.support.receivers import OK, Answer, Receiver, repeats, says

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\nLink: </>\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nthanks"


def ends(raw: bytes) -> Answer:
    """Answers one request with these bytes, and closes."""

    async def answer(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(raw)
        writer.write_eof()
        await reader.read()

    return answer


def trickles(raw: bytes, size: int = 1) -> Answer:
    """Answers each request with these bytes, so many at a time."""

    async def answer(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await me.request(reader)
            for at in range(0, len(raw), size):
                writer.write(raw[at : at + size])
                await writer.drain()
                await asyncio.sleep(0)

    return answer


async def twice(client: Poster, target: Receiver) -> tuple[list[str], int]:
    """What becomes of two deliveries, and over how many connections they went."""
    codes = [(await send(client, target.url)).code for _ in range(2)]
    return codes, target.connections


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (CHUNKED + b"6\r\nthanks\r\n0\r\n\r\n", b"thanks"),
        (CHUNKED + b"3;name=value\r\ntha\r\n3\r\nnks\r\n0\r\n\r\n", b"thanks"),
        (CHUNKED + b"6\r\nthanks\r\n0\r\nX-After: all\r\n\r\n", b"thanks"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b""),
        (EARLY + EARLY + CHUNKED + b"6\r\nthanks\r\n0\r\n\r\n", b"thanks"),
        (b"HTTP/1.1 200\r\nContent-Length: 6\r\n\r\nthanks", b"thanks"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\nthanks", b"thanks"),
        (b"HTTP/1.1 200 OK\nContent-Length: 6\n\nthanks", b"thanks"),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 6\r\n\r\nthanks", b"thanks"),
        (CHUNKED + b"6 \r\nthanks\r\n0\r\n\r\n", b"thanks"),
    ],
    ids=[
        "chunks",
        "extended chunks",
        "trailers",
        "continue",
        "early hints",
        "no reason",
        "kept by 1.0",
        "no CR",
        "folded",
        "space",
    ],
)
def test_an_answer_is_read_however_it_comes(raw: bytes, body: bytes, loop: Loop) -> None:
    async def read(client: Poster, target: Receiver) -> tuple[list[tuple[int | None, bytes]], int]:
        outcomes = [await send(client, target.url) for _ in range(2)]
        return [(outcome.status, outcome.body) for outcome in outcomes], target.connections

    assert run(trickles(raw), read, loop) == ([(200, body)] * 2, 1)
    assert run(says(raw), read, loop) == ([(200, body)] * 2, 1)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\nthanks",
        b"HTTP/1.0 200 OK\r\n\r\nthanks",
        b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nthanks",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nthanks",
        CLOSED,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthanks",
    ],
    ids=["no length", "1.0", "1.0 with a length", "other coding", "close", "broken off"],
)
def test_an_answer_that_ends_with_its_connection_is_read_to_the_end(raw: bytes, loop: Loop) -> None:
    async def read(client: Poster, target: Receiver) -> tuple[list[bytes], int]:
        bodies = [(await send(client, target.url)).body for _ in range(2)]
        return bodies, target.connections

    assert run(ends(raw), read, loop) == ([b"thanks", b"thanks"], 2)


def test_a_receiver_that_wants_no_more_need_not_close_itself() -> None:
    async def once(client: Poster, target: Receiver) -> str:
        outcome = await send(client, target.url)
        await target.left.wait()
        return outcome.code

    assert run(says(CLOSED), once) == "http-200"


@pytest.mark.parametrize("behind", [b"garbage", b"\x00", OK, b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 100 Go\r\n\r\n"])
@pytest.mark.parametrize("gap", [True, False])
def test_what_comes_behind_an_answer_is_not_read(behind: bytes, gap: bool) -> None:
    async def answer(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(OK if gap else OK + behind)
        await writer.drain()
        if gap:
            await asyncio.sleep(0.02)
            writer.write(behind)
        await reader.read()

    async def met(client: Poster, target: Receiver) -> tuple[list[str], int]:
        first = await send(client, target.url)
        async with asyncio.timeout(5):  # well before it is closed for its long rest
            await target.left.wait()
        return [first.code, (await send(client, target.url)).code], target.connections

    assert run(answer, met) == (["http-200", "http-200"], 2)


@pytest.mark.parametrize(
    "answer",
    [
        repeats(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BODY_BYTES + 1), b""),
        repeats(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * BODY_BYTES, b"x", pause_s=0.01),
    ],
    ids=["at once", "one more"],
)
def test_a_body_that_is_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(wire, "BODY_S", 60)

    async def hastened(client: Poster, target: Receiver) -> str:
        async with asyncio.timeout(10):
            return (await send(client, target.url, timeout_s=60)).code

    assert run(answer, hastened) == "http-200"


def test_a_body_has_less_time_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_S", 0.1)

    async def hastened(client: Poster, target: Receiver) -> str:
        async with asyncio.timeout(10):
            return (await send(client, target.url, timeout_s=60)).code

    assert run(repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x", pause_s=0.01), hastened) == "http-200"


def test_a_switch_to_another_protocol_is_no_delivery() -> None:
    raw = b"HTTP/1.1 101 Switching\r\n\r\n"

    assert run(says(raw), twice) == (["http-101", "http-101"], 2)


def test_an_upgrade_is_no_delivery() -> None:
    raw = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello"

    assert run(says(raw), twice) == (["http-101", "http-101"], 2)


def test_an_interim_answer_says_nothing_of_when_to_come_again() -> None:
    assert posted(says(EARLY + b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")).retry_after_s is None


def test_a_trailer_says_nothing_of_when_to_come_again() -> None:
    raw = b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 7\r\n\r\n"

    assert posted(says(raw)).retry_after_s is None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nno colon\r\n\r\n",
        b"HTTP/1.1 " + b"2" * 5000,
        b"HTTP/1.1 200 " + b"O" * (HEADER_BYTES + 1),
        b"HTTP/1.1 100 C\r\n\r\n" * (HEAD_BYTES // 10),
        b"\r\n" * HEAD_BYTES,
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 4000 + b"\r\n") + (b"Y: " + b"y" * 4000 + b"\r\n") * 5,
        CHUNKED + b"6\r\nthanks!!",
    ],
    ids=lambda raw: str(raw[:40]),
)
@pytest.mark.parametrize("size", [500, 1_000_000])
def test_what_breaks_the_rules_is_no_answer(raw: bytes, size: int) -> None:
    outcome = posted(trickles(raw, size))

    assert (outcome.kind, outcome.code) == ("failed", "not-http")
