"""The one table from errors to HTTP, and what a problem document says (RFC 9457); frameworks only send it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from hub import errors
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.flaws import Flaw

MEDIA_TYPE = "application/problem+json"

PROBLEMS: dict[type[errors.HubError], tuple[int, Text]] = {
    errors.NotAuthenticated: (401, Text("A valid token is required", "Se requiere un token válido")),
    errors.ClientRefused: (400, Text("The client is not accepted", "El cliente no es aceptado")),
    errors.Denied: (403, Text("The policy does not allow this", "La política no lo permite")),
    errors.NotVisible: (404, Text("Nothing here for you", "No hay nada aquí para usted")),
    errors.Gone: (410, Text("No longer public", "Ya no es público")),
    errors.Conflict: (409, Text("The request contradicts what is stored", "La solicitud contradice lo guardado")),
    errors.BorderRefused: (409, Text("The batch is not taken", "El lote no se acepta")),
    errors.Outdated: (412, Text("It has changed meanwhile", "Ha cambiado entretanto")),
    errors.MatchRequired: (428, Text("If-Match is required", "Se requiere If-Match")),
    errors.KeyReused: (422, Text("The Idempotency-Key is taken", "La Idempotency-Key ya está en uso")),
    errors.StillRunning: (409, Text("Still running", "Aún en curso")),
    errors.Invalid: (422, Text("The request has flaws", "La solicitud tiene defectos")),
    errors.TooLarge: (413, Text("Too large", "Demasiado grande")),
    errors.TooMany: (429, Text("Too many requests", "Demasiadas solicitudes")),
    errors.Unavailable: (503, Text("Temporarily unavailable", "No disponible por el momento")),
}

# Where a refused batch is more than a contradiction.
BORDER_STATUS = {
    "unknown-peer": 403,
    "signature": 403,
    "key-expired": 403,
    "malformed": 400,
    "too-large": 413,
    "too-many": 413,
}

# What the framework refuses before a view is reached.
HTTP_TITLES = {
    400: Text("The request cannot be read", "La solicitud no se puede leer"),
    404: Text("Nothing here for you", "No hay nada aquí para usted"),
    405: Text("This method is not offered here", "Este método no se ofrece aquí"),
    413: Text("Too large", "Demasiado grande"),
    415: Text("This media type is not understood", "Este tipo de contenido no se entiende"),
    422: Text("The request has flaws", "La solicitud tiene defectos"),
}
BROKEN = Text("Something failed here; nothing was stored", "Algo falló aquí; no se guardó nada")

# ASVS 5.0 3.4 and 14.3.2: an answer was disclosed to one reader and is for nobody else's cache or frame.
HARDENED = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is to be answered; `headers` besides those that say what the body is."""

    status: int
    slug: str
    title: Text
    detail: Text | None = None
    flaws: tuple[Flaw, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, language: str) -> bytes:
        """The document in one language."""
        told: dict[str, Any] = {
            "type": f"urn:puente:problem:{self.slug}",
            "title": self.title.in_(language),
            "status": self.status,
        }
        if self.detail is not None:
            told["detail"] = self.detail.in_(language)
        if self.flaws:
            told["errors"] = [{"path": f.path, "code": f.code, "detail": f.text.in_(language)} for f in self.flaws]
        return orjson.dumps(told)


def _slug(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def of_error(error: errors.HubError) -> Problem:
    """The answer to anything the hub itself refuses."""
    status, title = PROBLEMS[type(error)]
    slug = _slug(type(error).__name__)
    if isinstance(error, errors.BorderRefused):
        status, slug = BORDER_STATUS.get(error.code, status), f"border-{error.code}"
    return Problem(
        status=status,
        slug=slug,
        title=title,
        detail=error.text,
        flaws=error.flaws if isinstance(error, errors.Invalid) else (),
        headers=_headers(error),
    )


def _headers(error: errors.HubError) -> dict[str, str]:
    if isinstance(error, errors.NotAuthenticated):
        # RFC 6750 section 3: no error code when the request carried no token at all.
        challenge = 'Bearer realm="puente"'
        return {"WWW-Authenticate": challenge if error.missing else f'{challenge}, error="invalid_token"'}
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    return {"Retry-After": "1"} if isinstance(error, errors.Unavailable) else {}


def of_http(status: int, flaws: tuple[Flaw, ...] = (), headers: Mapping[str, str] | None = None) -> Problem:
    """The answer where a framework refuses; of a status that is not foreseen, no more than that something failed."""
    title = HTTP_TITLES.get(status, BROKEN)
    return Problem(status=status, slug=f"http-{status}", title=title, flaws=flaws, headers=headers or {})


INTERNAL = Problem(status=500, slug="internal", title=BROKEN)


def without_words(error: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    """The traceback alone, for the log: an exception's words may repeat a value."""
    bare = RuntimeError(f"{type(error).__name__} (its words are withheld)")
    return type(bare), bare, error.__traceback__
