"""Query parameters, read strictly: an unknown or repeated one is refused, never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import RAISE

from hub.web import shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_smorest import Blueprint


def takes(bp: Blueprint, schema: type[shapes.Query] = shapes.Query) -> Callable[[Any], Any]:
    """The view's query parameters, given to it by name; without `schema` it has none."""
    # Said here as well as in the schema: for queries, webargs passes over unknown ones unless told otherwise.
    decorate: Callable[[Any], Any] = bp.arguments(schema(), location="query", as_kwargs=True, unknown=RAISE)
    return decorate
