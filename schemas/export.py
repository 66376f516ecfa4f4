"""JSON Schemas for agencies that do not use Python: ``python -m schemas.export`` writes schemas/json."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields

from schemas import registry
from schemas.envelope import ENVELOPE
from schemas.fields import Leaf, Many

FOLDER = Path(__file__).parent / "json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]


def documents() -> dict[str, str]:
    """File name -> text, one self-contained schema per event type."""
    return {
        f"{event_type}.schema.json": json.dumps(event_schema(event_type, body), indent=1, ensure_ascii=False) + "\n"
        for event_type, body in registry.BODIES.items()
    }


def event_schema(event_type: str, body: Schema) -> Json:
    """The JSON Schema of a whole event: the envelope with this type and its body."""
    definitions: Json = {}
    envelope = _object(ENVELOPE, definitions)
    envelope["properties"]["type"] = {"const": event_type}
    envelope["properties"]["data"] = _object(body, definitions)
    envelope["required"] = sorted([*envelope["required"], "data"])
    return {"$schema": DIALECT, "title": event_type, **envelope, "$defs": dict(sorted(definitions.items()))}


def _object(schema: Schema, definitions: Json) -> Json:
    left_out = schema.partial if isinstance(schema.partial, tuple) else ()
    required = sorted(name for name, field in schema.fields.items() if field.required and name not in left_out)
    properties = {name: _field(field, definitions) for name, field in sorted(schema.fields.items())}
    return {
        "type": "object",
        "description": inspect.cleandoc(type(schema).__doc__ or "").partition("\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _field(field: fields.Field[Any], definitions: Json) -> Json:
    if isinstance(field, Leaf):
        return field.json_schema() | _travel(field.metadata)
    if isinstance(field, Many):
        items = _field(field.inner, definitions)
        items = {key: value for key, value in items.items() if not key.startswith("x-")}
        counts = {"minItems": field.least, "maxItems": field.most, "uniqueItems": field.unique}
        return {"type": "array", "items": items, **counts} | _travel(field.metadata)
    if isinstance(field, fields.Nested):
        name = type(field.schema).__name__.removesuffix("Schema")
        if name not in definitions:
            definitions[name] = _object(field.schema, definitions)
        return {"$ref": f"#/$defs/{name}"} | _travel(field.metadata)
    raise TypeError(f"{type(field).__name__} has no JSON Schema")


def _travel(metadata: Mapping[str, Any]) -> Json:
    """How far a member may travel, as extension keywords."""
    travel: Json = {"x-sensitivity": metadata["sensitivity"].slug}
    if "lapses_to" in metadata:
        travel["x-lapses-to"] = metadata["lapses_to"].slug
    if "coarse" in metadata:
        travel["x-coarser"] = metadata["coarse"].name
    return travel


def main() -> None:
    """Write every schema; remove those of types that are gone."""
    FOLDER.mkdir(exist_ok=True)
    current = documents()
    for name, text in current.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for stale in FOLDER.glob("*.schema.json"):
        if stale.name not in current:
            stale.unlink()


if __name__ == "__main__":
    main()
