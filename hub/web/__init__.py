"""The gateway: the only package that speaks Flask. Views parse, call one use case, and dump."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request
from flask_swagger_ui import get_swaggerui_blueprint

from hub.problems import HARDENED
from hub.web import (
    acks,
    agencies,
    agreements,
    alerts,
    attestations,
    cases,
    consents,
    control,
    credentials,
    cuts,
    decisions,
    disclosures,
    escalations,
    events,
    feed,
    grants,
    mail_pages,
    me,
    notes,
    oauth,
    persons,
    problems,
    public,
    publish_rights,
    published,
    receipts,
    rejections,
    reviews,
    shapes,
    subscriptions,
    tree,
)
from hub.web.auth import authenticate
from hub.web.bodies import MAX_BODY_BYTES
from hub.web.metrics import count_requests

if TYPE_CHECKING:
    from hub.web.hub import Hub

BLUEPRINTS = (
    oauth.bp,
    feed.bp,
    events.bp,
    acks.bp,
    notes.bp,
    control.bp,
    alerts.bp,
    cases.bp,
    me.bp,
    rejections.bp,
    published.bp,
    agencies.bp,
    consents.bp,
    decisions.bp,
    disclosures.bp,
    receipts.bp,
    escalations.bp,
    tree.bp,
    persons.bp,
    credentials.bp,
    publish_rights.bp,
    attestations.bp,
    cuts.bp,
    agreements.bp,
    grants.bp,
    reviews.bp,
    subscriptions.bp,
    public.bp,
    mail_pages.bp,
)

# Request bodies that views parse strictly themselves, by their names in OpenAPI.
BODIES = {
    "AckBody": shapes.AckBody,
    "NoteBody": shapes.NoteBody,
    "RecallBody": shapes.RecallBody,
    "LabelBody": shapes.LabelBody,
    "Agency": agencies.NEW,
    "AgencyChange": agencies.CHANGE,
    "Standing": agencies.STANDING,
    "Person": persons.NEW,
    "Roles": persons.ROLES,
    "Key": persons.KEY,
    "Reason": persons.REASON,
    "Nothing": persons.NOTHING,
    "Credential": credentials.NEW,
    "CredentialChange": credentials.CHANGE,
    "PublishRight": publish_rights.NEW,
    "RightState": publish_rights.STATE,
    "Attestation": attestations.NEW,
    "Cut": cuts.CUT,
    "Agreement": agreements.NEW,
    "Grant": grants.NEW,
    "GrantVersion": grants.NEXT,
    "GrantApproval": grants.APPROVAL,
    "GrantHalt": grants.HALT,
    "Review": reviews.NEW,
    "Consent": consents.NEW,
    "Subscription": subscriptions.NEW,
    "SubscriptionChange": subscriptions.CHANGE,
    "SubscriptionState": subscriptions.STATE,
    "SubscriptionRecovery": subscriptions.RECOVERY,
    "SubscriptionPreview": subscriptions.PREVIEW,
}

DESCRIPTION = (
    "Missing-child and trafficking alerts between agencies. Every answer holds exactly what the caller's token, "
    "the grants in force, the originator's label and the law allow; what is not allowed looks like what is not there."
)

# Swagger UI writes its own style attributes and one inline script; everything it loads is in the pinned wheel.
_DOCS_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


def create_app(hub: Hub) -> Flask:
    """The gateway of one node."""
    app = Flask("puente", static_folder=None)
    app.config.update(
        API_TITLE=f"Puente, node {hub.node}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES + 1,
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION, "license": {"name": "Apache-2.0"}},
            "security": [{"token": []}],
        },
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["puente"] = hub
    count_requests(app)  # first, so that its clock runs while a token is verified
    app.before_request(authenticate)
    app.after_request(_harden)
    api = problems.ProblemApi(app)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"})
    api.spec.components.schema("Event", published.event_component())
    for name, schema in BODIES.items():
        api.spec.components.schema(name, schema=schema)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    problems.register(app)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json", config={"app_name": f"Puente {hub.node}"}))
    return app


def _harden(response: Response) -> Response:
    for name, value in HARDENED.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/docs"):
        response.headers["Content-Security-Policy"] = f"{_DOCS_POLICY}; frame-ancestors 'none'"
    return response
