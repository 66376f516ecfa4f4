"""The language of an answer's words: English or Spanish, by `Accept-Language` (RFC 9110 section 12.5.4)."""

from __future__ import annotations

from flask import has_request_context, request


def preferred() -> str:
    """`es` or `en`; English where the client names neither."""
    if not has_request_context():
        return "en"
    return request.accept_languages.best_match(["en", "es"], default="en") or "en"
