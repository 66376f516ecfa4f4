"""Downloads, bounded in every direction: whole time, size (also unpacked), redirects, and which hosts."""

from __future__ import annotations

import ssl
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import httpx

from schemas.texts import Text

MAX_REDIRECTS = 5
GIVE_UP_AFTER = 3  # failed connections to one host in one reading; the rest would fail too, only slower
USER_AGENT = "puente-connector"

TIMEOUT = Text("No answer in time.", "Sin respuesta a tiempo.", code="timeout")
CONNECTION = Text("The connection failed.", "Falló la conexión.", code="connection")
STATUS = Text("The server answered {status}.", "El servidor respondió {status}.", code="http-status")
TOO_LARGE = Text("The answer is larger than {most} bytes.", "La respuesta supera {most} bytes.", code="too-large")
EMPTY = Text(
    "The answer is empty, which is not the same as no alerts.",
    "La respuesta está vacía, lo que no equivale a que no haya alertas.",
    code="empty-body",
)
ENCODING = Text(
    "The answer is packed in a way that was not asked for, or damaged.",
    "La respuesta está comprimida de un modo no solicitado o dañada.",
    code="content-encoding",
)
REDIRECTS = Text("Too many redirects.", "Demasiadas redirecciones.", code="redirects")
HOST = Text(
    "The link leads to a host, or by a protocol, that follow_hosts does not allow.",
    "El enlace lleva a un servidor, o por un protocolo, que follow_hosts no permite.",
    code="host-not-followed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer; ``body`` is None if nothing changed since the validators that were sent."""

    body: bytes | None
    url: str  # after redirects
    etag: str = ""
    last_modified: str = ""


class Unreachable(Exception):
    """A download that failed; ``text`` says why, with a code per class of error."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


class Fetcher:
    """Downloads for one reading of a source. Use it as a context manager."""

    def __init__(self, *, hosts: frozenset[str], timeout_s: float, ca_file: Path | None, allow_http: bool) -> None:
        """``hosts`` are host names, with the port where it is not the usual one; nothing else is ever asked."""
        self._hosts = hosts
        self._timeout_s = timeout_s
        self._allow_http = allow_http
        self._failures: dict[str, int] = {}
        self._ca_file = ca_file
        self._open: httpx.Client | None = None

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._open is not None:
            self._open.close()

    def get(self, url: str, *, max_bytes: int, etag: str = "", last_modified: str = "") -> Fetched:
        """
        Download one address.

        Raises:
            Unreachable: it failed in any way, or would have led off the allowed hosts.
        """
        headers = {"Accept-Encoding": "gzip"}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        deadline = time.monotonic() + self._timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            found = self._one(url, headers, max_bytes, deadline)
            if isinstance(found, Fetched):
                return found
            url = found
        raise Unreachable(REDIRECTS)

    @property
    def _client(self) -> httpx.Client:
        # Made when first needed: reading the certificate store takes longer than reading a folder.
        if self._open is None:
            context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
            self._open = httpx.Client(verify=context, timeout=self._timeout_s, headers={"User-Agent": USER_AGENT})
        return self._open

    def _one(self, url: str, headers: dict[str, str], max_bytes: int, deadline: float) -> Fetched | str:
        host = self._allowed(url)
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                if response.has_redirect_location:
                    return joined(url, response.headers["Location"])
                answer = self._answer(response, url, max_bytes, deadline)
                self._failures.pop(host, None)
                return answer
        except httpx.TimeoutException as error:
            self._failures[host] = self._failures.get(host, 0) + 1
            raise Unreachable(TIMEOUT) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._failures[host] = self._failures.get(host, 0) + 1
            raise Unreachable(CONNECTION) from error

    def _allowed(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host = parts.netloc.lower()
        except ValueError:
            raise Unreachable(HOST) from None
        safe = parts.scheme == "https" or (parts.scheme == "http" and self._allow_http)
        if not safe or host not in self._hosts:
            raise Unreachable(HOST)
        if self._failures.get(host, 0) >= GIVE_UP_AFTER:
            raise Unreachable(CONNECTION)
        return host

    def _answer(self, response: httpx.Response, url: str, max_bytes: int, deadline: float) -> Fetched:
        etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Fetched(body=None, url=url, etag=etag, last_modified=modified)
        if response.status_code != httpx.codes.OK:
            text = STATUS.format(status=response.status_code)
            raise Unreachable(Text(str(text), text.es, code=f"http-{response.status_code}"))
        body = _body(response, max_bytes, deadline)
        if not body.strip():
            raise Unreachable(EMPTY)
        return Fetched(body=body, url=url, etag=etag, last_modified=modified)


def joined(base: str, link: str) -> str:
    """A link made absolute; one that is no address at all stays as it is, and is refused when it is asked for."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def _body(response: httpx.Response, max_bytes: int, deadline: float) -> bytes:
    """The unpacked body; read raw, because a client that unpacks by itself does so without a bound."""
    packing = response.headers.get("Content-Encoding", "identity").lower()
    if packing not in ("identity", "gzip"):
        raise Unreachable(ENCODING)
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if packing == "gzip" else None
    body = bytearray()
    for chunk in response.iter_raw():
        if time.monotonic() > deadline:
            raise Unreachable(TIMEOUT)
        try:
            body += unpacker.decompress(chunk, max_bytes + 1 - len(body)) if unpacker else chunk
        except zlib.error as error:
            raise Unreachable(ENCODING) from error
        if len(body) > max_bytes or (unpacker and unpacker.unconsumed_tail):
            raise Unreachable(TOO_LARGE.format(most=max_bytes))
    if unpacker and body and not unpacker.eof:
        raise Unreachable(ENCODING)  # cut off on the way
    return bytes(body)
