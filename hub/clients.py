"""Give a client its token: `private_key_jwt` client credentials, or the assertion itself as a grant (RFC 7523).

Stock Kafka clients that can hold no key show a secret (RFC 6749 section 2.3.1), for which they get less.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub import tokens
from hub.agency_rows import CLIENT_ID
from hub.authority import scopes_of
from hub.client_keys import digest_of
from hub.directory import epoch_of
from hub.errors import ClientRefused, NotAuthenticated
from hub.policy import Decision
from hub.principal import READ, Principal
from hub.store import agencies, audit, credentials, speak_for
from schemas.places import covers, is_jurisdiction
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.directory import Agency, Credential
    from hub.picture import Picture
    from hub.store import Connection

# One sentence for every reason a client is not let in: which one it was is for the audit, not for a guesser.
REFUSED = Text("the client is not accepted", "el cliente no es aceptado")
WIDER = Text("more than this client may have", "más de lo que puede tener")
AUTHENTICATED = Text("client authenticated", "cliente autenticado")
NOT_A_PURPOSE = Text("a purpose is a short word such as locate-child", "un fin es una palabra corta como locate-child")

PURPOSE = re.compile(r"[a-z][a-z0-9-]{1,63}")  # as grants state theirs; it goes into every audit entry
MAX_TOKEN_JURISDICTIONS = 100  # of schemas.claims


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """
    What a client asks for; empty fields ask for all it may have. `resource` is an audience (RFC 8707).

    It proves itself by an assertion, or by its id and a secret.
    """

    resource: str
    assertion: str = ""
    client_id: str = ""
    secret: str = field(default="", repr=False)
    scope: str = ""
    jurisdictions: str = ""
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Grantor:
    """
    The node's token endpoint: its issuer, seconds of validity per audience, and audiences that no person gets.

    Those, and with `events:read` alone, are what a client gets for a secret, but for agencies of the kinds
    `no_secrets_for`.
    """

    issuer: tokens.Issuer
    ttl_s: dict[str, int]
    machines_only: frozenset[str] = frozenset()
    no_secrets_for: frozenset[str] = frozenset()


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
        ClientRefused: `invalid_client`, `invalid_scope`, `invalid_target` or `invalid_request`; that a known client
            was refused is on record.
    """
    ttl_s = grantor.ttl_s.get(request.resource)
    if ttl_s is None:
        raise ClientRefused("invalid_target", Text("unknown resource", "recurso desconocido"))
    if request.purpose is not None and PURPOSE.fullmatch(request.purpose) is None:
        raise ClientRefused("invalid_request", NOT_A_PURPOSE)
    if request.secret and request.resource not in grantor.machines_only:
        raise ClientRefused("invalid_target", Text("a secret is for Kafka alone", "un secreto es solo para Kafka"))
    credential, agency = _authenticated(conn, picture, grantor, request, at)
    person = picture.view.rules.directory.acting(credential.person) if credential.person else None
    if person is not None and request.resource in grantor.machines_only:
        raise ClientRefused("invalid_target", Text("not for persons", "no es para personas"))
    most = credential.scopes if person is None else scopes_of(person.roles)
    if request.secret:
        most &= {READ}
    scopes = frozenset(request.scope.split()) or most
    wanted = tuple(dict.fromkeys(request.jurisdictions.split())) or credential.jurisdictions
    may_have = bool(scopes) and scopes <= most and _all_within(wanted, credential.jurisdictions)
    principal = Principal(
        agency=agency, client_id=credential.client_id, scopes=scopes, purpose=request.purpose, person=person
    )
    decision = Decision(may_have, AUTHENTICATED if may_have else WIDER)
    audit.record(conn, principal, "token", decision, policy=picture.view.rules.version, subject=request.resource)
    if not may_have:
        raise ClientRefused("invalid_scope", WIDER)
    claims = {
        "client_id": credential.client_id,
        "sub": f"{tokens.PERSON}{person.id}" if person is not None else credential.client_id,
        "agency": agency.id,
        "jurisdictions": list(wanted),
        "scope": " ".join(sorted(scopes)),
        "epoch": epoch_of(agency, person),
        **({"purpose": request.purpose} if request.purpose else {}),
    }
    token = grantor.issuer.issue(claims, audience=request.resource, ttl_s=ttl_s, at=at)
    return Given(token, ttl_s, str(claims["scope"]))


def _all_within(wanted: tuple[str, ...], held: tuple[str, ...]) -> bool:
    known = len(wanted) <= MAX_TOKEN_JURISDICTIONS and all(map(is_jurisdiction, wanted))
    return known and all(any(covers(own, code) for own in held) for code in wanted)


def _authenticated(
    conn: Connection, picture: Picture, grantor: Grantor, request: TokenRequest, at: datetime
) -> tuple[Credential, Agency]:
    try:
        client_id = _named(request.client_id) if request.secret else tokens.client_of(request.assertion)
        credential = agencies.credential(conn, client_id)
    except NotAuthenticated as error:
        raise ClientRefused("invalid_client", REFUSED) from error
    if credential is None:
        raise ClientRefused("invalid_client", REFUSED)
    speak_for(conn, credential.agency)  # what follows is put on record under its name
    directory = picture.refresh(conn).rules.directory
    agency = directory.agencies[credential.agency]
    may_act = agency.is_active and (credential.person is None or directory.acting(credential.person) is not None)
    if request.secret:
        is_proven = _knows_secret(conn, credential, request.secret) and agency.kind not in grantor.no_secrets_for
    else:
        is_proven = _holds_key(conn, credential, grantor, request.assertion, at)
    is_over = credential.expires_at is not None and credential.expires_at <= at
    if not (is_proven and may_act and credential.is_enabled) or is_over:
        principal = Principal(agency=agency, client_id=credential.client_id, scopes=frozenset())
        audit.record(conn, principal, "token", Decision(False, REFUSED), policy=picture.view.rules.version)
        raise ClientRefused("invalid_client", REFUSED)
    return credential, agency


def _named(client_id: str) -> str:
    if CLIENT_ID.fullmatch(client_id) is None:
        raise NotAuthenticated
    return client_id


def _knows_secret(conn: Connection, credential: Credential, secret: str) -> bool:
    """Whether this is the secret of a machine; who has none takes as long."""
    kept = credentials.secret(conn, credential.client_id) or bytes(32)
    return hmac.compare_digest(digest_of(secret), kept) and credential.person is None


def _holds_key(conn: Connection, credential: Credential, grantor: Grantor, assertion: str, at: datetime) -> bool:
    """Whether the client holds its key, and this assertion was not used before."""
    try:
        jti, expires = tokens.verify_assertion(
            assertion, credential.public_key_pem, client_id=credential.client_id, issuer=grantor.issuer.name, at=at
        )
    except NotAuthenticated:
        return False
    return agencies.spend_assertion(conn, credential.client_id, jti, datetime.fromtimestamp(expires, UTC))
