"""
Two network namespaces and the wire between them, which can be slow, lossy, deaf in one direction, or cut.

The kernel's own `tc netem` is not on every machine, so each namespace has a TUN device, and a program carries packets
from one to the other (`python -m tests.proof.border_wire US MX`), told by its standard input how.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from tests.proof.verdict import NotRun

T = TypeVar("T")
DEVICE = "wire"
ADDRESSES = ("10.77.0.1", "10.77.0.2")
IP = shutil.which("ip") or "/sbin/ip"
TUN = Path("/dev/net/tun")
NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000  # sched.h
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
MTU = 1500
MOST_ON_THE_WAY = 20_000  # packets; more than that are lost, as at any router
READY = b"carries\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How the wire is. `delay_s` each way; `loss` from the first end and from the second, of 1."""

    delay_s: float = 0.0
    loss: tuple[float, float] = (0.0, 0.0)


WHOLE = State()
CUT = State(loss=(1.0, 1.0))
SLOW = State(delay_s=0.15, loss=(0.05, 0.05))  # 300 ms there and back
DEAF = (State(loss=(1.0, 0.0)), State(loss=(0.0, 1.0)))  # nothing arrives from the first end; from the second


def enter(name: str) -> None:
    """Put this thread into a namespace: sockets that it makes from now on are there."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(NAMESPACES / name, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)


def inside(name: str, act: Callable[[], T]) -> T:
    """What `act` gives when it is called in a namespace."""
    with ThreadPoolExecutor(1, initializer=enter, initargs=(name,)) as thread:
        return thread.submit(act).result()


class Wire:
    """The program that carries the packets, and how it is told."""

    def __init__(self, names: Sequence[str]) -> None:
        """Lay it between two namespaces; it is whole at first."""
        self.names = tuple(names)
        self._carrier = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.border_wire", *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._carrier.stdout is not None
        if self._carrier.stdout.readline() != READY:
            raise NotRun("no TUN device can be made in a network namespace")

    def become(self, state: State) -> None:
        """From now on it is like this; what is on its way is carried as it was."""
        assert self._carrier.stdin is not None
        self._carrier.stdin.write(json.dumps(asdict(state)).encode() + b"\n")
        self._carrier.stdin.flush()

    def close(self) -> None:
        """Take it away."""
        self._carrier.kill()
        self._carrier.wait()


@contextmanager
def laid(names: Sequence[str]) -> Iterator[Wire]:
    """
    Two namespaces with a wire between them; both are gone after the block.

    Raises:
        NotRun: the machine does not permit namespaces or TUN devices.
    """
    with ExitStack() as stack:
        for name in names:
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            _ip("-n", name, "link", "set", "lo", "up")
        if not os.access(TUN, os.R_OK | os.W_OK):
            raise NotRun(f"{TUN} is not there for us")
        wire = Wire(names)
        stack.callback(wire.close)
        yield wire


def _ip(*words: str) -> None:
    try:
        done = subprocess.run([IP, *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotRun(f"ip(8): {error.strerror}") from error
    if done.returncode:
        raise NotRun(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _end(name: str, own: str, other: str) -> int:
    """The device of one namespace."""
    enter(name)
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    _ip("addr", "add", own, "peer", other, "dev", DEVICE)
    _ip("link", "set", DEVICE, "mtu", str(MTU), "up")
    return device


def carry(names: Sequence[str]) -> None:
    """Carry packets until the standard input ends."""
    ends = [_end(name, own, other) for name, own, other in zip(names, ADDRESSES, reversed(ADDRESSES), strict=True)]
    watched = selectors.DefaultSelector()
    for number, device in enumerate(ends):
        watched.register(device, selectors.EVENT_READ, number)
    watched.register(sys.stdin, selectors.EVENT_READ)
    os.write(1, READY)
    chance = random.Random(1)  # noqa: S311 - packets, not secrets
    state, order = WHOLE, 0
    on_the_way: list[tuple[float, int, int, bytes]] = []
    while True:
        wait_s = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
        for key, _ in watched.select(wait_s):
            if key.data is None:
                told = sys.stdin.readline()
                if not told:
                    return
                state = State(**json.loads(told))
                continue
            packet = os.read(ends[key.data], MTU + 100)
            if chance.random() >= state.loss[key.data] and len(on_the_way) < MOST_ON_THE_WAY:
                order += 1
                due_s = time.monotonic() + state.delay_s
                heapq.heappush(on_the_way, (due_s, order, ends[1 - key.data], packet))
        while on_the_way and on_the_way[0][0] <= time.monotonic():
            _, _, device, packet = heapq.heappop(on_the_way)
            os.write(device, packet)


if __name__ == "__main__":
    carry(sys.argv[1:])
