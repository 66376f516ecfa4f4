"""Subscriptions as people write them: their shape, and in words what is wrong with one. Pure."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from hub.filter_rows import FilterSchema, written
from hub.filters import Filter
from hub.grant_rows import Row
from hub.subscribing import Channel, Quiet
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.subscribing import Subscription, Tally

MAX_ADDRESS_CHARS = 2000
A_DESK = validate.Regexp(r"^[a-z][a-z0-9-]{1,30}\Z")
# As browsers take one (HTML, "valid e-mail address"): nothing that would end a header or a command of SMTP early.
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

NOT_A_ZONE = Text("not a time zone such as America/Tijuana", "no es una zona horaria como America/Tijuana")
NEVER_QUIET = Text("must differ from `from`", "debe ser distinto de `from`")
NEEDS_ADDRESS = Text("say where to: a URL or a mail address", "indique adónde: un URL o un correo electrónico")
NO_ADDRESS = Text("a Kafka topic is the agency's own: no address", "el tema de Kafka es de la agencia: sin dirección")
NOT_MAIL = Text("not a mail address", "no es una dirección de correo electrónico")
ONLY_MAIL = Text("only mails can be a daily digest", "solo los correos pueden ser un resumen diario")


def _clock(value: str) -> time:
    return time.fromisoformat(value)


A_CLOCK = validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d\Z")


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError([NOT_A_ZONE]) from None


class QuietSchema(Row):
    """`{"from": "22:00", "until": "06:00", "zone": "America/Tijuana"}`."""

    begins = fields.String(data_key="from", required=True, validate=A_CLOCK)
    ends = fields.String(data_key="until", required=True, validate=A_CLOCK)
    zone = fields.String(required=True, validate=[validate.Length(1, 64), _zone])

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Quiet:
        """Hours that begin when they end would be none, or all."""
        if data["begins"] == data["ends"]:
            raise ValidationError({"until": [NEVER_QUIET]})
        return Quiet(begins=_clock(data["begins"]), ends=_clock(data["ends"]), zone=data["zone"])


class SubscriptionChangeSchema(Row):
    """What may change about a subscription: all of it but the way by which it tells."""

    name = fields.String(required=True, validate=validate.Length(1, 100))
    address = fields.String(load_default="", validate=validate.Length(max=MAX_ADDRESS_CHARS))
    filter = fields.Nested(FilterSchema, load_default=Filter)
    language = fields.String(load_default="en", validate=validate.OneOf(["en", "es"]))
    desk = fields.String(load_default="duty", validate=A_DESK)
    quiet = fields.Nested(QuietSchema, load_default=None, allow_none=True)
    digest_at = fields.String(load_default=None, allow_none=True, validate=A_CLOCK)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Times as times."""
        return data | {"digest_at": None if data["digest_at"] is None else _clock(data["digest_at"])}


class SubscriptionSchema(SubscriptionChangeSchema):
    """A new subscription."""

    channel = fields.Enum(Channel, by_value=True, required=True)

    @validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: object) -> None:
        require_fitting(data["channel"], data)


def require_fitting(channel: Channel, data: Mapping[str, Any]) -> None:
    """
    The address is one of this channel; whether a URL may be posted to, `hub.addresses` says.

    Raises:
        ValidationError: it is not, or something else does not go with the channel.
    """
    address = data["address"]
    if channel is Channel.KAFKA and address:
        raise ValidationError({"address": [NO_ADDRESS]})
    if channel is not Channel.KAFKA and not address:
        raise ValidationError({"address": [NEEDS_ADDRESS]})
    if channel is Channel.EMAIL and (len(address) > 254 or _MAIL.fullmatch(address) is None):
        raise ValidationError({"address": [NOT_MAIL]})
    if data["digest_at"] is not None and channel is not Channel.EMAIL:
        raise ValidationError({"digest_at": [ONLY_MAIL]})


def shown(one: Subscription, tally: Tally) -> dict[str, Any]:
    """A subscription as its agency sees it; secrets are shown once, when they are made."""
    quiet = one.quiet
    return {
        "id": str(one.id),
        "name": one.name,
        "channel": one.channel,
        "address": one.address,
        "filter": written(one.filter),
        "language": one.language,
        "desk": one.desk,
        "quiet": None
        if quiet is None
        else {"from": f"{quiet.begins:%H:%M}", "until": f"{quiet.ends:%H:%M}", "zone": quiet.zone},
        "digest_at": None if one.digest_at is None else f"{one.digest_at:%H:%M}",
        "state": one.state,
        "reason": one.reason,
        "seq": tally.seq,
        "told_at": None if tally.told_at is None else tally.told_at.isoformat(),
        "failing_since": None if tally.failing_since is None else tally.failing_since.isoformat(),
        "outcome": tally.outcome,
        "created_by": one.created_by,
        "created_at": one.created_at.isoformat(),
        "version": one.version,
    }
