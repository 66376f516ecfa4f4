"""How a poster comes by connections: how many there are, which are used again, and that none is left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub.workers import pool
from hub.workers.posting import Poster
from tests.support.posting import LOOPS, NAME, Authority, Loop, poster, run, send
from tests.support.receivers import OK, Receiver, deaf, receiver, resolving, says, silent

STEPS = 60  # turns of an event loop in which a delivery over TLS is interrupted at each


def test_a_request_that_a_used_connection_ends_upon_is_sent_once_more() -> None:
    async def only_one(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(OK)
        await me.request(reader)  # and closes without a word

    async def twice(client: Poster, target: Receiver) -> tuple[list[str], int, int]:
        codes = [(await send(client, target.url)).code for _ in range(2)]
        return codes, target.connections, len(target.requests)

    assert run(only_one, twice) == (["http-200", "http-200"], 2, 3)


def test_a_request_is_sent_no_third_time() -> None:
    async def only_the_first(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if me.connections == 1:
            await me.request(reader)
            writer.write(OK)
        await me.request(reader)

    async def twice(client: Poster, target: Receiver) -> tuple[list[str], int]:
        codes = [(await send(client, target.url)).code for _ in range(2)]
        return codes, len(target.requests)

    assert run(only_the_first, twice) == (["http-200", "disconnected"], 3)


def test_a_request_that_a_new_connection_ends_upon_is_not_sent_again() -> None:
    async def gone(me: Receiver, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await me.request(reader)

    async def once(client: Poster, target: Receiver) -> tuple[str, int]:
        return (await send(client, target.url)).code, target.connections

    assert run(gone, once) == ("disconnected", 1)


def test_a_request_that_was_answered_in_part_is_not_sent_again() -> None:
    async def half(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(OK)
        await me.request(reader)
        writer.write(OK[:10])
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async def twice(client: Poster, target: Receiver) -> tuple[list[str], int]:
        codes = [(await send(client, target.url)).code for _ in range(2)]
        return codes, len(target.requests)

    assert run(half, twice) == (["http-200", "disconnected"], 2)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_that_rests_for_too_long_is_closed(monkeypatch: pytest.MonkeyPatch, loop: Loop) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.05)

    async def rested(client: Poster, target: Receiver) -> None:
        await asyncio.gather(*(send(client, target.url) for _ in range(3)))
        await target.left.wait()

    run(says(OK), rested, loop)


def test_a_connection_at_rest_makes_room_for_another_receivers() -> None:
    async def meet() -> str:
        async with receiver(says(OK)) as one, receiver(says(OK)) as other, poster(most=1) as client:
            await send(client, one.url)
            outcome = await send(client, other.url)
            await one.left.wait()
            return outcome.kind

    assert asyncio.run(meet()) == "delivered"


@pytest.mark.parametrize(("limits", "most"), [({"per_host": 3}, 3), ({"most": 2}, 2), ({"per_host": 4, "most": 3}, 3)])
def test_there_are_no_more_connections_than_there_may_be(limits: dict[str, Any], most: int) -> None:
    at_once: list[int] = [0, 0]

    async def counts(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        try:
            await me.request(reader)
            await asyncio.sleep(0.02)
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        finally:
            at_once[0] -= 1

    async def many(client: Poster, target: Receiver) -> set[str]:
        return {outcome.code for outcome in await asyncio.gather(*(send(client, target.url) for _ in range(12)))}

    assert run(counts, many, **limits) == {"http-200"}
    assert at_once[1] == most


@pytest.mark.parametrize("limits", [{"per_host": 1}, {"most": 1}])
def test_waiting_for_a_place_is_part_of_the_time_there_is(limits: dict[str, Any]) -> None:
    async def behind(client: Poster, target: Receiver) -> tuple[str, bool]:
        first = asyncio.create_task(send(client, target.url))
        while not target.requests:
            await asyncio.sleep(0.01)
        outcome, waits = await send(client, target.url, timeout_s=0.1), not first.done()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return outcome.code, waits

    assert run(silent, behind, **limits) == ("timeout", True)


def test_whoever_stopped_waiting_is_passed_over() -> None:
    async def met() -> list[bool]:
        gate = pool.Gate(1)
        assert gate.enters()
        waiting = [asyncio.create_task(gate.wait()) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
        gate.leave()
        await asyncio.sleep(0)
        return [waiting[1].done(), gate.enters()]

    assert asyncio.run(met()) == [True, False]


def test_a_place_given_to_someone_who_goes_in_the_same_moment_is_not_lost() -> None:
    async def met() -> bool:
        gate = pool.Gate(1)
        assert gate.enters()
        waiting = asyncio.create_task(gate.wait())
        await asyncio.sleep(0)
        gate.leave()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return gate.enters()

    assert asyncio.run(met())


def test_a_receiver_that_was_never_reached_is_forgotten() -> None:
    async def met(client: Poster, _: Receiver) -> int:
        await send(client, "http://127.0.0.1:1/")
        return len(client._pool._lanes)

    assert run(says(OK), met) == 0


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_who_is_cancelled_at_any_moment_leaves_nothing_behind(tmp_path: Path, loop: Loop, scheme: str) -> None:
    authority = Authority(tmp_path)
    tls = authority.context(NAME) if scheme == "https" else None

    async def cancelled(client: Poster, target: Receiver, steps: int) -> bool:
        task = asyncio.create_task(send(client, f"{scheme}://{NAME}:{target.port}/"))
        for _ in range(steps):
            await asyncio.sleep(0.0005 if steps % 2 else 0)
        was_done = task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return was_done

    async def meet() -> tuple[set[bool], str]:
        options = {"lookup": resolving("127.0.0.2", "127.0.0.1"), "ca_file": authority.file}
        async with receiver(says(OK), tls=tls) as target, poster(per_host=1, most=1, **options) as client:
            done: set[bool] = set()
            for steps in range(20 * STEPS):  # at each, and on until one has time enough where the machine is busy
                done.add(await cancelled(client, target, steps))
                if steps >= STEPS and True in done:
                    break
            return done, (await send(client, f"{scheme}://{NAME}:{target.port}/")).code

    files = len(list(Path("/dev/fd").iterdir()))
    with asyncio.Runner(loop_factory=loop) as runner:
        done, last = runner.run(meet())

    assert (done, last) == ({False, True}, "http-200")
    assert len(list(Path("/dev/fd").iterdir())) == files


@pytest.mark.parametrize("loop", LOOPS)
def test_a_receiver_that_has_gone_is_forgotten(loop: Loop) -> None:
    async def once(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(OK)

    async def met(client: Poster, target: Receiver) -> None:
        await send(client, target.url)
        async with asyncio.timeout(5):  # well before it is closed for its long rest
            while client._pool._open:
                await asyncio.sleep(0.01)
        assert (client._pool._idle, client._pool._lanes) == ({}, {})

    run(once, met, loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_was_not_yet_sent_holds_no_connection_up(loop: Loop) -> None:
    async def much(client: Poster, target: Receiver) -> str:
        outcome = await client.post(target.url, {}, b"x" * 20_000_000, timeout_s=0.3)
        async with asyncio.timeout(10):
            while client._pool._open:
                await asyncio.sleep(0.01)
        return outcome.code

    assert run(deaf, much, loop) == "timeout"


@pytest.mark.parametrize("loop", LOOPS)
def test_who_ends_leaves_no_connection(loop: Loop) -> None:
    async def meet() -> int:
        async with receiver(says(OK)) as target:
            async with poster() as client:
                await asyncio.gather(*(send(client, target.url) for _ in range(5)))
            assert client._pool._open == set()
            while len(asyncio.all_tasks()) > 1:  # the receiver's, one for each connection
                await asyncio.sleep(0.01)
            return target.connections

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(meet()) > 1
