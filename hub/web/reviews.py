"""`/v1/reviews`: grants that nobody has confirmed for long are asked about."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from flask_smorest import Blueprint
from marshmallow import fields, validate

from hub import reviews
from hub.grant_rows import Row
from hub.web import grant_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_row
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

bp = Blueprint("reviews", __name__, url_prefix="/v1", description="Whether grants are still wanted")


class ReviewSchema(Row):
    """A new review: how many days its questions may stay unanswered."""

    due_days = fields.Integer(load_default=30, strict=True, validate=validate.Range(1, 365))


NEW = ReviewSchema()


@bp.post("/reviews")
@bp.doc(**shapes.body("Review"))
@bp.response(201, grant_shapes.ReviewShape)
def start_review() -> Response:
    """Ask the owners of every grant without a word of theirs within 90 days; silence ends their part when it is due."""
    due = timedelta(days=read_row(NEW)["due_days"])
    done = act(lambda conn, asking: reviews.start(conn, asking, due=due))
    response = json_response(orjson.dumps(done).decode(), 201)
    response.headers["Location"] = f"/v1/reviews/{done['id']}"
    return response


@bp.get("/reviews")
@takes(bp, grant_shapes.ReviewsQuery)
@bp.response(200, grant_shapes.Reviews)
def list_reviews(limit: int) -> Response:
    """The newest reviews, each with what concerns the caller's agency."""
    found = act(lambda conn, asking: reviews.list_reviews(conn, asking, limit=limit))
    return json_response(orjson.dumps({"reviews": found}).decode())


@bp.get("/reviews/<uuid:review_id>")
@takes(bp)
@bp.response(200, grant_shapes.ReviewShape)
def show_review(review_id: UUID) -> Response:
    """One review and what became of it."""
    told = act(lambda conn, asking: reviews.read_review(conn, asking, review_id))
    return json_response(orjson.dumps(told).decode())
