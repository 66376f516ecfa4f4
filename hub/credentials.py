"""Clients of agencies' machines: each with a key of its own, given by the agency's people and by nobody else.

A client reads what its agency may read, so an operator gives none to another agency; cutting one off is for both.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub import acts, client_keys, reminders
from hub.agency_rows import CLIENT_ID
from hub.authority import READ_CREDENTIALS, WRITE_CREDENTIALS, is_operator, may_administer, may_keep, may_use
from hub.errors import Invalid, NotVisible
from hub.policy import Decision
from hub.store import agencies, credentials
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from hub.directory import Credential
    from hub.reading import Asking
    from hub.store import Connection

USUAL_LIFE = timedelta(days=365)
SECRET_BYTES = 32
LONGEST_LIFE = timedelta(days=3 * 365)  # NIST SP 800-57 part 1: one to three years for a private authentication key
TAKEN = Text("this id is taken", "este id ya está en uso")
NO_SECRETS = Decision(
    False, Text("no secrets for agencies of this kind", "sin secretos para agencias de este tipo", code="no-secrets")
)
NO_SECRET = Text("it has no secret", "no tiene secreto")
DISABLED = Text("disabled already", "ya está deshabilitado")
LIFE = Text(
    "a key ends later than now, and within three years",
    "una clave termina después de ahora y antes de tres años",
    code="life",
)


def agency_of(client_id: str) -> str:
    """The agency that an id names, whether or not there is such a client."""
    return client_id.partition(".")[0]


def shown(client: Credential, at: datetime) -> dict[str, Any]:
    """A client as those see it who may; `warning_days` is the threshold before its end that it has come to."""
    return {
        "client_id": client.client_id,
        "agency": client.agency,
        "scopes": sorted(client.scopes),
        "jurisdictions": list(client.jurisdictions),
        "expires_at": None if client.expires_at is None else client.expires_at.isoformat(),
        "is_enabled": client.is_enabled,
        "warning_days": None if client.expires_at is None else reminders.threshold(client.expires_at, at),
        "version": client.version,
    }


def _noted(client: Credential) -> Mapping[str, Any]:
    return {
        "scopes": sorted(client.scopes),
        "jurisdictions": list(client.jurisdictions),
        "expires_at": None if client.expires_at is None else client.expires_at.isoformat(),
        "is_enabled": client.is_enabled,
    }


def list_credentials(
    conn: Connection, asking: Asking, *, agency: str | None, after: str, limit: int
) -> list[Credential]:
    """Machines' clients in order of ids: operators see all, others those of their own agency."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_CREDENTIALS), READ_CREDENTIALS)
    own = agency if is_operator(asking.principal) else asking.principal.agency.id
    if agency is not None and agency != own:
        return []
    return credentials.of_machines(conn, agency=own, after=after, limit=limit)


def read_credential(conn: Connection, asking: Asking, client_id: str) -> Credential:
    """
    One client.

    Raises:
        NotVisible: there is none, or of an agency that is not the caller's.
    """
    return _held(conn, asking, READ_CREDENTIALS, "credential.read", client_id)


def add(conn: Connection, asking: Asking, wanted: Credential) -> Credential:
    """
    Register a client of one's own agency.

    Raises:
        Denied: not the caller's to do. Conflict: the id is taken.
        Invalid: the key or its end cannot be used.
    """
    client = _usable(wanted, asking.at)
    may = may_keep(asking.principal, WRITE_CREDENTIALS, client.agency)
    clash = TAKEN if may.is_allowed and credentials.locked(conn, client.client_id) else None
    acts.require(conn, asking, "credential.add", may, of=client.client_id, after=_noted(client), clash=clash)
    if not credentials.add(conn, client):
        raise Invalid((flaw("/client_id", TAKEN),))  # by somebody who was quicker
    client_keys.require_own(conn, client.client_id)
    return client


