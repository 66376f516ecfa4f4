"""`GET /schemas/{type}.schema.json`: the published language, for programs that validate before they send."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response, abort
from flask_smorest import Blueprint

from schemas import export, registry

bp = Blueprint("published", __name__, url_prefix="/schemas", description="JSON Schemas of events")


@cache
def _documents() -> dict[str, str]:
    return export.documents()


@bp.get("/<name>")
@bp.doc(security=[])
@bp.response(200)
def show_schema(name: str) -> Response:
    """One event type, self-contained (JSON Schema 2020-12), with the sensitivity of every member."""
    document = _documents().get(name)
    if document is None:
        abort(404)
    return Response(document, content_type="application/schema+json")


def event_component() -> dict[str, Any]:
    """An event in OpenAPI: one of the published schemas, told apart by `type`."""
    names = {event_type: f"/schemas/{event_type}.schema.json" for event_type in registry.BODIES}
    return {
        "description": "An event; `type` says which schema it obeys.",
        "oneOf": [{"$ref": name} for name in names.values()],
        "discriminator": {"propertyName": "type", "mapping": names},
    }
