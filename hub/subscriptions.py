"""
Subscriptions: an agency's own affair, whoever of it may read.

A subscription opens nothing: what it tells is decided each time, by the rights of its agency as the token that made it
narrowed them. Its address is used once the receiver has proven that it wants to hear from us.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub import acts, addresses
from hub.errors import Invalid, NotVisible
from hub.policy import Decision
from hub.principal import READ
from hub.replay import Replay, Stretch, replay
from hub.store import deliveries
from hub.store import subscriptions as stored
from hub.store.deliveries import Wanted
from hub.subscribing import Channel, Reason, State, narrowing
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from hub.addresses import Network
    from hub.filters import Filter
    from hub.reading import Asking
    from hub.store import Connection
    from hub.subscribing import Subscription, Tally

    Found = tuple[Subscription, Tally]

MOST = 200  # of one agency
PREVIEWED = timedelta(days=30)
MOST_SHOWN = 500
NONE_SUCH = Decision(False, Text("no such subscription", "no existe tal suscripción"))
ALLOWED = Decision(True, Text("who reads may subscribe", "quien lee puede suscribirse"))
TOO_MANY = Text("an agency has at most {most} subscriptions", "una agencia tiene a lo más {most} suscripciones")
ONE_TOPIC = Text(
    "an agency has one topic, and one subscription says what is in it",
    "una agencia tiene un tema, y una suscripción dice qué contiene",
)
NOT_PROVEN = Text("its address is not proven yet", "su dirección aún no se ha comprobado")
# Why a subscription may be disabled whose address still has to be proven before it goes on, or anew.
UNPROVEN = frozenset({Reason.UNPROVEN, Reason.GONE, Reason.UNSUBSCRIBED})
NOT_ENABLED = Text("it is not enabled", "no está habilitada")
NO_SECRET = Text("only webhooks are signed", "solo se firman los avisos por webhook")


def _may(asking: Asking) -> Decision:
    if READ in asking.principal.scopes:
        return ALLOWED
    return Decision(False, Text("the token lacks {scope}", "el token no incluye {scope}").format(scope=READ))


def add(conn: Connection, asking: Asking, wanted: Mapping[str, Any], allow: Collection[Network]) -> Found:
    """
    A new subscription, from now on; a webhook or mail address waits until it is proven.

    Raises:
        Denied: the token may not read. Conflict: the agency has too many, or one by Kafka already.
        Invalid: the address is none that anything may be sent to.
    """
    told = dict(wanted) | {"address": _usable(wanted["channel"], wanted["address"], allow)}
    me = asking.principal
    clash = TOO_MANY.format(most=MOST) if stored.count(conn, me.agency.id) >= MOST else None
    if wanted["channel"] is Channel.KAFKA and stored.has_topic(conn, me.agency.id):
        clash = ONE_TOPIC
    jurisdictions, purpose = narrowing(me)
    is_proven = told["channel"] is Channel.KAFKA
    acts.require(conn, asking, "subscription.add", _may(asking), of=me.agency.id, after=_noted(told), clash=clash)
    row = told | {
        "agency": me.agency.id,
        "channel": str(told["channel"]),
        "state": str(State.ENABLED if is_proven else State.PENDING),
        "reason": None if is_proven else str(Reason.UNPROVEN),
        "jurisdictions": list(jurisdictions),
        "purpose": purpose,
        "created_by": me.client_id if me.person is None else me.person.id,
    }
    found = stored.add(conn, row)
    if not is_proven:
        _challenge(conn, found[0], asking.at)
    return found


def _usable(channel: Channel, address: str, allow: Collection[Network]) -> str:
    if channel is not Channel.WEBHOOK:
        return address
    try:
        return addresses.endpoint(address, allow).url
    except Invalid as refusal:
        raise Invalid(tuple(replace(one, path="/address") for one in refusal.flaws)) from None


def _noted(told: Mapping[str, Any]) -> dict[str, Any]:
    """For the record, without the address, which may be somebody's or hold a secret."""
    return {"channel": told["channel"], "desk": told["desk"]}


def _challenge(conn: Connection, one: Subscription, at: datetime) -> None:
    deliveries.put_other(conn, one.id, "verification", at)
    deliveries.notify(conn)


def list_subscriptions(conn: Connection, asking: Asking, *, after: UUID | None, limit: int) -> list[Found]:
    """The agency's own, in order of their making; raises `Denied` for a token that may not read."""
    acts.require_reading(conn, asking, _may(asking), READ)
    return stored.of_agency(conn, asking.reader, after=after, limit=limit)


def read_subscription(conn: Connection, asking: Asking, subscription: UUID) -> Found:
    """
    One of the agency's own.

    Raises:
        Denied: the token may not read. NotVisible: there is none, or it is another agency's.
    """
    acts.require_reading(conn, asking, _may(asking), READ)
    return _own(conn, asking, "subscription.read", subscription)


def _own(conn: Connection, asking: Asking, action: str, subscription: UUID, *, lock: bool = False) -> Found:
    found = stored.one(conn, subscription, lock=lock)
    if found is None or found[0].agency != asking.reader:
        acts.require(conn, asking, action, NONE_SUCH, of=str(subscription), hides=True)
        raise NotVisible
    return found


def _to_change(
    conn: Connection,
    asking: Asking,
    action: str,
    subscription: UUID,
    *,
    after: Mapping[str, Any] | None = None,
    expected: int | None = None,
    clash: Callable[[Subscription], Text | None] = lambda _: None,
) -> Found:
    """The agency's own, held until the end, with the act on record, or that it contradicts how things stand."""
    acts.require_reading(conn, asking, _may(asking), READ)
    found = _own(conn, asking, action, subscription, lock=True)
    if expected is not None:
        acts.require_version(found[0].version, expected)
    before, why = {"state": found[0].state}, clash(found[0])
    acts.require(conn, asking, action, _may(asking), of=str(subscription), before=before, after=after, clash=why)
    return found


