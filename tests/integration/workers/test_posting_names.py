"""Which address a poster connects to: a name is looked up once, and one of its addresses is tried after the other."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from hub.workers import dialing
from hub.workers.posting import Poster
from tests.support.posting import NAME, poster, run, send
from tests.support.receivers import OK, Receiver, receiver, resolving, says


def test_looking_a_name_up_is_part_of_the_time_there_is() -> None:
    answers = threading.Event()

    def lookup(*_: Any) -> list[tuple[Any, ...]]:
        answers.wait(60)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async def slow(client: Poster, _: Receiver) -> str:
        outcome = await send(client, f"http://{NAME}/", timeout_s=0.1)
        answers.set()
        return outcome.code

    assert run(says(OK), slow, lookup=lookup) == "timeout"


def test_who_asks_for_a_name_at_the_same_time_shares_its_look_up() -> None:
    answers, known, looked = threading.Event(), resolving("127.0.0.1"), []

    def lookup(*asked: Any) -> list[tuple[Any, ...]]:
        looked.append(asked)
        answers.wait(60)
        return known(*asked)

    async def many(client: Poster, target: Receiver) -> list[str]:
        tasks = [asyncio.create_task(send(client, f"http://{NAME}:{target.port}/")) for _ in range(20)]
        await asyncio.sleep(0.05)
        tasks.pop().cancel()  # whoever goes, takes nobody along
        answers.set()
        return [outcome.code for outcome in await asyncio.gather(*tasks)]

    assert run(says(OK), many, lookup=lookup) == ["http-200"] * 19
    assert len(looked) == 1


@contextmanager
def full() -> Iterator[tuple[str, int]]:
    """An address that takes no connection and refuses none."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.3", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


@pytest.mark.parametrize("addresses", [["127.0.0.2", "127.0.0.1"], ["::1", "127.0.0.1"], ["::1", "::1", "127.0.0.1"]])
def test_the_next_address_is_tried_where_one_refuses(addresses: list[str]) -> None:
    async def named(client: Poster, target: Receiver) -> str:
        return (await send(client, f"http://{NAME}:{target.port}/")).code

    assert run(says(OK), named, lookup=resolving(*addresses)) == "http-200"


def test_the_next_address_is_tried_where_one_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "CONNECT_S", 0.1)

    def lookup(_: str, port: int, *__: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", each) for each in (nowhere, ("127.0.0.1", port))]

    async def named(client: Poster, target: Receiver) -> str:
        return (await send(client, f"http://{NAME}:{target.port}/")).code

    with full() as nowhere:
        assert run(says(OK), named, lookup=lookup) == "http-200"


def test_not_all_addresses_of_a_name_are_tried() -> None:
    async def named(client: Poster, target: Receiver) -> tuple[str, int]:
        return (await send(client, f"http://{NAME}:{target.port}/")).code, target.connections

    assert run(says(OK), named, lookup=resolving(*["127.0.0.2"] * 2, "127.0.0.1")) == ("connection", 0)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[::1]:{}/", "[::1]:{}"),
        ("http://[0:0::1]:{}/a?b", "[::1]:{}"),
        ("http://LOCAL.example.:{}/", "local.example:{}"),
    ],
)
def test_a_receiver_is_told_which_host_was_meant(url: str, host: str) -> None:
    async def meet() -> tuple[list[bytes], int]:
        async with receiver(says(OK), host="::1") as target, poster(lookup=resolving("::1")) as client:
            await send(client, url.format(target.port))
            return target.requests, target.port

    (request,), port = asyncio.run(meet())

    assert f"\r\nHost: {host.format(port)}\r\n".encode() in request
