"""
What the reader of a mail does with its links: confirms the address, or ends the mails.

Whoever has the link may; there is no token, and no agency acts. A link that does nothing looks like one never made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import tending
from hub.store import audit, deliveries, subscriptions
from hub.subscribing import Channel, Reason, State

if TYPE_CHECKING:
    from datetime import datetime

    from hub.mail_links import Addressee
    from hub.store import Connection
    from hub.subscribing import Subscription


def confirm(conn: Connection, node: str, addressee: Addressee) -> bool:
    """The address is its reader's own: the subscription is enabled; False: there is none, or none that waits for it."""
    one = _sent_to(conn, addressee)
    if one is None or one.state is State.DISABLED:
        return False
    if subscriptions.prove(conn, one.id):
        audit.note(conn, node, "subscription.prove", {"subscription": str(one.id), "of": one.agency})
    return True


def unsubscribe(conn: Connection, node: str, addressee: Addressee, at: datetime) -> bool:
    """No mail goes there any more, and its agency is told by its other ways; False: there is no such subscription."""
    deliveries.change_states(conn)
    one = _sent_to(conn, addressee)
    if one is None:
        return False
    tending.disable(conn, node, one, Reason.UNSUBSCRIBED, at)
    return True


def _sent_to(conn: Connection, addressee: Addressee) -> Subscription | None:
    found = subscriptions.one(conn, addressee.subscription, lock=True)
    if found is None or found[0].nonce != addressee.nonce or found[0].channel is not Channel.EMAIL:
        return None
    return found[0]