def amend(
    conn: Connection,
    asking: Asking,
    subscription: UUID,
    wanted: Mapping[str, Any],
    *,
    expected: int,
    allow: Collection[Network],
) -> Found:
    """
    Another name, address, filter, language, desk or hours; another address has to be proven anew.

    Raises:
        Denied, NotVisible: as above. Outdated: it has changed meanwhile. Invalid: the address cannot be used.
    """
    channel = read_subscription(conn, asking, subscription)[0].channel
    told = dict(wanted) | {"address": _usable(channel, wanted["address"], allow)}
    one, _ = _to_change(
        conn, asking, "subscription.amend", subscription, after=_noted(told | {"channel": channel}), expected=expected
    )
    if told["address"] != one.address:
        told |= {"state": str(State.PENDING), "reason": str(Reason.UNPROVEN)}
    stored.change(conn, subscription, told)
    if told["address"] != one.address:
        deliveries.withdraw(conn, subscription)
        stored.renew_nonce(conn, subscription)
        _challenge(conn, one, asking.at)
    return _again(conn, subscription)


def set_state(conn: Connection, asking: Asking, subscription: UUID, state: State) -> Found:
    """
    Pause it (what comes waits), disable it (what comes is passed over), or enable it again.

    Who has unsubscribed, or never answered, is asked before anything else is sent there: it is pending until then.

    Raises:
        Denied, NotVisible: as above. Conflict: its address is not proven.
    """

    def clash(one: Subscription) -> Text | None:
        return NOT_PROVEN if one.state is State.PENDING and state is not State.DISABLED else None

    one, _ = _to_change(conn, asking, "subscription.state", subscription, after={"state": state}, clash=clash)
    is_unproven = one.reason in UNPROVEN
    reason = one.reason if is_unproven else Reason.ASKED
    if is_unproven and state is not State.DISABLED:
        state, reason = State.PENDING, Reason.UNPROVEN
    told = {"state": str(state), "reason": None if state is State.ENABLED else str(reason)}
    stored.change(conn, subscription, told)
    if state is State.PENDING:
        stored.renew_nonce(conn, subscription)
        _challenge(conn, one, asking.at)
    elif state is State.PAUSED:
        deliveries.hold(conn, subscription)
    elif state is State.ENABLED:
        deliveries.let_go(conn, subscription, asking.at)
        stored.forget_failures(conn, subscription)
        deliveries.notify(conn)
    else:
        deliveries.withdraw(conn, subscription)
    return _again(conn, subscription)


def remove(conn: Connection, asking: Asking, subscription: UUID) -> None:
    """End it with everything that waits; raises as above."""
    _to_change(conn, asking, "subscription.remove", subscription)
    stored.remove(conn, subscription)


def verify(conn: Connection, asking: Asking, subscription: UUID) -> Found:
    """Send something now: a pending address is challenged once more, a proven one told that all is well."""
    one, _ = _to_change(conn, asking, "subscription.verify", subscription)
    _challenge(conn, one, asking.at)
    return _again(conn, subscription)


def rotate(conn: Connection, asking: Asking, subscription: UUID) -> Found:
    """
    New signing secrets; the present ones are good for a day beside them.

    Raises:
        Denied, NotVisible: as above. Conflict: it is no webhook.
    """

    def clash(one: Subscription) -> Text | None:
        return None if one.channel is Channel.WEBHOOK else NO_SECRET

    one, _ = _to_change(conn, asking, "subscription.rotate", subscription, clash=clash)
    stored.change(conn, subscription, {"generation": one.generation + 1, "rotated_at": asking.at})
    return _again(conn, subscription)


def preview(conn: Connection, asking: Asking, wanted: Filter) -> Replay:
    """What this filter would have told in the last 30 days, at most 500 events of it, by the rights of today."""
    acts.require_reading(conn, asking, _may(asking), READ)
    return replay(conn, asking, wanted, Stretch.of(conn, asking.at - PREVIEWED, MOST_SHOWN))


def recover(conn: Connection, asking: Asking, subscription: UUID, since: datetime) -> tuple[int, bool]:
    """
    Queue what came since then and has not arrived: how much that is, and whether there may be more to ask for.

    Raises:
        Denied, NotVisible: as above. Conflict: it is not enabled.
    """

    def clash(one: Subscription) -> Text | None:
        return None if one.state is State.ENABLED else NOT_ENABLED

    after = {"since": since.isoformat()}
    one, _ = _to_change(conn, asking, "subscription.recover", subscription, after=after, clash=clash)
    agency = asking.principal.agency
    asked = replace(asking, principal=one.principal(agency))
    past = replay(conn, asked, one.filter, Stretch.of(conn, since, MOST_SHOWN))
    known = deliveries.known(conn, subscription, [each.shown.row.hub_id for each in past.found])
    lost = [
        Wanted(one.id, each.shown.row.hub_id, each.shown.row.position or 0, each.seen.is_urgent, asking.at)
        for each in past.found
        if each.shown.row.hub_id not in known
    ]
    queued = deliveries.put(conn, lost) if lost else 0
    deliveries.notify(conn)
    return queued, past.more


def list_deliveries(
    conn: Connection, asking: Asking, subscription: UUID, *, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """What was told of late and what became of it, newest first; raises as above."""
    read_subscription(conn, asking, subscription)
    return deliveries.newest(conn, subscription, before=before, limit=limit)


def _again(conn: Connection, subscription: UUID) -> Found:
    found = stored.one(conn, subscription)
    if found is None:  # it is held
        raise NotVisible
    return found
