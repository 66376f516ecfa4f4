"""A real web server on loopback that answers as a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says to one path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False  # says nothing until the server stops
    drips: bool = False  # sends one byte every 50 ms
    etag: str = ""  # answers 304 to whoever has it


class Site:
    """Paths and answers, and the requests that came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.stopping = threading.Event()

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        answer = self.site.answers.get(self.path, Answer(status=404))
        if answer.waits:
            self.site.stopping.wait(30)
            return
        unchanged = bool(answer.etag) and self.headers.get("If-None-Match") == answer.etag
        self.send_response(304 if unchanged else answer.status)
        body = b"" if unchanged else answer.body
        tag = {"ETag": answer.etag} if answer.etag else {}
        for name, value in {"Content-Length": str(len(body)), **tag, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # the client may have had enough
            for start in range(len(body)) if answer.drips else (0,):
                self.wfile.write(body[start : start + 1] if answer.drips else body)
                self.site.stopping.wait(0.05 if answer.drips else 0)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def serving() -> Iterator[Site]:
    """A site for the length of a test."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    handler.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def atom(*entries: str) -> bytes:
    """An Atom feed with these entries."""
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'.encode()


def entry(link: str = "", *, updated: str = "2026-05-04T20:30:00Z", content: bytes = b"") -> str:
    """One entry with a link, or with a document inside."""
    inside = content.decode().partition("?>\n")[2] if content else ""
    href = f'<link href="{link}"/>' if link else ""
    body = f'<content type="text/xml">{inside}</content>' if inside else ""
    return f"<entry><id>urn:x</id><updated>{updated}</updated>{href}{body}</entry>"
