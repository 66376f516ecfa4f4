"""
What a member of a request, a parameter of a query or a line of a settings file says when its value does not fit: what
would have, in both languages. marshmallow's own words are in English, and often say only that something is wrong. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from schemas.complaints import (
    COUNT,
    LENGTH,
    NOT_A_DAY,
    NOT_A_FLAG,
    NOT_A_LIST,
    NOT_AN_INSTANT,
    NOT_AN_OBJECT,
    NOT_TEXT,
    NOT_WHOLE,
    NULL,
    PATTERN,
    REQUIRED,
    UNKNOWN,
)
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE_OF = Text("This must be one of: {choices}.", "Debe ser uno de: {choices}.", code="unknown-code")
AT_LEAST = Text(
    "This must be a whole number from {min} on.", "Debe ser un número entero desde {min}.", code="wrong-number"
)
NONE_OF = Text("This must be none of: {choices}.", "No debe ser ninguno de: {choices}.", code="unknown-code")
AT_MOST = Text(
    "This must have at most {max} characters.", "Debe tener {max} caracteres como máximo.", code="wrong-length"
)
A_UUID = Text("a UUID", "un UUID")
A_WHOLE_NUMBER = Text("a whole number", "un número entero")
OF_FORM = Text("of the form {form}", "de la forma {form}")
_KINDS = {
    fields.Boolean: NOT_A_FLAG,
    fields.UUID: PATTERN.format(what=A_UUID),
    fields.Integer: PATTERN.format(what=A_WHOLE_NUMBER),
    fields.AwareDateTime: NOT_AN_INSTANT,
    fields.Date: NOT_A_DAY,
    fields.List: NOT_A_LIST,
    fields.Nested: NOT_AN_OBJECT,
    fields.Dict: NOT_AN_OBJECT,
}
_OF_A_FIELD = {"required": REQUIRED, "null": NULL}


class Explained(Schema):
    """What is read of strangers: each field says what would fit, and what is not known is refused by name."""

    error_messages = {"unknown": UNKNOWN}

    def on_bind_field(self, _field_name: str, field_obj: fields.Field[Any]) -> None:
        """Called by marshmallow for each field of each schema that is made."""
        explain(field_obj)


def explain(field: fields.Field[Any]) -> None:
    """Give a field, what it holds and its validators words that say what would fit; those with ours keep them."""
    said = ONE_OF.format(choices=field.choices_text) if isinstance(field, fields.Enum) else _said_of(field)
    for each in field.validators:
        said = _explained(each, said, is_list=isinstance(field, fields.List))
    known = {code: words if isinstance(words, Text) else said for code, words in field.error_messages.items()}
    field.error_messages = {**known, **_OF_A_FIELD}
    for inner in (getattr(field, name, None) for name in ("inner", "key_field", "value_field")):
        if isinstance(inner, fields.Field):
            explain(inner)


def _said_of(field: fields.Field[Any]) -> Text:
    return next((text for kind, text in _KINDS.items() if isinstance(field, kind)), NOT_TEXT)


def _explained(validator: Any, said: Text, *, is_list: bool) -> Text:
    """What the field itself says then: a number that is none, for example, hears which numbers there are."""
    if isinstance(validator, validate.And):
        for each in validator.validators:
            said = _explained(each, said, is_list=is_list)
        return said
    if isinstance(words := getattr(validator, "error", None), Text):  # its author's, or ours if others share it
        own: Text | None = words
    elif own := _said_by(validator, is_list=is_list):
        validator.error = own
    return own if own and isinstance(validator, validate.Range | validate.OneOf) else said


def _said_by(validator: Any, *, is_list: bool) -> Text | None:
    match validator:
        case validate.Range(max=None):
            return AT_LEAST.format(min=validator.min)
        case validate.Range():
            return NOT_WHOLE.format(min=validator.min, max=validator.max)
        case validate.OneOf():
            return ONE_OF.format(choices=_listed(validator.choices))
        case validate.NoneOf():
            return NONE_OF.format(choices=_listed(validator.iterable))
        case validate.Length():
            words = COUNT if is_list else LENGTH if validator.min else AT_MOST
            return words.format(min=validator.min or 0, max=validator.max)
        case validate.Regexp():
            form = str(validator.regex.pattern).removeprefix("^").removesuffix("\\Z")
            form = form.replace("{", "{{").replace("}", "}}")  # the validator fills its words in once more
            return PATTERN.format(what=OF_FORM.format(form=form))
    return None


def _listed(choices: Iterable[object]) -> str:
    return ", ".join(str(getattr(choice, "value", choice)) for choice in choices)
