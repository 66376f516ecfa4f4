"""The sections of a table connector's TOML file, checked against the published schemas before any row is read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import Schema, ValidationError, post_load, pre_load

from connectors.table.build import build
from connectors.table.cells import FEET, UNITS
from connectors.table.mapping import SheetSettings, TableSettings
from connectors.table.targets import LABEL, VERBS
from schemas.complaints import NOT_AN_OBJECT
from schemas.envelope import STATUSES
from schemas.fields import Body, Code, Flag, Formed, Jurisdiction, Leaf, Line, Many, One, Whole
from schemas.sensitivity import PUBLIC, Metadata, Sensitivity
from schemas.texts import Text

PRESETS = Path(__file__).parent / "presets"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")
DELIMITERS = (",", ";", "\t", "|")
SCHEMES = ("SAME", "FIPS6", "FIPS", "UGC", "INEGI", "CVEGEO", "ISO3166-2")  # of schemas.places.from_geocode
HEADING = 200  # characters
MAX_COLUMNS = 512

UNKNOWN_ZONE = Text(
    "This is not a time zone name, such as America/Tijuana.",
    "No es un nombre de zona horaria, como America/Tijuana.",
    code="unknown-zone",
)
ZONES = frozenset(available_timezones())
POINTER = Text("a place in the event, such as /data/cas_Status", "un lugar del evento, como /data/cas_Status")


class Zone(Leaf):
    """A name of the IANA time zone database."""

    default_error_messages = {"zone": UNKNOWN_ZONE}

    def check(self, value: Any) -> ZoneInfo:
        if not isinstance(value, str) or value not in ZONES:
            raise self.make_error("zone")
        return ZoneInfo(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string"}


class Checked(Leaf):
    """An object that must satisfy ``schema`` but is kept as it was written."""

    default_error_messages = {"type": NOT_AN_OBJECT}

    def __init__(self, metadata: Metadata, schema: Schema, **options: Any) -> None:
        super().__init__(metadata, **options)
        self.schema = schema

    def check(self, value: Any) -> Any:
        self.schema.load(value)
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}


class Table(Leaf):
    """A TOML table with free names; ``item`` checks each value."""

    default_error_messages = {"type": NOT_AN_OBJECT}

    def __init__(self, metadata: Metadata, item: Leaf | One, **options: Any) -> None:
        super().__init__(metadata, **options)
        self.item = item

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > MAX_COLUMNS:
            raise self.make_error("type")
        loaded, problems = {}, {}
        for name, inner in value.items():
            try:
                loaded[name] = self.item.deserialize(inner)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            raise ValidationError(problems)
        return loaded

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}


class Anything(Leaf):
    """A constant; what it must be is decided by where it goes."""

    def check(self, value: Any) -> Any:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {}


def heading(**options: Any) -> Line:
    """A column heading."""
    return Line(PUBLIC, HEADING, **options)


class ColumnSection(Body):
    """``[table.columns]``: one entry; ``"Heading" = "/data/..."`` is short for ``{ field = "/data/..." }``."""

    field = Formed(PUBLIC, r"/(?:data|label)(?:/[A-Za-z0-9_]{1,64}){1,8}", POINTER, required=True)
    also = Many(heading(), 16, load_default=())
    codes = Table(PUBLIC, Line(PUBLIC, HEADING), load_default=dict)
    list = Line(PUBLIC, 3)
    required = Flag(PUBLIC, load_default=False)
    optional = Flag(PUBLIC, load_default=False)
    default = Anything(PUBLIC, load_default=None)
    unit = Code(PUBLIC, (*UNITS, FEET))
    decimal = Code(PUBLIC, (".", ","))
    format = Line(PUBLIC, 40)  # strptime
    zone = Zone(PUBLIC)
    digits = Whole(PUBLIC, 1, 12, load_default=0)

    @pre_load
    def _from_pointer(self, entry: Any, **_: Any) -> Any:
        return {"field": entry} if isinstance(entry, str) else entry


class TimeSection(Body):
    """``[table.time]``; without it an event's time is when this connector first saw the row so."""

    column = heading(required=True)
    format = Line(PUBLIC, 40)
    zone = Zone(PUBLIC)


