"""The way in: a token before anything else, problems as the gateway tells them, and its headers on every answer."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import web
from marshmallow import ValidationError

from hub import problems
from hub.asked import refuse_repeated
from hub.entrance import bearer
from hub.errors import HubError
from hub.language import preferred
from hub.tokens import Claims
from schemas.flaws import flatten

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from hub.asked import Query
    from hub.live.parts import Parts
    from hub.problems import Problem
    from schemas.flaws import Flaw

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)

CLAIMS = web.RequestKey("claims", Claims)
ALLOWED = "GET, HEAD, OPTIONS"


class Misasked(Exception):
    """A query with flaws; the gateway's framework refuses such a one by its status."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__("the query has flaws")
        self.flaws = flaws


def claims_of(request: web.Request) -> Claims:
    """What the door found the caller's token to say."""
    return request[CLAIMS]


def asked_for(request: web.Request, query: Query) -> dict[str, Any]:
    """
    The query as its shape builds it.

    Raises:
        Misasked: every flaw of it.
    """
    return dict(_built(query, request.query_string))


@lru_cache(maxsize=1024)
def _built(query: Query, written: str) -> Mapping[str, Any]:
    """Most readers ask for the same, and then have one filter; a copy for each would cost more than the reader."""
    pairs = parse_qsl(written, keep_blank_values=True)
    try:
        refuse_repeated(name for name, _ in pairs)
        built: dict[str, Any] = query.load(dict(pairs))
    except ValidationError as error:
        raise Misasked(tuple(flatten(error.messages))) from None
    return built


def door(parts: Parts) -> Any:
    """The one middleware: unmatched paths go through it too, so that they tell a stranger nothing."""

    @web.middleware
    async def enter(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            request[CLAIMS] = parts.tokens.verify(bearer(request.headers.get("Authorization", "")), parts.now())
            parts.rates.spend("read", claims_of(request).agency)
            return await handler(request)
        except HubError as error:
            return _answered(request, problems.of_error(error))
        except Misasked as error:
            return _answered(request, problems.of_http(422, error.flaws))
        except web.HTTPException as refusal:
            allowed = {"Allow": ALLOWED} if refusal.status == 405 else {}
            return _answered(request, problems.of_http(refusal.status, headers=allowed))
        except Exception as error:  # as the gateway does: a mistake of ours tells nobody what it was
            logger.error("unforeseen %s", type(error).__name__, exc_info=problems.without_words(error))
            return _answered(request, problems.INTERNAL)

    return enter


def _answered(request: web.Request, problem: Problem) -> web.Response:
    language = preferred(",".join(request.headers.getall("Accept-Language", ())))
    headers = {**problems.HARDENED, "Content-Language": language, **problem.headers}
    return web.Response(
        body=problem.body(language), status=problem.status, content_type=problems.MEDIA_TYPE, headers=headers
    )
