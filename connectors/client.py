"""An agency's side of the gateway: publish an event, follow the feed, acknowledge; every failure has its own class."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from connectors.profile import Profile
from connectors.tokens import NoToken, TokenSource, trust
from schemas.texts import Text

TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # seconds
TRIES = 4  # of one request, the first included
LONGEST_WAIT_S = 20.0  # for a Retry-After; longer ones are the caller's business
RETRIED = frozenset({429, 502, 503, 504})
MAX_PAGE = 1000

UNREACHABLE = Text(
    "The gateway cannot be reached ({why}).", "No se puede alcanzar la puerta de enlace ({why}).", code="unreachable"
)
REFUSED = Text(
    "The gateway answered HTTP {status}: {title}",
    "La puerta de enlace respondió HTTP {status}: {title}",
    code="refused",
)
NOT_JSON = Text(
    "The gateway's answer is not what this client understands (HTTP {status}).",
    "Este cliente no entiende la respuesta de la puerta de enlace (HTTP {status}).",
    code="bad-answer",
)


class GatewayError(Exception):
    """Something between us and an answer went wrong; ``text`` says what."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text
        self.code = text.code


class Unavailable(GatewayError):
    """No answer, or one that says "later": trying again may help."""


class Refused(GatewayError):
    """The gateway said no, in RFC 9457 form; ``errors`` holds path, code and detail of each flaw (HTTP 422)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        title = str(problem.get("title") or httpx.codes.get_reason_phrase(status))
        super().__init__(REFUSED.format(status=status, title=title))
        self.status = status
        self.detail = str(problem.get("detail") or "")
        found = problem.get("errors")
        self.errors: tuple[Mapping[str, Any], ...] = tuple(
            one for one in (found if isinstance(found, list) else ()) if isinstance(one, Mapping)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Committed at the hub under ``id`` (its UUID); ``already`` = it had the same event before."""

    id: str
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the feed; ask again with ``next``."""

    events: tuple[Mapping[str, Any], ...] = field(repr=False)
    next: str
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the JSON object, and the version of the resource where the gateway named one."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    version: int | None


class Gateway:
    """The gateway of one profile; use it as a context manager."""

    def __init__(self, profile: Profile, *, language: str = "en") -> None:
        """
        Prepare the connection; nothing is sent yet.

        Raises:
            NoToken: the key or the file of authorities cannot be used.
        """
        context = trust(profile.ca_file)  # once: reading the system's authorities takes longer than most requests
        self.tokens = TokenSource(profile.identity, language=language, context=context)
        self._http = httpx.Client(
            base_url=profile.gateway,
            verify=context,
            timeout=TIMEOUT,
            headers={"Accept-Language": language, "Accept": "application/json, application/problem+json"},
        )

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()
        self.tokens.close()

    def publish(self, raw: bytes) -> Published:
        """
        Publish one event; safe to repeat, since the hub knows its id.

        Raises:
            Refused, Unavailable, NoToken: it is not committed as far as we know.
        """
        answer = self._send("POST", "/v1/events", content=raw, headers={"Content-Type": "application/json"})
        return Published(id=str(_object(answer)["id"]), already=answer.status_code == httpx.codes.OK)

    def acknowledge(self, event: str, state: str, *, reason: str | None = None) -> None:
        """
        Tell the originator what became of ``event`` (the hub's UUID): received, read, acknowledged, declined.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        body = {"state": state, **({"reason": reason} if reason else {})}
        self._send("POST", f"/v1/events/{quote(event, safe='')}/acks", json=body)

    def note(self, event: str, kind: str, body: Mapping[str, Any]) -> Published:
        """
        Tell the source of ``event`` something: a sighting, a question, an answer; ``body`` as ``schemas.note`` has it.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        return self._done(f"/v1/events/{quote(event, safe='')}/notes", {"kind": kind, **body})

    def recall(self, event: str, body: Mapping[str, Any]) -> Published:
        """
        Take back an event of this agency; ``body`` as ``schemas.control`` has it.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        return self._done(f"/v1/events/{quote(event, safe='')}/recall", body)

    def relabel(self, event: str, body: Mapping[str, Any]) -> Published:
        """
        Give an event of this agency a tighter label; ``body`` as ``schemas.control`` has it.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        return self._done(f"/v1/events/{quote(event, safe='')}/label", body)

    def _done(self, path: str, body: Mapping[str, Any]) -> Published:
        answer = self._send("POST", path, json=dict(body))
        return Published(id=str(_object(answer)["id"]), already=answer.status_code == httpx.codes.OK)

    def feed(self, after: str | None = None, *, limit: int = 100) -> Page:
        """
        The next events this agency may see, in the node's order; None starts at the beginning.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        query: dict[str, str | int] = {"limit": min(limit, MAX_PAGE), **({"after": after} if after else {})}
        answer = self._send("GET", "/v1/feed", params=query)
        page = _object(answer)
        events, cursor = page.get("events"), page.get("next")
        if not isinstance(events, list) or not isinstance(cursor, str):
            raise GatewayError(NOT_JSON.format(status=answer.status_code))
        return Page(events=tuple(events), next=cursor, more=page.get("more") is True)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | bytes | None = None,
        query: Mapping[str, str] | None = None,
        version: int | None = None,
    ) -> Answer:
        """
        One request of an administrator; ``version`` is the one that a change is made to (If-Match).

        A ``body`` in bytes is JSON as somebody wrote it, and goes as it is.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        sent: dict[str, Any] = {"params": dict(query or {})}
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        if isinstance(body, bytes):
            sent["content"] = body
            headers["Content-Type"] = "application/json"
        elif body is not None:
            sent["json"] = dict(body)
        sent["headers"] = headers
        answer = self._send(method, path, **sent)
        tag = answer.headers.get("ETag", "").strip('"')
        held = {} if answer.status_code == httpx.codes.NO_CONTENT else _object(answer)
        return Answer(status=answer.status_code, body=held, version=int(tag) if tag.isdigit() else None)

    def text(self, path: str, *, query: Mapping[str, str]) -> str:
        """
        What is answered as text, such as CSV.

        Raises:
            Refused, Unavailable, NoToken: as above.
        """
        return self._send("GET", path, params=dict(query)).text

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._authorised(method, path, **request)
            except httpx.HTTPError as error:
                wait, failure = 2.0 ** (attempt - 2), Unavailable(UNREACHABLE.format(why=type(error).__name__))
            else:
                if answer.is_success:
                    return answer
                refused = Refused(answer.status_code, _problem(answer))
                if answer.status_code not in RETRIED:
                    raise refused
                wait, failure = _retry_after(answer, attempt), Unavailable(refused.text)
            if attempt == TRIES or wait > LONGEST_WAIT_S:
                raise failure
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _authorised(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = request.pop("headers", {})
        for second_try in (False, True):
            bearer = {"Authorization": f"Bearer {self.tokens.token().value}"}
            answer = self._http.request(method, path, headers=headers | bearer, **request)
            if answer.status_code != httpx.codes.UNAUTHORIZED or second_try:
                break
            self.tokens.forget()  # the node may have changed its key or this agency's epoch
        return answer


def _retry_after(answer: httpx.Response, attempt: int) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else 2.0 ** (attempt - 2)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    content = _problem(answer)
    if not content:
        raise GatewayError(NOT_JSON.format(status=answer.status_code))
    return content


__all__ = ["Gateway", "GatewayError", "NoToken", "Page", "Published", "Refused", "Unavailable"]
