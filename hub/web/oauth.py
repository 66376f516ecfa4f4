"""The token endpoint (RFC 6749, 7523, 8707), its keys (RFC 7517) and its metadata (RFC 8414, 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import orjson
from flask import Response, request
from flask_smorest import Blueprint

from hub.clients import TokenRequest, give_token
from hub.errors import ClientRefused
from hub.principal import SCOPES
from hub.store import connection
from hub.web import shapes
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.web.hub import Hub

bp = Blueprint("oauth", __name__, description="Tokens")

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_FORM_BYTES = 20_000
TWO_WAYS = Text("one way to prove yourself, not two", "una forma de acreditarse, no dos")


@bp.post("/oauth/token")
@bp.doc(security=[], summary="Exchange a client assertion for an access token")
@bp.response(200, shapes.Token)
def token() -> Response:
    """
    `grant_type=client_credentials` with `private_key_jwt`, or `jwt-bearer`; `resource` names the audience.

    Stock Kafka clients: `client_credentials` with a secret, in the header or the form; it gives tokens for Kafka alone.
    """
    hub = current_hub()
    hub.rates.spend("token", request.remote_addr or "")
    asked = _request(hub)  # first, so that a senseless form holds no connection
    with connection(hub.pool) as conn:
        given = give_token(conn, hub.picture, hub.grantor, asked, hub.now())
    body = {"access_token": given.token, "token_type": "Bearer", "expires_in": given.ttl_s, "scope": given.scope}
    return json_response(orjson.dumps(body).decode())


def _request(hub: Hub) -> TokenRequest:
    if (request.content_length or MAX_FORM_BYTES + 1) > MAX_FORM_BYTES:
        raise ClientRefused("invalid_request", Text("form missing or too long", "formulario ausente o muy largo"))
    form = request.form
    if any(len(form.getlist(name)) > 1 for name in form):
        raise ClientRefused("invalid_request", Text("a parameter is repeated", "un parámetro está repetido"))
    grant_type = form.get("grant_type")
    client_id, secret = _shown_secret() if grant_type == "client_credentials" else ("", "")
    has_assertion = "client_assertion" in form or "client_assertion_type" in form
    if secret and has_assertion:
        raise ClientRefused("invalid_request", TWO_WAYS)
    assertion = ""
    if grant_type == "client_credentials" and form.get("client_assertion_type") == ASSERTION_TYPE:
        assertion = form.get("client_assertion", "")
    elif grant_type == JWT_BEARER:
        assertion = form.get("assertion", "")
    elif not secret:
        raise ClientRefused(
            "unsupported_grant_type",
            Text(
                "use client_credentials with private_key_jwt or a secret, or jwt-bearer",
                "use client_credentials con private_key_jwt o un secreto, o jwt-bearer",
            ),
        )
    return TokenRequest(
        assertion=assertion,
        client_id=client_id,
        secret=secret,
        resource=_resource() or f"{hub.node}/{'kafka' if secret else 'api'}",
        scope=form.get("scope", ""),
        jurisdictions=form.get("jurisdictions", ""),
        purpose=form.get("purpose") or None,
    )


def _resource() -> str:
    """What the token is for. Stock clients that name no resource (RFC 8707) can be given an address that does."""
    return request.form.get("resource") or request.args.get("resource", "")


def _shown_secret() -> tuple[str, str]:
    """
    The id and secret of a client that proves itself so, in the header or in the form (RFC 6749 section 2.3.1).

    Raises:
        ClientRefused: in both.
    """
    form, header = request.form, request.authorization
    in_form = form.get("client_id", ""), form.get("client_secret", "")
    if header is None or header.type != "basic":
        return in_form if all(in_form) else ("", "")
    if in_form[1]:
        raise ClientRefused("invalid_request", TWO_WAYS)
    return unquote_plus(header.username or ""), unquote_plus(header.password or "")


@bp.get("/.well-known/jwks.json")
@bp.doc(security=[])
@bp.response(200)
def jwks() -> dict[str, Any]:
    """The keys that tokens of this node are signed with."""
    return {"keys": [current_hub().grantor.issuer.key.jwk]}


@bp.get("/.well-known/oauth-authorization-server")
@bp.doc(security=[])
@bp.response(200)
def authorization_server() -> dict[str, Any]:
    """RFC 8414."""
    hub = current_hub()
    return {
        "issuer": hub.grantor.issuer.name,
        "token_endpoint": f"{hub.url}/oauth/token",
        "jwks_uri": f"{hub.url}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials", JWT_BEARER],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
    }


@bp.get("/.well-known/oauth-protected-resource")
@bp.doc(security=[])
@bp.response(200)
def protected_resource() -> dict[str, Any]:
    """RFC 9728."""
    hub = current_hub()
    return {
        "resource": f"{hub.node}/api",
        "authorization_servers": [hub.grantor.issuer.name],
        "jwks_uri": f"{hub.url}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
    }
