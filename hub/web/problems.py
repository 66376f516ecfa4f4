"""The one table from errors to HTTP, and the one place that builds `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from hub import errors
from hub.web.language import preferred
from schemas.flaws import Flaw, Malformed, flatten
from schemas.texts import Text

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger(__name__)

PROBLEMS: dict[type[errors.HubError], tuple[int, Text]] = {
    errors.NotAuthenticated: (401, Text("A valid token is required", "Se requiere un token válido")),
    errors.ClientRefused: (400, Text("The client is not accepted", "El cliente no es aceptado")),
    errors.Denied: (403, Text("The policy does not allow this", "La política no lo permite")),
    errors.NotVisible: (404, Text("Nothing here for you", "No hay nada aquí para usted")),
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


def _slug(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def problem(
    status: int, slug: str, title: Text, *, detail: Text | None = None, flaws: tuple[Flaw, ...] = ()
) -> Response:
    """A problem document in the caller's language."""
    language = preferred()
    body: dict[str, Any] = {"type": f"urn:puente:problem:{slug}", "title": title.in_(language), "status": status}
    if detail is not None:
        body["detail"] = detail.in_(language)
    if flaws:
        body["errors"] = [{"path": f.path, "code": f.code, "detail": f.text.in_(language)} for f in flaws]
    response = Response(orjson.dumps(body), status, content_type="application/problem+json")
    response.headers["Content-Language"] = language
    return response


def of_error(error: errors.HubError) -> Response:
    """The answer to anything the hub itself refuses."""
    status, title = PROBLEMS[type(error)]
    flaws = error.flaws if isinstance(error, errors.Invalid) else ()
    slug = _slug(type(error).__name__)
    if isinstance(error, errors.BorderRefused):
        status, slug = BORDER_STATUS.get(error.code, status), f"border-{error.code}"
    response = problem(status, slug, title, detail=error.text, flaws=flaws)
    if isinstance(error, errors.NotAuthenticated):
        # RFC 6750 section 3: no error code when the request carried no token at all.
        challenge = 'Bearer realm="puente"'
        response.headers["WWW-Authenticate"] = challenge if error.missing else f'{challenge}, error="invalid_token"'
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.Unavailable):
        response.headers["Retry-After"] = "1"
    return response


def of_client_refused(error: errors.ClientRefused) -> Response:
    """The token endpoint speaks OAuth (RFC 6749 section 5.2), not problem documents."""
    body = {"error": error.code, "error_description": error.text.in_(preferred())}
    status = 401 if error.code == "invalid_client" else 400
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": 'Basic realm="puente"'} if status == 401 else {})
    return Response(orjson.dumps(body), status, content_type="application/json", headers=headers)


class ProblemApi(Api):
    """flask-smorest with its own error shape replaced by ours."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Everything that werkzeug and flask-smorest abort with."""
        status = error.code or 500
        if isinstance(error, RequestEntityTooLarge):
            return of_error(errors.TooLarge(256 * 1024))
        messages = getattr(error, "data", {}).get("messages", {})
        flaws = tuple(flatten(messages.get("query", messages)))
        response = problem(status, f"http-{status}", HTTP_TITLES.get(status, BROKEN), flaws=flaws)
        if error.response is None and "Allow" in dict(error.get_headers()):
            response.headers["Allow"] = dict(error.get_headers())["Allow"]
        return response


def register(app: Flask) -> None:
    """Every error leaves as a problem document; what nobody foresaw leaves without a word of detail."""

    @app.errorhandler(errors.HubError)
    def _refused(error: errors.HubError) -> Response:
        return of_client_refused(error) if isinstance(error, errors.ClientRefused) else of_error(error)

    @app.errorhandler(Malformed)
    def _malformed(error: Malformed) -> Response:
        return of_error(errors.Invalid(error.flaws))

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> Response:
        # The traceback alone: an exception's words may repeat a value.
        logger.error("unforeseen %s", type(error).__name__, exc_info=_without_words(error))
        return problem(500, "internal", BROKEN)


def _without_words(error: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    bare = RuntimeError(f"{type(error).__name__} (its words are withheld)")
    return type(bare), bare, error.__traceback__
