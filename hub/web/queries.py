"""Query parameters, read strictly: an unknown or repeated one is refused, never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import RAISE
from webargs.flaskparser import FlaskParser

from hub.web import shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_smorest import Blueprint

MOST_REMEMBERED = 4096
MOST_CHARS = 500  # of a query that is remembered


class _Remembering(FlaskParser):
    """
    Knows again a query that it has read before: who waits for news asks the same for hours, and reading a query takes
    a fourth of the processor time of an empty page. What a query comes to depends on nothing but itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[shapes.Query, bytes], dict[str, Any]] = {}

    def parse(self, argmap: Any, req: Any = None, **told: Any) -> Any:
        """What the query says; errors are found anew each time."""
        key = (argmap, request.query_string)
        known = self._known.get(key)
        if known is None:
            known = super().parse(argmap, req, **told)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            if len(key[1]) <= MOST_CHARS:
                self._known[key] = known
        return known


_PARSER = _Remembering()


def takes(bp: Blueprint, schema: type[shapes.Query] = shapes.Query) -> Callable[[Any], Any]:
    """The view's query parameters, given to it by name; without `schema` it has none."""
    bp.ARGUMENTS_PARSER = _PARSER
    # Said here as well as in the schema: for queries, webargs passes over unknown ones unless told otherwise.
    decorate: Callable[[Any], Any] = bp.arguments(schema(), location="query", as_kwargs=True, unknown=RAISE)
    return decorate
