"""Decide for many readers at once about what has come to the log: once for all that the policy cannot tell apart.

Streams, webhooks and mails are told by this; a page of the feed asks the same policy for its one reader.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from hub.picture import Stale
from hub.policy import may_read
from hub.reading import Shown, as_shown, comes_later
from hub.recipients import alike, told_apart
from hub.store import audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from hub.picture import View
    from hub.policy import Facts, Rules
    from hub.principal import Principal
    from hub.store import Connection
    from hub.store.coming import Coming

Telling = tuple["Principal", "Shown"]


def decide_for(view: View, coming: Coming, principals: Iterable[Principal], at: datetime) -> Iterator[Telling]:
    """
    Who of `principals` gets what has come, and as what; nothing may leave before `disclose`.

    Raises:
        Stale: the event is of a lane that the view does not know yet.
    """
    rules, facts = view.rules, view.facts_of(coming.row)
    consents = rules.consents.get((coming.row.source, coming.row.subject), ())
    apart = told_apart(facts, coming.owed, rules).union(*(one.recipients for one in consents))
    known: dict[object, Shown | None] = {}
    for principal in principals:
        key = principal if coming.is_offer or principal.agency.id in apart else _alike(principal, at)
        if key not in known:
            known[key] = _shown(principal, coming, facts, rules, at)
        shown = known[key]
        if shown is not None:
            yield principal, shown


def _alike(principal: Principal, at: datetime) -> object:
    return alike(principal.agency, at), principal.scopes, principal.jurisdictions, principal.purpose


def _shown(principal: Principal, coming: Coming, facts: Facts, rules: Rules, at: datetime) -> Shown | None:
    row, reader = coming.row, principal.agency
    offers: list[str] = []
    if coming.is_offer or row.offers:
        named = (grant for grant in rules.grants.grants if grant.reader.covers(reader) and grant.is_in_force(at))
        offers = [grant.offer_name for grant in named]
    if coming.is_offer and coming.offered_to != reader.id and row.offered_by not in offers:
        return None
    decision = may_read(principal, facts, rules, at, has_received=reader.id in coming.owed)
    shown = as_shown(principal, row, decision, rules, at)
    return None if shown is None or (not coming.is_offer and comes_later(shown, offers)) else shown


def disclose(conn: Connection, by: tuple[str, str], way: str, told: Sequence[Telling], view: View) -> None:
    """
    Put on record who is about to get what: one entry per event, projection and batch of readers.

    `by` names the node and its process.

    Raises:
        Stale: what it was decided on is no longer so; nothing was recorded, and nothing may leave.
    """
    if not told:
        return
    if not audit.disclose_to_many(conn, by, way, _batches(told), view.basis()):
        raise Stale


def _batches(told: Sequence[Telling]) -> list[audit.Batch]:
    def key(one: Telling) -> tuple[str, str, str, str]:
        principal, shown = one
        return str(shown.row.hub_id), shown.name, shown.decision.grant or "", principal.purpose or ""

    batches = []
    for (_, name, grant, purpose), group in groupby(sorted(told, key=key), key=key):
        alike_told = list(group)
        readers = sorted({principal.agency.id for principal, _ in alike_told})
        event = alike_told[0][1].row.hub_id
        batches.append(audit.Batch(event=event, projection=name, grant=grant, purpose=purpose or None, readers=readers))
    return batches
