"""`/v1/credentials`: the clients of an agency's machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask import Response
from flask_smorest import Blueprint

from hub import credentials
from hub.agency_rows import CredentialChangeSchema, CredentialSchema
from hub.directory import Credential
from hub.web import people_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import json_response, page, read_row
from hub.web.hub import current_hub
from hub.web.persons import REASON
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("credentials", __name__, url_prefix="/v1", description="Keys of agencies' machines")

NEW, CHANGE = CredentialSchema(), CredentialChangeSchema()


def _client(client_id: str, told: Mapping[str, Any]) -> Credential:
    return Credential(
        client_id=client_id,
        agency=credentials.agency_of(client_id),
        public_key_pem=told["key"],
        scopes=frozenset(told["scopes"]),
        jurisdictions=tuple(told["jurisdictions"]),
        expires_at=told["expires_at"],
    )


def _shown(client: Credential) -> dict[str, Any]:
    return credentials.shown(client, current_hub().now())


@bp.get("/credentials")
@takes(bp, people_shapes.OfAgencyQuery)
@bp.response(200, people_shapes.Credentials)
def list_credentials(agency: str | None, after: str, limit: int) -> Response:
    """Machines' clients in order of ids, and which of their keys end soon; never the keys themselves."""

    def read(conn: Connection, asking: Asking) -> list[Credential]:
        return credentials.list_credentials(conn, asking, agency=agency, after=after, limit=limit)

    return page("credentials", [_shown(client) for client in act(read)], key="client_id", limit=limit)


@bp.post("/credentials")
@bp.doc(**shapes.body("Credential"))
@bp.response(201, people_shapes.CredentialShape)
def add_credential() -> Response:
    """Register a client of one's own agency with its public key; it ends within a year unless said otherwise."""
    told = read_row(NEW)
    client = _client(told["client_id"], told)
    done = act(lambda conn, asking: credentials.add(conn, asking, client))
    response = versioned(_shown(done), 201)
    response.headers["Location"] = f"/v1/credentials/{done.client_id}"
    return response


@bp.get("/credentials/<client_id>")
@takes(bp)
@bp.response(200, people_shapes.CredentialShape)
def show_credential(client_id: str) -> Response:
    """One client; its `ETag` goes into the `If-Match` of a change."""
    return versioned(_shown(act(lambda conn, asking: credentials.read_credential(conn, asking, client_id))))


@bp.put("/credentials/<client_id>")
@bp.doc(**shapes.body("CredentialChange", if_match=True))
@bp.response(200, people_shapes.CredentialShape)
def replace_credential(client_id: str) -> Response:
    """Put another key, and what goes with it, in the place of the present one; earlier tokens and secrets are void."""
    client = _client(client_id, read_row(CHANGE))
    expected = expected_version()
    return versioned(
        _shown(act(lambda conn, asking: credentials.replace_credential(conn, asking, client, expected=expected)))
    )


@bp.post("/credentials/<client_id>/secret")
@bp.response(201, people_shapes.ClientSecret)
def give_secret(client_id: str) -> Response:
    """
    A secret for a stock Kafka client that can hold no key, in the place of an earlier one; shown this once.

    With it the token endpoint gives tokens for Kafka alone, with the scope `events:read`.
    """
    without = current_hub().grantor.no_secrets_for
    secret = act(lambda conn, asking: credentials.give_secret(conn, asking, client_id, without))
    return json_response(orjson.dumps({"client_id": client_id, "client_secret": secret}).decode(), 201)


@bp.delete("/credentials/<client_id>/secret")
@bp.response(204)
def end_secret(client_id: str) -> Response:
    """No token any more but by the client's key."""
    act(lambda conn, asking: credentials.end_secret(conn, asking, client_id))
    return Response(status=204)


@bp.post("/credentials/<client_id>/end")
@bp.doc(**shapes.body("Reason"))
@bp.response(200, people_shapes.CredentialShape)
def disable_credential(client_id: str) -> Response:
    """Disable a client, at once and whatever its version."""
    reason = read_row(REASON)["reason"]
    return versioned(_shown(act(lambda conn, asking: credentials.disable(conn, asking, client_id, reason))))
