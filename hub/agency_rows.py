"""Agencies and people as an administrator writes them: their shapes, and in words what is wrong with one. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.directory import Agency, Kind, Person, PersonState, Role
from hub.grant_rows import Row, known_place
from hub.principal import ANYWHERE, SCOPES
from schemas.forms import AGENCY_PATTERN
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

AN_AGENCY = validate.Regexp(rf"{AGENCY_PATTERN}\Z")
PERSON_ID = re.compile(rf"{AGENCY_PATTERN}\.[a-z0-9-]{{2,40}}")
CLIENT_ID = re.compile(rf"{AGENCY_PATTERN}(\.[a-z0-9-]{{2,40}})?")
A_PERSON = validate.Regexp(rf"{PERSON_ID.pattern}\Z")
A_CLIENT = validate.Regexp(rf"{CLIENT_ID.pattern}\Z")

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
    duty_phone = fields.String(validate=validate.Regexp(r"^(\+[1-9]\d{6,14})?\Z"))  # E.164
    duty_email = fields.String(
        validate=validate.And(validate.Length(max=254), validate.Regexp(r"^([^@\s]+@[^@\s]+)?\Z"))
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


REASON = validate.Length(3, 300)
KEY = validate.Length(50, 2000)


class PersonSchema(Row):
    """A person to be enrolled; the id begins with the agency's, `key` is the public half of the person's own key."""

    id = fields.String(required=True, validate=A_PERSON)
    name = fields.String(required=True, validate=validate.Length(2, 200))
    roles = fields.List(fields.Enum(Role, by_value=True), required=True, validate=validate.Length(1, len(Role)))
    key = fields.String(required=True, validate=KEY)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> tuple[Person, str]:
        """The person, who counts once confirmed, and the key in PEM."""
        agency = data["id"].rpartition(".")[0]
        person = Person(id=data["id"], agency=agency, name=data["name"], roles=frozenset(data["roles"]))
        return replace(person, state=PersonState.PROPOSED), data["key"]


class RolesSchema(Row):
    """The roles a person is to have from now on."""

    roles = fields.List(fields.Enum(Role, by_value=True), required=True, validate=validate.Length(1, len(Role)))


class KeySchema(Row):
    """The public half of a new key."""

    key = fields.String(required=True, validate=KEY)


class ReasonSchema(Row):
    """Why something ends."""

    reason = fields.String(required=True, validate=REASON)


class CredentialChangeSchema(Row):
    """What a machine's client holds: its key, and the most that its tokens may carry."""

    key = fields.String(required=True, validate=KEY)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        load_default=list(SCOPES),
        validate=validate.Length(1, len(SCOPES)),
    )
    jurisdictions = fields.List(
        fields.String(validate=known_place), load_default=list(ANYWHERE), validate=validate.Length(1, 100)
    )
    expires_at = fields.AwareDateTime(load_default=None)


class CredentialSchema(CredentialChangeSchema):
    """A machine's client: the agency's id, or that and a name of its own."""

    client_id = fields.String(required=True, validate=A_CLIENT)


class CutSchema(Row):
    """An agency, a person or a client's key to be cut off at once: one of them, and why."""

    agency = fields.String(validate=AN_AGENCY)
    person = fields.String(validate=A_PERSON)
    key = fields.String(validate=A_CLIENT)
    reason = fields.String(required=True, validate=REASON)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> tuple[str, str, str]:
        """What is cut off, which one, and why."""
        named = [name for name in ("agency", "person", "key") if name in data]
        if len(named) != 1:
            raise ValidationError([Text("name an agency, a person or a key", "indique una agencia, persona o clave")])
        return named[0], data[named[0]], data["reason"]
