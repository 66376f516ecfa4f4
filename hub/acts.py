"""Administrative acts: decided, put on record with what was and what is to be, required, and only then done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.errors import Conflict, Denied, NotVisible, Outdated
from hub.policy import Decision
from hub.store import audit
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.reading import Asking
    from hub.store import Connection

NOTHING = Decision(False, Text("no such thing, or not the caller's", "no existe, o no es de quien pregunta"))


def require(
    conn: Connection,
    asking: Asking,
    action: str,
    decision: Decision,
    *,
    of: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    hides: bool = False,
    clash: Text | None = None,
) -> None:
    """
    Put the decision about an act on record, with who acts; go on only if it was allowed.

    `of` names what it is done to; `before` and `after` hold what changes, never a person's data. `hides`: the caller
    may not even know that the thing exists. `clash`: allowed, and yet what is stored contradicts it.

    Raises:
        Denied, NotVisible: the decision went against the caller; the entry is kept.
        Conflict: with `clash`; the entry is kept.
    """
    if decision.is_allowed and clash is not None:
        decision = Decision(False, clash)
    else:
        clash = None
    detail = {"before": before, "after": after} if decision.is_allowed else None
    policy = asking.view.rules.version
    audit.record(conn, asking.principal, action, decision, policy=policy, subject=of, detail=detail)
    if decision.is_allowed:
        return
    if clash is not None:
        raise Conflict(clash)
    if hides:
        raise NotVisible
    raise Denied(decision.reason)


def require_reading(conn: Connection, asking: Asking, decision: Decision, scope: str) -> None:
    """
    Go on if the caller may read; only a refusal is put on record.

    Raises:
        Denied: it may not.
    """
    if not decision.is_allowed:
        audit.record(conn, asking.principal, scope, decision, policy=asking.view.rules.version)
        raise Denied(decision.reason)


def require_version(present: int, expected: int) -> None:
    """
    The caller has seen the version that it changes (If-Match).

    Raises:
        Outdated: somebody has changed it meanwhile.
    """
    if present != expected:
        raise Outdated


def actor(asking: Asking) -> str:
    """The person who acts; only called where the decision has required one."""
    person = asking.principal.person
    assert person is not None  # noqa: S101 - hub.authority.may_use denies everybody else
    return person.id
