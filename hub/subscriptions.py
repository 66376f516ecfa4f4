"""
Subscriptions: an agency's own affair, whoever of it may read.

A subscription opens nothing: what it tells is decided each time, by the rights of its agency as the token that made it
narrowed them. Its address is used once the receiver has proven that it wants to hear from us.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from marshmallow import ValidationError

from hub import acts, addresses
from hub.errors import Invalid, NotVisible
from hub.policy import Decision
from hub.principal import READ
from hub.store import deliveries
from hub.store import subscriptions as stored
from hub.subscribing import Channel, Reason, State, narrowing
from hub.subscription_rows import require_fitting
from schemas.flaws import flatten
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from hub.addresses import Network
    from hub.reading import Asking
    from hub.store import Connection
    from hub.subscribing import Subscription, Tally

    Found = tuple[Subscription, Tally]

MOST = 200  # of one agency
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
IS_PAUSED = Text(
    "what waits for its present address would be lost: enable or disable it first",
    "lo que espera por su dirección actual se perdería: habilítela o deshabilítela antes",
)
NO_SECRET = Text("only webhooks are signed", "solo se firman los avisos por webhook")


def _may(asking: Asking) -> Decision:
    if READ in asking.principal.scopes:
        return ALLOWED
    return Decision(False, Text("the token lacks {scope}", "el token no incluye {scope}").format(scope=READ))


def require_reader(conn: Connection, asking: Asking) -> None:
    """Raises `Denied` for a token that may not read."""
    acts.require_reading(conn, asking, _may(asking), READ)


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
        challenge(conn, found[0], asking.at)
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


def list_subscriptions(conn: Connection, asking: Asking, *, after: UUID | None, limit: int) -> list[Found]:
    """The agency's own, in order of their making; raises `Denied` for a token that may not read."""
    require_reader(conn, asking)
    return stored.of_agency(conn, asking.reader, after=after, limit=limit)


def read_subscription(conn: Connection, asking: Asking, subscription: UUID) -> Found:
    """
    One of the agency's own.

    Raises:
        Denied: the token may not read. NotVisible: there is none, or it is another agency's.
    """
    require_reader(conn, asking)
    return _own(conn, asking, "subscription.read", subscription)


def _own(conn: Connection, asking: Asking, action: str, subscription: UUID, *, lock: bool = False) -> Found:
    found = stored.one(conn, subscription, lock=lock)
    if found is None or found[0].agency != asking.reader:
        acts.require(conn, asking, action, NONE_SUCH, of=str(subscription), hides=True)
        raise NotVisible
    return found


def to_change(
    conn: Connection, asking: Asking, action: str, subscription: UUID, *, expected: int | None = None
) -> Subscription:
    """
    The agency's own, held until the end.

    Raises:
        Denied: the token may not read. NotVisible: there is none, or it is another agency's.
        Outdated: it is not of the expected version any more.
    """
    require_reader(conn, asking)
    one, _ = _own(conn, asking, action, subscription, lock=True)
    if expected is not None:
        acts.require_version(one.version, expected)
    return one


def record(
    conn: Connection,
    asking: Asking,
    action: str,
    one: Subscription,
    *,
    after: Mapping[str, Any] | None = None,
    clash: Text | None = None,
) -> None:
    """Put the act on record, or that it contradicts how things stand, which raises `Conflict`."""
    before = {"state": one.state}
    acts.require(conn, asking, action, _may(asking), of=str(one.id), before=before, after=after, clash=clash)


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

    What is disabled stays so, and its new address is proven once it is enabled.

    Raises:
        Denied, NotVisible, Outdated: as above. Invalid: this does not go with its channel, or the address cannot be
        used. Conflict: it is paused, and something may wait for the address it has.
    """
    deliveries.change_states(conn)
    one = to_change(conn, asking, "subscription.amend", subscription, expected=expected)
    _require_fitting(one.channel, wanted)
    told = dict(wanted) | {"address": _usable(one.channel, wanted["address"], allow)}
    moves = told["address"] != one.address
    clash = IS_PAUSED if moves and one.state is State.PAUSED else None
    after = _noted(told | {"channel": one.channel})
    record(conn, asking, "subscription.amend", one, after=after, clash=clash)
    if not moves:
        stored.change(conn, subscription, told)
        return again(conn, subscription)
    state = State.DISABLED if one.state is State.DISABLED else State.PENDING
    stored.change(conn, subscription, told | _unproven(state))
    deliveries.withdraw(conn, subscription)
    if state is State.PENDING:
        challenge(conn, one, asking.at)
    return again(conn, subscription)


def _require_fitting(channel: Channel, wanted: Mapping[str, Any]) -> None:
    try:
        require_fitting(channel, wanted)
    except ValidationError as error:
        raise Invalid(tuple(flatten(error.messages))) from None


def _unproven(state: State) -> dict[str, Any]:
    """An address that is still to answer for itself, with another secret than any address had before."""
    return {"state": str(state), "reason": str(Reason.UNPROVEN), "nonce": uuid4()}


def set_state(conn: Connection, asking: Asking, subscription: UUID, state: State) -> Found:
    """
    Pause it (what comes waits), disable it (what comes is passed over), or enable it again.

    Who has unsubscribed, or never answered, is asked before anything else is sent there: it is pending until then.

    Raises:
        Denied, NotVisible: as above. Conflict: its address is not proven.
    """
    deliveries.change_states(conn)
    one = to_change(conn, asking, "subscription.state", subscription)
    clash = NOT_PROVEN if one.state is State.PENDING and state is not State.DISABLED else None
    record(conn, asking, "subscription.state", one, after={"state": state}, clash=clash)
    if one.reason in UNPROVEN and state is not State.DISABLED:
        stored.change(conn, subscription, _unproven(State.PENDING))
        challenge(conn, one, asking.at)
        return again(conn, subscription)
    reason = one.reason if one.reason in UNPROVEN else Reason.ASKED
    stored.change(conn, subscription, {"state": str(state), "reason": None if state is State.ENABLED else str(reason)})
    if state is State.PAUSED:
        deliveries.hold(conn, subscription)
    elif state is State.ENABLED:
        deliveries.let_go(conn, subscription, asking.at)
        stored.forget_failures(conn, subscription)
        deliveries.notify(conn)
    else:
        deliveries.withdraw(conn, subscription)
    return again(conn, subscription)


def remove(conn: Connection, asking: Asking, subscription: UUID) -> None:
    """End it with everything that waits; raises as above."""
    deliveries.change_states(conn)
    one = to_change(conn, asking, "subscription.remove", subscription)
    record(conn, asking, "subscription.remove", one)
    stored.remove(conn, subscription)


def rotate(conn: Connection, asking: Asking, subscription: UUID) -> Found:
    """
    New signing secrets; the present ones are good for a day beside them.

    Raises:
        Denied, NotVisible: as above. Conflict: it is no webhook.
    """
    one = to_change(conn, asking, "subscription.rotate", subscription)
    record(conn, asking, "subscription.rotate", one, clash=None if one.channel is Channel.WEBHOOK else NO_SECRET)
    stored.change(conn, subscription, {"generation": one.generation + 1, "rotated_at": asking.at})
    return again(conn, subscription)


def challenge(conn: Connection, one: Subscription, at: datetime) -> None:
    """Queue something that its receiver is to answer."""
    deliveries.put_other(conn, one.id, "verification", at)
    deliveries.notify(conn)


def again(conn: Connection, subscription: UUID) -> Found:
    """One that is held, as it is by now; raises `NotVisible` if it is not held."""
    found = stored.one(conn, subscription)
    if found is None:
        raise NotVisible
    return found
