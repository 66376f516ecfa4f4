"""A value that does not fit hears what would have, in both languages and without the value itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from marshmallow import ValidationError, fields, validate

import hub
from hub.asked import FeedQuery, Query
from hub.grant_rows import GrantSchema, Row
from schemas.flaws import Flaw, flatten
from schemas.texts import Text


def complaint(schema: Query | Row, told: dict[str, Any]) -> Flaw:
    """The one there is."""
    with pytest.raises(ValidationError) as refused:
        schema.load(told, partial=True)
    (flaw,) = flatten(refused.value.messages)
    return flaw


@pytest.mark.parametrize(
    ("told", "code", "english"),
    [
        ({"limit": "all"}, "wrong-number", "This must be a whole number from 1 to 500."),
        ({"limit": "501"}, "wrong-number", "This must be a whole number from 1 to 500."),
        ({"wait": "-1"}, "wrong-number", "This must be a whole number from 0 to 60."),
        ({"own": "maybe"}, "not-a-flag", "This must be true or false."),
        ({"status": "drill"}, "unknown-code", "This must be one of: actual, exercise, test."),
        ({"after": "x" * 201}, "wrong-length", "This must have at most 200 characters."),
        ({"types": ""}, "wrong-length", "This must have 1 to 4000 characters."),
    ],
)
def test_a_query_says_what_would_fit(told: dict[str, str], code: str, english: str) -> None:
    FeedQuery()  # what is said stays the same for the next one
    flaw = complaint(FeedQuery(), told)

    assert (flaw.code, str(flaw.text)) == (code, english)
    assert flaw.text.es not in ("", english)


@pytest.mark.parametrize(
    ("told", "english"),
    [
        ({"clearance": "all"}, "This must be one of: public, partner, enforcement, protected."),
        ({"id": "No"}, "This must be of the form [a-z0-9][a-z0-9-]{2,63}."),
        ({"types": "alert.*"}, "This must be a list."),
        ({"readers": "ngo"}, None),
    ],
)
def test_a_request_says_what_would_fit(told: dict[str, Any], english: str | None) -> None:
    flaw = complaint(GrantSchema(), told)

    assert str(flaw.text) == (english or "This member is not known.")


def parts(field: fields.Field[Any]) -> Iterator[fields.Field[Any]]:
    """A field and what it holds."""
    yield field
    for inner in (getattr(field, name, None) for name in ("inner", "key_field", "value_field")):
        if isinstance(inner, fields.Field):
            yield from parts(inner)


def validators(field: fields.Field[Any]) -> Iterator[Any]:
    """Each rule of a field, those that stand together one by one."""
    for each in field.validators:
        yield from each.validators if isinstance(each, validate.And) else (each,)


def schemas(base: type[Query | Row]) -> Iterator[type[Query | Row]]:
    """Everything that is read by these rules."""
    for each in base.__subclasses__():
        yield each
        yield from schemas(each)


def test_no_words_are_left_that_are_not_ours() -> None:
    for module in walk_packages(hub.__path__, "hub."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found = {schema for base in (Query, Row) for schema in schemas(base)}
    every = [(schema, part) for schema in found for field in schema().fields.values() for part in parts(field)]

    assert len(every) > 200
    assert [(s, f.name) for s, f in every if not all(isinstance(one, Text) for one in f.error_messages.values())] == []
    rules = [(schema, rule) for schema, field in every for rule in validators(field) if hasattr(rule, "error")]
    assert [(schema, rule) for schema, rule in rules if not isinstance(rule.error, Text) or "None" in rule.error] == []
