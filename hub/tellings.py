"""What a subscription tells when asked to: that it works, what it missed, would have told, and did tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub.errands import is_over
from hub.replay import Replay, Stretch, replay
from hub.store import deliveries
from hub.store.deliveries import Wanted
from hub.subscribing import Channel, State
from hub.subscriptions import again, challenge, read_subscription, record, require_reader, to_change
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hub.filters import Filter
    from hub.reading import Asking
    from hub.store import Connection
    from hub.subscribing import Subscription
    from hub.subscriptions import Found

PREVIEWED = timedelta(days=30)
MOST_SHOWN = 500
IS_TOPIC = Text("nothing is sent to a topic: it is read", "a un tema no se le envía nada: se lee")
IS_DISABLED = Text("it is disabled; enable it first", "está deshabilitada; habilítela antes")
NOT_ENABLED = Text("it is not enabled", "no está habilitada")


def verify(conn: Connection, asking: Asking, subscription: UUID) -> Found:
    """
    Send something now: a pending address is challenged once more, a proven one told that all is well.

    Raises:
        Denied, NotVisible: as of any change. Conflict: it is disabled, or a topic.
    """
    one = to_change(conn, asking, "subscription.verify", subscription)
    clash = _unsent(one, None if one.state is not State.DISABLED else IS_DISABLED)
    record(conn, asking, "subscription.verify", one, clash=clash)
    challenge(conn, one, asking.at)
    return again(conn, subscription)


def recover(conn: Connection, asking: Asking, subscription: UUID, since: datetime) -> tuple[int, bool]:
    """
    Queue what came since then and has not arrived: how much that is, and whether there may be more to ask for.

    Of an alert or case that is over by now, its end alone.

    Raises:
        Denied, NotVisible: as of any change. Conflict: it is not enabled, or a topic.
    """
    one = to_change(conn, asking, "subscription.recover", subscription)
    clash = _unsent(one, None if one.state is State.ENABLED else NOT_ENABLED)
    record(conn, asking, "subscription.recover", one, after={"since": since.isoformat()}, clash=clash)
    asked = replace(asking, principal=one.principal(asking.principal.agency))
    past = replay(conn, asked, one.filter, Stretch.of(conn, since, MOST_SHOWN))
    known = deliveries.known(conn, subscription, [each.shown.row.hub_id for each in past.found])
    lost = [
        Wanted(one.id, each.shown.row.hub_id, each.shown.row.position or 0, each.seen.is_urgent, asking.at)
        for each in past.found
        if each.shown.row.hub_id not in known and not is_over(each.shown.row)
    ]
    queued = deliveries.put(conn, lost, asking.at) if lost else 0
    deliveries.notify(conn)
    return queued, past.more


def _unsent(one: Subscription, otherwise: Text | None) -> Text | None:
    """Why nothing can be sent there now."""
    return IS_TOPIC if one.channel is Channel.KAFKA else otherwise


def preview(conn: Connection, asking: Asking, wanted: Filter) -> Replay:
    """What this filter would have told in the last 30 days, at most 500 events of it, by the rights of today."""
    require_reader(conn, asking)
    return replay(conn, asking, wanted, Stretch.of(conn, asking.at - PREVIEWED, MOST_SHOWN))


def list_deliveries(
    conn: Connection, asking: Asking, subscription: UUID, *, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """What was told of late and what became of it, newest first; raises as `read_subscription`."""
    read_subscription(conn, asking, subscription)
    return deliveries.newest(conn, subscription, before=before, limit=limit)
