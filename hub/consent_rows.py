"""Consents as an administrator writes them: their shape, and in words what is wrong with one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.agency_rows import AN_AGENCY
from hub.consents import LONGEST, ConsentRecord, Giver
from hub.grant_rows import A_PURPOSE, Row
from schemas import pins
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hub.directory import Directory
    from schemas.flaws import Flaw

NOT_ATTESTED = Text(
    "who signed must be attested not to be the abuser (34 USC 12291(b)(2)(B)(ii))",
    "debe acreditarse que quien firmó no es la persona agresora (34 USC 12291(b)(2)(B)(ii))",
    code="abuser-not-excluded",
)
TOO_LONG = Text(
    "a consent is valid for {days} days at most; who still wants it signs again",
    "un consentimiento vale {days} días como máximo; quien aún lo quiera firma de nuevo",
    code="consent-too-long",
)
NOT_LATER = Text("must be later than signed_at", "debe ser posterior a signed_at", code="not-later")
IN_FUTURE = Text("lies in the future", "está en el futuro", code="in-future")
OVER = Text("is over already", "ya terminó", code="over")
NOT_ENROLLED = Text(
    "no other agency with this id is enrolled here",
    "no hay otra agencia registrada aquí con este id",
    code="unknown-agency",
)
A_POINTER = validate.Regexp(f"^{pins.POINTER.pattern}\\Z", flags=pins.POINTER.flags)


def _attested(stated: bool) -> None:
    if not stated:
        raise ValidationError([NOT_ATTESTED])


class ConsentSchema(Row):
    """A consent to be recorded: by the source of the subject's events, for recipients by name, to one purpose."""

    subject = fields.String(required=True, validate=validate.Length(1, 256))
    fields_ = fields.List(
        fields.String(validate=A_POINTER),
        required=True,
        validate=validate.Length(1, 64),
        data_key="fields",
        metadata={"description": "pointers of protected members; an item of a list by its place or as ref:V1"},
    )
    recipients = fields.List(fields.String(validate=AN_AGENCY), required=True, validate=validate.Length(1, 20))
    purpose = fields.String(required=True, validate=A_PURPOSE)
    given_by = fields.Enum(Giver, by_value=True, required=True)
    not_abuser_attested = fields.Boolean(required=True, truthy={True}, falsy={False}, validate=_attested)
    form_version = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"))
    language = fields.String(required=True, validate=validate.Regexp(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z"))
    signed_at = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> ConsentRecord:
        """A record whose id and source are not known yet."""
        signed_at, valid_until = data["signed_at"], data["valid_until"]
        if valid_until <= signed_at:
            raise ValidationError({"valid_until": [NOT_LATER]})
        if valid_until - signed_at > LONGEST:
            raise ValidationError({"valid_until": [TOO_LONG.format(days=LONGEST.days)]})
        return ConsentRecord(
            id="",
            source="",
            subject=data["subject"],
            fields=tuple(dict.fromkeys(data["fields_"])),
            recipients=frozenset(data["recipients"]),
            purpose=data["purpose"],
            signed_at=signed_at,
            valid_until=valid_until,
            given_by=data["given_by"],
            form_version=data["form_version"],
            language=data["language"],
        )


def flaws(consent: ConsentRecord, directory: Directory, at: datetime) -> Iterator[Flaw]:
    """What is wrong with a consent as things stand now."""
    if consent.signed_at > at:
        yield flaw("/signed_at", IN_FUTURE)
    if consent.valid_until <= at:
        yield flaw("/valid_until", OVER)
    if any(one == consent.source or one not in directory.agencies for one in consent.recipients):
        yield flaw("/recipients", NOT_ENROLLED)
