"""Grants: who may read what of whom, in force from when until when. Pure; the file is read by `hub.main`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from hub.directory import Agency, Kind
from schemas.complaints import NULL, REQUIRED, UNKNOWN
from schemas.places import is_jurisdiction
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Tlp(IntEnum):
    """Traffic Light Protocol 2.0 (FIRST), ordered by how far a reader may carry what it got."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @classmethod
    def of(cls, code: str) -> Tlp:
        """From the wire form, e.g. `amber+strict`."""
        return cls[code.upper().replace("+", "_")]

    def __str__(self) -> str:
        return f"TLP:{self.name.replace('_', '+')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Agencies by id, by kind, by country; what is None does not narrow. At least one is set."""

    agency: str | None = None
    kind: Kind | None = None
    country: str | None = None

    def covers(self, agency: Agency) -> bool:
        """Whether every stated condition holds for `agency`."""
        return (
            (self.agency is None or self.agency == agency.id)
            and (self.kind is None or self.kind is agency.kind)
            and (self.country is None or self.country == agency.country)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A right of readers to events of sources, up to `max_tlp` and `clearance`, in [valid_from, valid_until)."""

    id: str
    source: Selector
    reader: Selector
    types: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    purpose: str
    max_tlp: Tlp
    clearance: Sensitivity
    valid_from: datetime
    valid_until: datetime

    def is_in_force(self, at: datetime) -> bool:
        """Half-open: a grant ends at its `valid_until`, not after it."""
        return self.valid_from <= at < self.valid_until


@dataclass(frozen=True, slots=True)
class GrantSet:
    """All grants of the node and the digest that stands for them in the policy version."""

    grants: tuple[Grant, ...] = ()
    digest: str = hashlib.sha256(b"").hexdigest()


class Row(Schema):
    """A table of a rules file; who wrote it hears in both languages what is missing or misspelt."""

    error_messages = {"unknown": UNKNOWN}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 - marshmallow calls it
        """Every field complains alike."""
        field_obj.error_messages = field_obj.error_messages | {"required": REQUIRED, "null": NULL}


A_TYPE = validate.Regexp(r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$")


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


def _known_place(code: str) -> None:
    if not is_jurisdiction(code):
        raise ValidationError([Text("unknown jurisdiction", "jurisdicción desconocida")])


class GrantSchema(Row):
    """One `[[grant]]` of the grants file."""

    id = fields.String(required=True, validate=validate.Regexp(r"^[a-z0-9][a-z0-9-]{2,63}$"))
    source = fields.Nested(SelectorSchema, required=True)
    reader = fields.Nested(SelectorSchema, required=True)
    types = fields.List(
        fields.String(validate=A_TYPE),
        required=True,
        validate=validate.Length(1, 32),
    )
    jurisdictions = fields.List(fields.String(validate=_known_place), required=True, validate=validate.Length(1, 256))
    purpose = fields.String(required=True, validate=validate.Regexp(r"^[a-z][a-z0-9-]{1,63}$"))
    max_tlp = fields.String(required=True, validate=validate.OneOf(["clear", "green", "amber", "amber+strict", "red"]))
    clearance = fields.String(required=True, validate=validate.OneOf(["public", "partner", "enforcement"]))
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


def covers_type(patterns: tuple[str, ...], event_type: str) -> bool:
    """Selectors match by prefix at a dot: `alert.*` covers `alert.warning.issued`; `*` covers all."""
    return any(
        pattern in ("*", event_type) or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
        for pattern in patterns
    )
