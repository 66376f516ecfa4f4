"""Agencies and people as an administrator writes them: their shapes, and in words what is wrong with one. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.directory import Agency, Kind, Person, PersonState, Role
from hub.grant_rows import Row, known_place
from schemas.forms import AGENCY_PATTERN
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

AN_AGENCY = validate.Regexp(f"^{AGENCY_PATTERN}$")
A_PERSON = validate.Regexp(f"^{AGENCY_PATTERN}\\.[a-z0-9-]{{2,40}}$")

# What the owners of these schemes say an identifier looks like.
IDENTIFIERS: Mapping[str, re.Pattern[str]] = {
    "ori": re.compile(r"[A-Z]{2}[A-Z0-9]{7}"),  # NCIC originating agency identifier
    "ein": re.compile(r"\d{2}-\d{7}"),  # US employer identification number, of a nonprofit
    "nces": re.compile(r"\d{7}|\d{12}"),  # US school district, or school
    "cct": re.compile(r"\d{2}[A-Z]{3}\d{4}[A-Z]"),  # Mexican school (clave de centro de trabajo)
    "clues": re.compile(r"[A-Z]{5}\d{6}"),  # Mexican health establishment
    "cluni": re.compile(r"[A-Z0-9]{14}"),  # Mexican civil society organisation
}


def _identifier(written: str) -> None:
    scheme, _, value = written.partition(":")
    form = IDENTIFIERS.get(scheme)
    if form is None:
        known = ", ".join(IDENTIFIERS)
        text = Text("unknown scheme; known are: {known}", "esquema desconocido; se conocen: {known}")
        raise ValidationError([text.format(known=known)])
    if form.fullmatch(value) is None:
        text = Text("not of the form of {scheme}", "no tiene la forma de {scheme}")
        raise ValidationError([text.format(scheme=scheme)])


class AgencyChangeSchema(Row):
    """What may change about an agency, each member by itself."""

    name = fields.String(validate=validate.Length(2, 200))
    jurisdictions = fields.List(fields.String(validate=known_place), validate=validate.Length(1, 256))
    identifiers = fields.List(fields.String(validate=_identifier), validate=validate.Length(max=8))
    languages = fields.List(fields.String(validate=validate.OneOf(["en", "es"])), validate=validate.Length(1, 2))
    duty_phone = fields.String(validate=validate.Regexp(r"^(\+[1-9]\d{6,14})?$"))  # E.164
    duty_email = fields.String(
        validate=validate.And(validate.Length(max=254), validate.Regexp(r"^([^@\s]+@[^@\s]+)?$"))
    )

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Lists become tuples, as an `Agency` holds them."""
        return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


class AgencySchema(AgencyChangeSchema):
    """A new agency. Its country is the one its id begins with."""

    id = fields.String(required=True, validate=AN_AGENCY)
    kind = fields.Enum(Kind, by_value=True, required=True)
    name = fields.String(required=True, validate=validate.Length(2, 200))
    jurisdictions = fields.List(fields.String(validate=known_place), required=True, validate=validate.Length(1, 256))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Any:
        """An active agency without any right to publish."""
        members = super().build(data)
        return Agency(country=members["id"][:2].upper(), **members)


class PersonSchema(Row):
    """A person to be enrolled; the id begins with the agency's, `key` is the public half of the person's own key."""

    id = fields.String(required=True, validate=A_PERSON)
    name = fields.String(required=True, validate=validate.Length(2, 200))
    roles = fields.List(fields.Enum(Role, by_value=True), required=True, validate=validate.Length(1, len(Role)))
    key = fields.String(required=True, validate=validate.Length(50, 2000))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> tuple[Person, str]:
        """The person, who counts once confirmed, and the key in PEM."""
        agency = data["id"].rpartition(".")[0]
        person = Person(id=data["id"], agency=agency, name=data["name"], roles=frozenset(data["roles"]))
        return replace(person, state=PersonState.PROPOSED), data["key"]