def replace_credential(conn: Connection, asking: Asking, wanted: Credential, *, expected: int) -> Credential:
    """
    Put another key, and what goes with it, in the place of a client's; earlier tokens and its secret are void.

    Raises:
        Denied, NotVisible, Outdated: as everywhere. Invalid: the key or its end cannot be used.
    """
    client = _usable(wanted, asking.at)
    present = _held(conn, asking, WRITE_CREDENTIALS, "credential.replace", client.client_id)
    may = may_keep(asking.principal, WRITE_CREDENTIALS, client.agency)
    before, after = _noted(present), _noted(client)
    acts.require(conn, asking, "credential.replace", may, of=client.client_id, before=before, after=after)
    acts.require_version(present.version, expected)
    agencies.give_credential(conn, client)
    credentials.drop_secret(conn, client.client_id)
    client_keys.require_own(conn, client.client_id)
    return replace(client, version=present.version + 1)


def disable(conn: Connection, asking: Asking, client_id: str, reason: str) -> Credential:
    """
    No token for this client any more, and none that it has counts; one person is enough.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there. Conflict: it is disabled.
    """
    present = _held(conn, asking, WRITE_CREDENTIALS, "credential.disable", client_id)
    may = may_administer(asking.principal, WRITE_CREDENTIALS, present.agency)
    after = {"is_enabled": False, "reason": reason}
    clash = None if present.is_enabled else DISABLED
    acts.require(
        conn, asking, "credential.disable", may, of=client_id, before=_noted(present), after=after, clash=clash
    )
    credentials.disable(conn, present)
    return replace(present, is_enabled=False, version=present.version + 1)


def give_secret(conn: Connection, asking: Asking, client_id: str, without: Collection[str]) -> str:
    """
    A secret for a stock client that can hold no key, in the place of an earlier one; it is shown now and never again.

    It gets tokens for Kafka alone, and none for agencies of the kinds `without`.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there. Conflict: the client is disabled.
    """
    present = _held(conn, asking, WRITE_CREDENTIALS, "credential.secret", client_id)
    may = may_keep(asking.principal, WRITE_CREDENTIALS, present.agency)
    if may.is_allowed and asking.principal.agency.kind in without:
        may = NO_SECRETS
    clash = None if present.is_enabled else DISABLED
    acts.require(conn, asking, "credential.secret", may, of=client_id, after={"secret": "made"}, clash=clash)
    made = secrets.token_urlsafe(SECRET_BYTES)
    credentials.put_secret(conn, client_id, client_keys.digest_of(made))
    return made


def end_secret(conn: Connection, asking: Asking, client_id: str) -> None:
    """
    No token for this client any more but by its key.

    Raises:
        Denied, NotVisible: not the caller's to do, or not there. Conflict: it has no secret.
    """
    present = _held(conn, asking, WRITE_CREDENTIALS, "credential.secret", client_id)
    may = may_administer(asking.principal, WRITE_CREDENTIALS, present.agency)
    clash = None if credentials.secret(conn, client_id) else NO_SECRET
    acts.require(conn, asking, "credential.secret", may, of=client_id, after={"secret": "ended"}, clash=clash)
    credentials.drop_secret(conn, client_id)


def _usable(client: Credential, at: datetime) -> Credential:
    ends = client.expires_at or at + USUAL_LIFE
    if not at < ends <= at + LONGEST_LIFE:
        raise Invalid((flaw("/expires_at", LIFE),))
    return replace(client, public_key_pem=client_keys.readable(client.public_key_pem), expires_at=ends)


def _held(conn: Connection, asking: Asking, scope: str, action: str, client_id: str) -> Credential:
    """The client, locked, if the caller may know of it: decided by the id alone, so that no answer tells more."""
    if not CLIENT_ID.fullmatch(client_id):  # what goes into the audit is an id, whoever wrote it
        raise NotVisible
    agency = agency_of(client_id)
    may = may_administer(asking.principal, scope, agency)
    if not may.is_allowed:
        acts.require(conn, asking, action, may, of=client_id, hides=agency != asking.principal.agency.id)
    client = credentials.locked(conn, client_id)
    if client is None or client.person is not None:
        acts.require(conn, asking, action, acts.NOTHING, of=client_id, hides=True)
        raise NotVisible
    return client
