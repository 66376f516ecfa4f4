"""From a request's `Authorization` to who asks: the same way in for every process that answers agencies. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.authority import scopes_of
from hub.directory import epoch_of
from hub.errors import NotAuthenticated
from hub.principal import Principal
from hub.reading import Asking

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hub.picture import Picture
    from hub.tokens import Claims


def bearer(authorization: str) -> str:
    """
    The token of an `Authorization` header (RFC 6750 section 2.1).

    Raises:
        NotAuthenticated: it holds none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(missing=True)
    return token


def joined(claims: Claims, picture: Picture, at: datetime) -> Asking | None:
    """The claims joined with their agency and person as the picture has them; None: they may not ask by it."""
    view = picture.view
    agency = view.rules.directory.active(claims.agency)
    person = view.rules.directory.acting(claims.person) if claims.person else None
    if claims.person and (person is None or person.agency != claims.agency):
        return None
    if agency is None or claims.epoch != epoch_of(agency, person):
        return None
    principal = Principal(
        agency=agency,
        client_id=claims.client_id,
        scopes=claims.scopes if person is None else claims.scopes & scopes_of(person.roles),
        person=person,
        jurisdictions=claims.jurisdictions,
        purpose=claims.purpose,
    )
    return Asking(principal, picture, view, at)


def enter(claims: Claims, picture: Picture, refresh: Callable[[], object], now: Callable[[], datetime]) -> Asking:
    """
    `joined`, and once more after a `refresh`: an unknown agency or epoch may be newer than the picture.

    Raises:
        NotAuthenticated: they may not ask by the present one either.
    """
    asking = joined(claims, picture, now())
    if asking is None:
        refresh()
        asking = joined(claims, picture, now())
    if asking is None:
        raise NotAuthenticated
    return asking
