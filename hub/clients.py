"""Give a client its token: `private_key_jwt` client credentials, or the assertion itself as a grant (RFC 7523)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub import tokens
from hub.errors import ClientRefused, NotAuthenticated
from hub.policy import Decision
from hub.principal import Principal
from hub.store import agencies, audit
from schemas.places import covers
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.directory import Agency, Credential
    from hub.picture import Picture
    from hub.store import Connection

# One sentence for every reason a client is not let in: which one it was is for the audit, not for a guesser.
REFUSED = Text("the client is not accepted", "el cliente no es aceptado")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a client asks for; empty fields ask for all it may have. `resource` is an audience (RFC 8707)."""

    assertion: str
    resource: str
    scope: str = ""
    jurisdictions: str = ""
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Grantor:
    """The node's token endpoint: its issuer, and seconds of validity per audience."""

    issuer: tokens.Issuer
    ttl_s: dict[str, int]


@dataclass(frozen=True, slots=True)
class Given:
    """A token, its seconds of validity, and the scope it carries."""

    token: str
    ttl_s: int
    scope: str


def give_token(conn: Connection, picture: Picture, grantor: Grantor, request: TokenRequest, at: datetime) -> Given:
    """
    Authenticate the client and issue one token for one audience.

    Raises:
        ClientRefused: `invalid_client`, `invalid_scope` or `invalid_target`; what is refused is on record.
    """
    ttl_s = grantor.ttl_s.get(request.resource)
    if ttl_s is None:
        raise ClientRefused("invalid_target", Text("unknown resource", "recurso desconocido"))
    credential, agency = _authenticated(conn, picture, grantor, request.assertion, at)
    scopes = frozenset(request.scope.split()) or credential.scopes
    wanted = tuple(request.jurisdictions.split()) or credential.jurisdictions
    narrower = all(any(covers(own, code) for own in credential.jurisdictions) for code in wanted)
    if not scopes <= credential.scopes or not narrower:
        raise ClientRefused("invalid_scope", Text("more than this client may have", "más de lo que puede tener"))
    claims = {
        "client_id": credential.client_id,
        "agency": agency.id,
        "jurisdictions": list(wanted),
        "scope": " ".join(sorted(scopes)),
        "epoch": agency.epoch,
        **({"purpose": request.purpose} if request.purpose else {}),
    }
    token = grantor.issuer.issue(claims, audience=request.resource, ttl_s=ttl_s, at=at)
    principal = Principal(agency=agency, client_id=credential.client_id, scopes=scopes, purpose=request.purpose)
    issued = Decision(True, Text("client authenticated", "cliente autenticado"))
    audit.record(conn, principal, "token", issued, policy=picture.view.rules.version, subject=request.resource)
    return Given(token, ttl_s, str(claims["scope"]))


def _authenticated(
    conn: Connection, picture: Picture, grantor: Grantor, assertion: str, at: datetime
) -> tuple[Credential, Agency]:
    try:
        credential = agencies.credential(conn, tokens.client_of(assertion))
        if credential is None:
            raise NotAuthenticated
        jti, expires = tokens.verify_assertion(
            assertion, credential.public_key_pem, client_id=credential.client_id, issuer=grantor.issuer.name, at=at
        )
    except NotAuthenticated as error:
        raise ClientRefused("invalid_client", REFUSED) from error
    agency = picture.refresh(conn).rules.directory.agencies[credential.agency]
    is_over = credential.expires_at is not None and credential.expires_at <= at
    unspent = agencies.spend_assertion(conn, credential.client_id, jti, datetime.fromtimestamp(expires, UTC))
    if is_over or not credential.is_enabled or not agency.is_active or not unspent:
        principal = Principal(agency=agency, client_id=credential.client_id, scopes=frozenset())
        refused = Decision(False, REFUSED)
        audit.record(conn, principal, "token", refused, policy=picture.view.rules.version)
        raise ClientRefused("invalid_client", REFUSED)
    return credential, agency
