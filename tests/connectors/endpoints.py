"""A real HTTP server on loopback that answers as a test tells it to, and the key of an agency that talks to it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from connectors.config import Identity
from connectors.profile import Profile

ISSUER = "https://us.issuer.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body of a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Endpoint:
    """Answers each request with what ``answer`` makes of it, and remembers the requests."""

    url: str = ""
    answer: Callable[[Asked], Answer] = lambda _: (404, {})
    asked: list[Asked] = field(default_factory=list)

    def to(self, path: str) -> list[Asked]:
        """The requests to one path."""
        return [one for one in self.asked if one.path == path]


@contextmanager
def endpoint(tls: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """A server on a free port of loopback."""
    served = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(method=self.command, path=parts.path, query=query, headers=headers, body=body)
            served.asked.append(asked)
            status, content, *more = served.answer(asked)
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_key(folder: Path) -> ECKey:
    """A fresh key of the agency, as ``agency.pem``."""
    key = ECKey.generate_key("P-256")
    (folder / "agency.pem").write_bytes(key.as_pem(private=True))
    return key


def identity(folder: Path, url: str, audience: str = "us/api") -> Identity:
    """The agency at the token endpoint ``url``/oauth/token."""
    return Identity(
        token_endpoint=f"{url}/oauth/token",
        issuer=ISSUER,
        client_id="us-ca-sdpd",
        key_file=folder / "agency.pem",
        audience=audience,
    )


def profile(folder: Path, url: str) -> Profile:
    """The agency's profile for the gateway ``url``."""
    return Profile(gateway=url, agency="us-ca-sdpd", identity=identity(folder, url), ca_file=None)


def granted(value: str = "a-token", life_s: int = 300) -> Answer:
    """What a token endpoint says when all is well."""
    return 200, {"access_token": value, "token_type": "Bearer", "expires_in": life_s, "scope": "feed:read"}


def claims(assertion: str, key: ECKey) -> dict[str, Any]:
    """The verified claims of a client assertion."""
    return dict(jwt.decode(assertion, key, algorithms=["ES256"]).claims)
