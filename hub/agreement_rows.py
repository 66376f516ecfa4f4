"""Agreements: the legal instruments that grants hang on, and as people write them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.grant_rows import Row, SelectorSchema
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

    from hub.directory import Agency
    from hub.grants import Selector

AN_AGREEMENT = validate.Regexp(r"^[a-z0-9][a-z0-9-]{2,63}\Z")
TWICE = Text("the same party twice", "la misma parte dos veces", code="party-twice")


class AgreementState(StrEnum):
    """Grants open something only while their agreement is in force."""

    DRAFT = "draft"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who agreed to what, on which legal basis, until when; the document itself stays with the parties.

    `parties` None: open to every agency of the node, as the one is that the former grants file hangs on.
    """

    id: str
    title_en: str
    title_es: str
    legal_basis: str
    document_sha256: bytes
    valid_from: datetime
    valid_until: datetime
    parties: tuple[Selector, ...] | None
    state: AgreementState = AgreementState.DRAFT
    drafted_by: str | None = None
    approved_by: str | None = None
    reason: str | None = None
    version: int = 1
    suspended_by: str | None = None
    suspended_at: datetime | None = None

    def binds(self, agency: Agency) -> bool:
        """Whether `agency` is a party."""
        return self.parties is None or any(party.covers(agency) for party in self.parties)

    def is_in_force(self, at: datetime) -> bool:
        """Half-open, like everything that has an end."""
        return self.state is AgreementState.IN_FORCE and self.valid_from <= at < self.valid_until


class TitleSchema(Row):
    """A title in both languages."""

    en = fields.String(required=True, validate=validate.Length(3, 200))
    es = fields.String(required=True, validate=validate.Length(3, 200))


class AgreementSchema(Row):
    """A draft."""

    id = fields.String(required=True, validate=AN_AGREEMENT)
    title = fields.Nested(TitleSchema, required=True)
    legal_basis = fields.String(required=True, validate=validate.Length(3, 500))
    document_sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}\Z"))
    parties = fields.List(fields.Nested(SelectorSchema), required=True, validate=validate.Length(1, 200))
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Agreement:
        """A draft, which opens nothing yet."""
        if data["valid_until"] <= data["valid_from"]:
            raise ValidationError(
                {"valid_until": [Text("must be later than valid_from", "debe ser posterior a valid_from")]}
            )
        parties = tuple(data["parties"])
        if len(set(parties)) < len(parties):
            raise ValidationError({"parties": [TWICE]})
        title = data.pop("title")
        return Agreement(
            **data
            | {
                "title_en": title["en"],
                "title_es": title["es"],
                "document_sha256": bytes.fromhex(data["document_sha256"]),
                "parties": parties,
            }
        )
