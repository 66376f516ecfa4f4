"""A closed-loop load generator: some keep-alive connections in one thread, each sending when its answer has come."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

HOST = "127.0.0.1"
CONNECTIONS = 8
STUCK_S = 15.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STATUS = slice(9, 12)  # of "HTTP/1.1 201 Created"


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    body: bytes


@dataclass(slots=True)
class Connection:
    """One keep-alive connection that reads answers with a stated length."""

    port: int
    _socket: socket.socket = field(init=False)
    _held: bytes = b""

    def __post_init__(self) -> None:
        self._socket = socket.create_connection((HOST, self.port), timeout=STUCK_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Put one request on the wire."""
        self._socket.sendall(request)

    def receive(self) -> Answer | None:
        """Read what has come; the answer once it is whole."""
        came = self._socket.recv(1 << 18)
        if not came:
            raise ConnectionError("the server closed the connection")
        self._held += came
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._held, 0, end)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._held) < whole:
            return None
        answer = Answer(int(self._held[_STATUS]), self._held[end + 4 : whole])
        self._held = self._held[whole:]
        return answer

    def ask(self, request: bytes) -> Answer:
        """Send one request and wait for its answer."""
        self.send(request)
        while True:
            answer = self.receive()
            if answer is not None:
                return answer

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of load did; `refused` answers (not 2xx) are not counted in `done`."""

    done: int
    refused: int
    seconds: float

    @property
    def per_s(self) -> float:
        """Requests answered well per second."""
        return self.done / self.seconds


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """An HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(port: int, requests: Iterator[bytes], *, seconds: float, count: int | None = None) -> Round:
    """
    Load a server for `seconds`, or until `count` requests are answered.

    Raises:
        TimeoutError: no answer for `STUCK_S` seconds.
    """
    selector = selectors.DefaultSelector()
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    done = refused = 0
    began = time.perf_counter()
    try:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ, connection)
            connection.send(next(requests))
        while time.perf_counter() - began < seconds and (count is None or done < count):
            ready = selector.select(STUCK_S)
            if not ready:
                raise TimeoutError(f"no answer within {STUCK_S} s")
            for key, _ in ready:
                answer = key.data.receive()
                if answer is None:
                    continue
                is_well = 200 <= answer.status < 300
                done, refused = done + is_well, refused + (not is_well)
                key.data.send(next(requests))
        return Round(done=done, refused=refused, seconds=time.perf_counter() - began)
    finally:
        selector.close()
        for connection in connections:
            connection.close()
