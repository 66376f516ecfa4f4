"""Rules that hold for every schema, so that no new member can forget them."""

from __future__ import annotations

import copy
import json
import pickle
import random
import string
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import RAISE, Schema, ValidationError, fields

from schemas import accept, complaints, envelope, export, registry
from schemas.bilingual import Bilingual
from schemas.case import TraffickingSchema
from schemas.coarse import FUNCTIONS
from schemas.envelope import ENVELOPE
from schemas.fields import Body, Leaf, Line, Many
from schemas.flaws import Malformed, flatten
from schemas.plan import _object, _value
from schemas.sensitivity import PUBLIC, Coarse, Sensitivity
from schemas.texts import Text
from tests.schemas import strategies
from tests.support.events import alert, case, warning
from tests.support.examples import examples

ROOTS: list[tuple[str, Schema]] = [("envelope", ENVELOPE), *registry.BODIES.items()]


def every_schema(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """A schema and all that are nested in it, however deep."""
    yield path, schema
    for name, field in schema.fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            yield from every_schema(inner.schema, f"{path}/{name}")


def every_field(schema: Schema, path: str) -> Iterator[tuple[str, fields.Field[Any]]]:
    """Every field at every depth, items of lists included."""
    for at, found in every_schema(schema, path):
        for name, field in found.fields.items():
            yield f"{at}/{name}", field
            if isinstance(field, fields.List):
                yield f"{at}/{name}/0", field.inner


SCHEMAS = [found for path, root in ROOTS for found in every_schema(root, path)]
FIELDS = [found for path, root in ROOTS for found in every_field(root, path)]


def test_every_field_at_every_depth_declares_its_sensitivity() -> None:
    undeclared = [path for path, field in FIELDS if not isinstance(field.metadata.get("sensitivity"), Sensitivity)]

    assert undeclared == []
    assert len(FIELDS) > 500


def test_a_field_only_ever_lapses_to_something_stricter() -> None:
    looser = [path for path, field in FIELDS if field.metadata.get("lapses_to", 3) < field.metadata["sensitivity"]]

    assert looser == []


def test_every_coarse_member_has_its_function_a_free_name_and_a_lower_sensitivity() -> None:
    for path, schema in SCHEMAS:
        for name, field in schema.fields.items():
            coarse: Coarse | None = field.metadata.get("coarse")
            if coarse is not None:
                strictest = max(field.metadata["sensitivity"], field.metadata.get("lapses_to", 0))
                assert coarse.by in FUNCTIONS, f"{path}/{name}"
                assert coarse.name not in schema.fields, f"{path}/{name}"
                assert coarse.sensitivity < strictest, f"{path}/{name}"
                if coarse.of is not None:
                    assert schema.fields[coarse.of].metadata["sensitivity"] <= coarse.sensitivity, f"{path}/{name}"


@pytest.mark.parametrize("event", [alert(), warning(), case()], ids=lambda event: event["type"])
def test_a_member_that_no_schema_declares_is_refused_wherever_it_stands(event: Any) -> None:
    places = [path for path, _ in objects(event)]
    assert len(places) > 3
    for path in places:
        name = "".join(random.choices(string.ascii_lowercase, k=12))  # noqa: S311 - nothing secret
        changed = copy.deepcopy(event)
        dict(objects(changed))[path][name] = "Ximena"

        with pytest.raises(Malformed) as refused:
            envelope.load(changed)
        assert [flaw.path for flaw in refused.value.flaws] == [f"{path}/{name}"]


def objects(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of an event that a schema describes member by member, with where they are."""
    yield "", event
    yield from described(event["data"], "/data", registry.BODIES[event["type"]])


def described(value: Any, path: str, at: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same below a place."""
    if isinstance(at, fields.Nested):
        at = at.schema
    if isinstance(at, Schema):
        yield path, value
        for name, inner in value.items():
            yield from described(inner, f"{path}/{name}", at.fields[name])
    elif isinstance(at, fields.List):
        for index, inner in enumerate(value):
            yield from described(inner, f"{path}/{index}", at.inner)


def test_a_field_that_declares_nothing_stops_the_start() -> None:
    class Careless(TraffickingSchema):
        nickname = fields.String()

    with pytest.raises(KeyError, match="sensitivity"):
        _object(Careless(), _value(PUBLIC))
    with pytest.raises(TypeError, match="metadata"):
        Line(max_chars=10)  # type: ignore[call-arg]


def test_every_schema_refuses_unknown_members() -> None:
    assert [path for path, schema in SCHEMAS if not isinstance(schema, Body) or schema.unknown != RAISE] == []


def test_every_message_is_bilingual_and_has_a_code() -> None:
    messages = [(path, message) for path, field in FIELDS for message in field.error_messages.values()]
    messages += [(path, message) for path, schema in SCHEMAS for message in schema.error_messages.values()]

    assert [path for path, message in messages if not (isinstance(message, Text) and message.es and message.code)] == []
    assert [path for path, field in FIELDS if field.validators] == []  # their messages would escape this guard


def test_every_complaint_says_something_different_in_spanish() -> None:
    complained = [text for text in vars(complaints).values() if isinstance(text, Text)]

    assert complained
    assert all(text.es != str(text) for text in complained)


def test_every_list_and_text_has_a_limit() -> None:
    assert [path for path, field in FIELDS if isinstance(field, fields.List) and not isinstance(field, Many)] == []
    assert all(field.most <= 200 for _, field in FIELDS if isinstance(field, Many))
    assert all(field.max_chars <= 20_000 for _, field in FIELDS if isinstance(field, Bilingual))


def test_every_value_describes_itself() -> None:
    assert [path for path, field in FIELDS if isinstance(field, Leaf) and not field.json_schema()] == []


def test_the_published_json_schemas_are_current() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in export.FOLDER.glob("*.json")}

    assert published == export.documents(), "run python -m schemas.export"


@pytest.mark.parametrize("event_type", registry.BODIES)
def test_every_reference_in_a_json_schema_resolves(event_type: str) -> None:
    schema = export.event_schema(event_type, registry.BODIES[event_type])

    references = {part.split('"')[0] for part in json.dumps(schema).split('"$ref": "#/$defs/')[1:]}

    assert references == schema["$defs"].keys()


@given(strategies.events(), st.data())
@settings(max_examples=examples(150))
def test_the_short_way_and_marshmallow_are_of_one_mind(event: dict[str, Any], data: st.DataObject) -> None:
    schema = registry.BODIES[event["type"]]
    body = copy.deepcopy(event["data"])
    spoil(body, data)

    try:
        expected: object = schema.load(body)
    except ValidationError as refused:
        expected = sorted(str(flaw) for flaw in flatten(refused.messages))

    assert short_way(schema, body) == expected


@given(strategies.events())
@settings(max_examples=examples(50))
def test_what_is_valid_takes_the_short_way(event: dict[str, Any]) -> None:
    schema = registry.BODIES[event["type"]]

    assert accept.check_of(schema)(event["data"]) == schema.load(event["data"])


def short_way(schema: Schema, body: Any) -> object:
    """What the compiled check says; its doubts and refusals both end with marshmallow."""
    try:
        return accept.load(schema, body)
    except ValidationError as refused:
        return sorted(str(flaw) for flaw in flatten(refused.messages))


def spoil(body: Any, data: st.DataObject) -> None:
    """Perhaps put something unexpected somewhere."""
    places = [place for place in containers(body) if place]
    if not places or data.draw(st.booleans()):
        return
    place = data.draw(st.sampled_from(places))
    rubbish: Any = data.draw(st.sampled_from([None, True, -1, 1e9, "", "\x07", [], {}, [[]], {"a": 1}, ["a"] * 300]))
    if isinstance(place, dict):
        place[data.draw(st.sampled_from([*place, "surplus"]))] = rubbish
    else:
        place.append(rubbish)


def containers(value: Any) -> Iterator[Any]:
    """Every object and list, outermost first."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def test_a_text_stays_bilingual_wherever_it_goes() -> None:
    text = Text("at most {limit} {what}", "como máximo {limit} {what}", code="limit")

    filled = text.format(limit=3, what=Text("items", "elementos"))

    assert (filled, filled.es, filled.code) == ("at most 3 items", "como máximo 3 elementos", "limit")
    assert filled.in_("es") == filled.es
    assert type(filled.in_("en")) is str
    assert copy.deepcopy(filled).es == pickle.loads(pickle.dumps(filled)).es == filled.es  # noqa: S301
