"""Grants as people write them, in a file or a request: their shapes, and in words what is wrong with one. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.directory import Kind
from hub.fitting import Explained
from hub.grants import Grant, GrantSet, Selector, Tlp
from schemas.places import is_jurisdiction
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping


class Row(Explained):
    """A table of a rules file; who wrote it hears in both languages what is missing or misspelt."""


AN_ATTESTATION = validate.Regexp(r"^[a-z0-9][a-z0-9-]{1,63}\Z")  # 28-cfr-23, nda, data-processing
A_PURPOSE = validate.Regexp(r"^[a-z][a-z0-9-]{1,63}\Z")
A_TYPE = validate.Regexp(r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)\Z")


class SelectorSchema(Row):
    """`{agency = "us-ca-sdpd"}`, `{kind = "ngo", country = "US"}`."""

    agency = fields.String()
    kind = fields.Enum(Kind, by_value=True)
    country = fields.String(validate=validate.OneOf(["US", "MX"]))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Selector:
        """An empty selector would cover everybody by accident."""
        if not data:
            raise ValidationError(
                [
                    Text(
                        "an empty selector is not allowed: name an agency, a kind or a country",
                        "no se permite un selector vacío: indique agencia, tipo o país",
                    )
                ]
            )
        return Selector(**data)


def known_place(code: str) -> None:
    """For marshmallow: the code is in the reference data."""
    if not is_jurisdiction(code):
        raise ValidationError([Text("unknown jurisdiction", "jurisdicción desconocida")])


CLEARANCES = ("public", "partner", "enforcement", "protected")


class GrantSchema(Row):
    """One `[[grant]]` of the grants file."""

    id = fields.String(required=True, validate=validate.Regexp(r"^[a-z0-9][a-z0-9-]{2,63}\Z"))
    source = fields.Nested(SelectorSchema, required=True)
    reader = fields.Nested(SelectorSchema, required=True)
    types = fields.List(
        fields.String(validate=A_TYPE),
        required=True,
        validate=validate.Length(1, 32),
    )
    jurisdictions = fields.List(fields.String(validate=known_place), required=True, validate=validate.Length(1, 256))
    purpose = fields.String(required=True, validate=A_PURPOSE)
    max_tlp = fields.String(required=True, validate=validate.OneOf(["clear", "green", "amber", "amber+strict", "red"]))
    clearance = fields.String(required=True, validate=validate.OneOf(CLEARANCES))
    requires = fields.List(fields.String(validate=AN_ATTESTATION), load_default=list, validate=validate.Length(max=8))
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Grant:
        """Both ends are stated; a grant without an end is not one."""
        if data["valid_until"] <= data["valid_from"]:
            raise ValidationError(
                {"valid_until": [Text("must be later than valid_from", "debe ser posterior a valid_from")]}
            )
        return Grant(
            **data
            | {
                "types": tuple(data["types"]),
                "jurisdictions": tuple(data["jurisdictions"]),
                "requires": tuple(data["requires"]),
                "max_tlp": Tlp.of(data["max_tlp"]),
                "clearance": Sensitivity[data["clearance"].upper()],
            }
        )


class GrantsFileSchema(Row):
    """The whole grants file."""

    grant = fields.List(fields.Nested(GrantSchema), load_default=list, validate=validate.Length(max=5000))


_FILE = GrantsFileSchema()


def load_grants(document: Mapping[str, Any], raw: bytes) -> GrantSet:
    """
    The grants of a parsed TOML file; `raw` is the same file, for its digest.

    Raises:
        marshmallow.ValidationError: all problems together, by position in the file.
    """
    grants: list[Grant] = _FILE.load(_with_zones(document))["grant"]
    ids = [grant.id for grant in grants]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValidationError(
            {"grant": [Text("the same id twice: {ids}", "el mismo id dos veces: {ids}").format(ids=", ".join(twice))]}
        )
    return GrantSet(tuple(grants), hashlib.sha256(raw).hexdigest())


def _with_zones(document: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has real date-times; marshmallow reads text. One form for both."""
    return {
        key: [
            {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in entry.items()}
            if isinstance(entry, dict)
            else entry
            for entry in entries
        ]
        if isinstance(entries, list)
        else entries
        for key, entries in document.items()
    }