class WithdrawnSection(Body):
    """``[table.withdrawn]``"""

    column = heading()
    values = Many(heading(), 32, load_default=())
    located = Many(heading(), 32, load_default=())  # alert.missing_child only
    missing = Code(PUBLIC, ("keep", "close"), load_default="keep")


class PlacesSection(Body):
    """``[table.jurisdiction]``; without it every row belongs to the source's own jurisdictions."""

    fixed = Many(Jurisdiction(PUBLIC), 64, load_default=())
    column = heading()
    scheme = Code(PUBLIC, SCHEMES)
    codes = Table(PUBLIC, Jurisdiction(PUBLIC), load_default=dict)
    list = Line(PUBLIC, 3, load_default=";")
    digits = Whole(PUBLIC, 1, 12, load_default=0)


class TableSection(Body):
    """``[table]``"""

    preset = Code(PUBLIC, sorted(file.stem for file in PRESETS.glob("*.toml")))
    type = Code(PUBLIC, VERBS, required=True)
    status = Code(PUBLIC, STATUSES, load_default="actual")
    key = Many(heading(), 8, least=1, unique=True, required=True)
    key_prefix = Line(PUBLIC, 40, load_default="")
    subject = Many(heading(), 8, least=1, unique=True)
    id_key_file = Line(PUBLIC, 1000, load_default=None)
    highest = Code(PUBLIC, [level.slug for level in Sensitivity], load_default="enforcement")
    zone = Zone(PUBLIC)
    list = Line(PUBLIC, 3, load_default=";")
    decimal = Code(PUBLIC, (".", ","), load_default=".")
    time = One(PUBLIC, TimeSection)
    withdrawn = One(PUBLIC, WithdrawnSection)
    jurisdiction = One(PUBLIC, PlacesSection)
    columns = Table(PUBLIC, One(PUBLIC, ColumnSection), required=True)
    fixed = Table(PUBLIC, Anything(PUBLIC), load_default=dict)


class SheetSection(Body):
    """``[source]``"""

    path = Line(PUBLIC, 1000, required=True)
    pattern = Line(PUBLIC, 200, load_default=None)
    sheet = Line(PUBLIC, 31, load_default=None)
    encoding = Code(PUBLIC, ENCODINGS, load_default="utf-8")
    delimiter = Code(PUBLIC, DELIMITERS, load_default=None)
    header_row = Whole(PUBLIC, 1, 100, load_default=1)
    max_rows = Whole(PUBLIC, 1, 1_000_000, load_default=100_000)
    max_mb = Whole(PUBLIC, 1, 1_000, load_default=64)


class TableSections(Body):
    """Everything in the file that is this kind's own."""

    source = One(PUBLIC, SheetSection, required=True)
    table = One(PUBLIC, TableSection, required=True)
    label = Checked(PUBLIC, LABEL, load_default=dict)

    @pre_load
    def _on_preset(self, sections: Any, **_: Any) -> Any:
        table = sections.get("table")
        name = table.get("preset") if isinstance(table, dict) else None
        file = PRESETS / f"{name}.toml"
        if not isinstance(name, str) or file not in set(PRESETS.glob("*.toml")):
            return sections
        return _without_removed(_over(tomllib.loads(file.read_text(encoding="utf-8")), sections))

    @post_load
    def _resolved(self, sections: dict[str, Any], **_: Any) -> TableSettings:
        table = sections["table"]
        return TableSettings(
            sheet=SheetSettings(**sections["source"]),
            map=build(table, sections["label"]),
            id_key_file=table["id_key_file"],
        )


def _over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """``top`` wins; tables are merged member by member."""
    merged = dict(base)
    for name, value in top.items():
        inner = merged.get(name)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[name] = _over(inner, value) if both and isinstance(inner, Mapping) else value
    return merged


def _without_removed(sections: dict[str, Any]) -> dict[str, Any]:
    """``"Heading" = false`` takes a column of the preset out."""
    columns = sections["table"].get("columns")
    if isinstance(columns, dict):
        sections["table"]["columns"] = {name: entry for name, entry in columns.items() if entry is not False}
    return sections
