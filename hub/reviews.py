"""Access reviews: grants that nobody has confirmed for long are asked about, and lapse without an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub import acts
from hub.authority import READ_GRANTS, WRITE_REVIEWS, is_operator, may_use
from hub.directory import Role
from hub.errors import NotVisible
from hub.granting import sees_all
from hub.policy import Decision
from hub.store import reviews
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.reviews import Review

CONFIRMED_FOR = timedelta(days=90)


def start(conn: Connection, asking: Asking, *, due: timedelta) -> dict[str, Any]:
    """
    Ask the owners of every grant that stands and has no word of theirs within 90 days; an admin, of its own agency's.

    Raises:
        Denied: the caller is neither operator nor admin.
    """
    decision = may_use(asking.principal, WRITE_REVIEWS)
    due_at = asking.at + due
    agency = None if is_operator(asking.principal) else asking.principal.agency.id
    after = {"due_at": due_at.isoformat(), "of": agency}
    acts.require(conn, asking, "review.start", decision, of=agency or "node", after=after)
    asked = reviews.unconfirmed(conn, agency=agency, before=asking.at - CONFIRMED_FOR, at=asking.at)
    review = reviews.start(conn, acts.actor(asking), due_at, asked)
    return _shown(conn, asking, review)


def list_reviews(conn: Connection, asking: Asking, *, limit: int) -> list[dict[str, Any]]:
    """The last reviews, newest first, each with what of it concerns the caller."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    return [_shown(conn, asking, review) for review in reviews.newest(conn, limit)]


def read_review(conn: Connection, asking: Asking, review_id: UUID) -> dict[str, Any]:
    """
    One review and what became of it.

    Raises:
        NotVisible: there is none, or nothing of it concerns the caller.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    review = reviews.one(conn, review_id)
    shown = None if review is None else _shown(conn, asking, review)
    if shown is None or not (shown["grants"] or sees_all(asking.principal) or _started(asking, shown)):
        acts.require(conn, asking, "review.read", NONE_SUCH, of=str(review_id), hides=True)
        raise NotVisible
    return shown


NONE_SUCH = Decision(False, Text("no such review", "no existe tal revisión"))


def _started(asking: Asking, shown: dict[str, Any]) -> bool:
    person = asking.principal.person
    return person is not None and Role.ADMIN in person.roles and shown["started_by"] == person.id


def _shown(conn: Connection, asking: Asking, review: Review) -> dict[str, Any]:
    whole, mine = sees_all(asking.principal), asking.principal.agency.id
    rows = [row for row in reviews.answers(conn, review) if whole or mine in (row["agency"], row["source_agency"])]
    return {
        "id": str(review.id),
        "started_by": review.started_by,
        "started_at": review.started_at.isoformat(),
        "due_at": review.due_at.isoformat(),
        "grants": [
            {"grant": row["id"], "agency": row["agency"], "answer": _answer(row, review, asking.at)} for row in rows
        ],
    }


def _answer(row: dict[str, Any], review: Review, at: datetime) -> str:
    if row["state"] not in ("in_force", "suspended"):
        return "ended"
    if row["confirmed_at"] is not None and row["confirmed_at"] >= review.started_at:
        return "confirmed"
    if row["confirm_until"] is None:
        return "not asked"
    return "open" if at < row["confirm_until"] else "lapsed"
