"""Authentication: one hook before every request, and a short list of what answers without a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flask import g, request

from hub.entrance import bearer, enter
from hub.errors import Unavailable
from hub.picture import Stale
from hub.store import administration, connection
from hub.web.hub import Hub, current_hub

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.reading import Asking
    from hub.store import Connection
    from hub.tokens import Claims

T = TypeVar("T")

# How often in a row the rules may change under a request before its caller is asked to come again. Where they are as
# they were, events of a new kind have come: of hundreds that acknowledge an alert each brings the first of its own.
RULES, LANES = 3, 100

# Endpoints that answer without a token; a test compares this list with what really does.
OPEN = frozenset(
    {
        "oauth.token",
        "oauth.jwks",
        "oauth.authorization_server",
        "oauth.protected_resource",
        "mail_pages.ask_to_confirm",
        "mail_pages.confirm",
        "mail_pages.ask_to_unsubscribe",
        "mail_pages.unsubscribe",
        "api-docs.openapi_json",
        "public.show_document",
        "public.show_feed",
        "published.show_schema",
        "swagger_ui.show",
    }
)


def authenticate() -> None:
    """Runs before every request, unmatched ones too, so that an unknown path tells a stranger nothing."""
    if request.endpoint in OPEN:
        return
    hub = current_hub()
    token = bearer(request.headers.get("Authorization", ""))
    g.claims = hub.tokens.verify(token, hub.now())
    g.asking = _asking(hub, g.claims)
    if request.endpoint != "events.publish":  # which budget a publish spends depends on what it says
        hub.rates.spend("read", g.claims.agency)


def _asking(hub: Hub, claims: Claims) -> Asking:
    def refresh() -> None:
        with connection(hub.pool) as conn:
            hub.picture.refresh(conn)

    return enter(claims, hub.picture, refresh, hub.now)


def act(use_case: Callable[[Connection, Asking], T]) -> T:
    """`answer` for an administrative act: one transaction, on the present rules; of a refusal its entry is kept."""
    hub = current_hub()

    def once(asking: Asking) -> T:
        with administration(hub.pool, asking.reader) as conn:
            asking.require_current(conn)
            return use_case(conn, asking)

    return answer(once)


def answer(use_case: Callable[[Asking], T]) -> T:
    """
    Run a use case for the authenticated caller; when the rules have changed under it, authenticate and ask again.

    Raises:
        NotAuthenticated: the change was the caller's own suspension.
        Unavailable: the rules changed three times in a row.
    """
    hub = current_hub()
    rules = lanes = 0
    while rules < RULES and lanes < LANES:
        before = g.asking.view.rules
        try:
            return use_case(g.asking)
        except Stale:
            with connection(hub.pool) as conn:
                hub.picture.refresh(conn)
            g.asking = _asking(hub, g.claims)
        if g.asking.view.rules is before:
            lanes += 1
        else:
            rules += 1
    raise Unavailable
