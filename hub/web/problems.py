"""The one place that answers with `application/problem+json` (RFC 9457) in Flask; what it says is `hub.problems`'s."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson
from flask import Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from hub import errors, problems
from hub.problems import MEDIA_TYPE, Problem
from hub.web.language import preferred
from schemas.flaws import Malformed, flatten

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger(__name__)


def answered(problem: Problem) -> Response:
    """A problem document in the caller's language."""
    language = preferred()
    response = Response(problem.body(language), problem.status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = language
    response.headers.update(problem.headers)
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
        if isinstance(error, RequestEntityTooLarge):
            return answered(problems.of_error(errors.TooLarge(256 * 1024)))
        messages = getattr(error, "data", {}).get("messages", {})
        flaws = tuple(flatten(messages.get("query", messages)))
        allowed = dict(error.get_headers()) if error.response is None else {}
        headers = {"Allow": allowed["Allow"]} if "Allow" in allowed else {}
        return answered(problems.of_http(error.code or 500, flaws, headers))


def register(app: Flask) -> None:
    """Every error leaves as a problem document; what nobody foresaw leaves without a word of detail."""

    @app.errorhandler(errors.HubError)
    def _refused(error: errors.HubError) -> Response:
        if isinstance(error, errors.ClientRefused):
            return of_client_refused(error)
        return answered(problems.of_error(error))

    @app.errorhandler(Malformed)
    def _malformed(error: Malformed) -> Response:
        return answered(problems.of_error(errors.Invalid(error.flaws)))

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> Response:
        logger.error("unforeseen %s", type(error).__name__, exc_info=problems.without_words(error))
        return answered(problems.INTERNAL)
