"""The language that the caller of this request prefers; by which rule is `hub.language`'s."""

from __future__ import annotations

from flask import has_request_context, request

from hub import language


def preferred() -> str:
    """`es` or `en`; English where there is no request."""
    if not has_request_context():
        return "en"
    return language.preferred(request.headers.get("Accept-Language", ""))
