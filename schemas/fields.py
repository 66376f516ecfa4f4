"""
The fields that every schema is made of; each takes its sensitivity first, so none can be forgotten.

They validate without converting (an event is stored as it was written), except for times, which are
parsed so that rules can compare them. No message repeats a value, which may be personal data.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing, pre_load, validates_schema

from schemas import complaints as say
from schemas import places
from schemas.sensitivity import Metadata
from schemas.texts import Text

MAX_FLAWED = 16  # items of one list, or unknown members of one object, that get a message each

_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_NOT_IN_PROSE = re.compile(f"[{_CONTROLS}]")
_NOT_IN_LINE = re.compile(f"[{_CONTROLS}\t\n\r\u2028\u2029]")
_INSTANT = re.compile(
    r"(?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_DAY = re.compile(r"(?:19|20|21)\d\d-\d\d-\d\d", re.ASCII)


def printable(text: str) -> str:
    """``text`` without the characters that no text field accepts; for connectors, whose sources are less strict."""
    return _NOT_IN_PROSE.sub("", text)


class Body(Schema):
    """An object of the published language: unknown members are an error, at every depth."""

    error_messages = {"type": say.NOT_AN_OBJECT, "unknown": say.UNKNOWN}

    @pre_load
    def _bound_work(self, data: Any, **_: Any) -> Any:
        # A thousand unknown members would cost a thousand messages that nobody reads.
        if isinstance(data, dict) and len(data) > len(self.fields) + MAX_FLAWED:
            raise ValidationError(say.TOO_MANY_UNKNOWN)
        return data

    def check_together(self, loaded: dict[str, Any]) -> None:
        """The rules across members, once each member is sound; raises ValidationError."""

    @validates_schema
    def _check_together(self, loaded: dict[str, Any], **_: Any) -> None:
        self.check_together(loaded)


class Leaf(fields.Field[Any], ABC):
    """One value. Subclasses say how it is checked, and describe it in JSON Schema."""

    default_error_messages = {"required": say.REQUIRED, "null": say.NULL, "validator_failed": say.NOT_TEXT}

    def __init__(self, metadata: Metadata, *, required: bool = False, load_default: Any = missing) -> None:
        """Declare the sensitivity first: a field without one cannot be written."""
        super().__init__(metadata=metadata, required=required, load_default=load_default)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Skip marshmallow's empty hook lists for present values: a third of the time of a load."""
        if value is missing or value is None:
            return super().deserialize(value, attr, data, **kwargs)
        return self.check(value)

    @abstractmethod
    def check(self, value: Any) -> Any:
        """The value as later rules compare it; raises ValidationError with a bilingual message."""

    def json_schema(self) -> dict[str, Any]:
        """This value in JSON Schema 2020-12; what is published describes itself, settings need not."""
        return {}


class Prose(Leaf):
    """Text of one or more lines, 1 to ``max_chars`` characters."""

    default_error_messages = {"text": say.NOT_TEXT, "length": say.LENGTH, "character": say.BAD_CHARACTER}
    refused = _NOT_IN_PROSE

    def __init__(self, metadata: Metadata, max_chars: int, **options: Any) -> None:
        super().__init__(metadata, **options)
        self.max_chars = max_chars

    def check(self, value: Any) -> str:
        if type(value) is not str:
            raise self.make_error("text")
        if not 0 < len(value) <= self.max_chars:
            raise self.make_error("length", min=1, max=self.max_chars)
        if self.refused.search(value):
            raise self.make_error("character")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_chars}


class Line(Prose):
    """Text of one line."""

    refused = _NOT_IN_LINE


class Formed(Leaf):
    """A string of a fixed form; ``what`` completes the sentence "This must be ..."."""

    default_error_messages = {"text": say.NOT_TEXT, "form": say.PATTERN}

    def __init__(self, metadata: Metadata, pattern: str, what: Text, **options: Any) -> None:
        super().__init__(metadata, **options)
        self.pattern = re.compile(pattern, re.ASCII)
        self.what = what

    def check(self, value: Any) -> str:
        if type(value) is not str:
            raise self.make_error("text")
        if not self.pattern.fullmatch(value):
            raise self.make_error("form", what=self.what)
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern.pattern})$"}


class Code(Leaf):
    """One of a closed list of codes."""

    default_error_messages = {"code": say.NOT_A_CODE}

    def __init__(self, metadata: Metadata, codes: Iterable[str], **options: Any) -> None:
        super().__init__(metadata, **options)
        self.codes = tuple(codes)
        self._known = frozenset(self.codes)
        shown = ", ".join(self.codes[:12])
        self.hint = f"{shown}, ..." if len(self.codes) > 12 else shown

    def check(self, value: Any) -> str:
        if type(value) is not str or value not in self._known:
            raise self.make_error("code", hint=self.hint)
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.codes)}


class Number(Leaf):
    """A JSON number (never a string or a boolean) between two bounds, both included."""

    default_error_messages = {"number": say.NOT_A_NUMBER}
    accepted: tuple[type, ...] = (int, float)
    json_type = "number"

    def __init__(self, metadata: Metadata, low: float, high: float, **options: Any) -> None:
        super().__init__(metadata, **options)
        self.low, self.high = low, high

    def check(self, value: Any) -> float:
        if type(value) not in self.accepted or not self.low <= value <= self.high:
            raise self.make_error("number", min=self.low, max=self.high)
        return value  # type: ignore[no-any-return]

    def json_schema(self) -> dict[str, Any]:
        return {"type": self.json_type, "minimum": self.low, "maximum": self.high}


class Whole(Number):
    """A whole number between two bounds, both included."""

    default_error_messages = {"number": say.NOT_WHOLE}
    accepted = (int,)
    json_type = "integer"


class Flag(Leaf):
    """true or false."""

    default_error_messages = {"flag": say.NOT_A_FLAG}

    def check(self, value: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("flag")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Instant(Leaf):
    """A time with its offset (RFC 3339), years 1900 to 2199; loads as an aware datetime."""

    default_error_messages = {"instant": say.NOT_AN_INSTANT}

    def check(self, value: Any) -> datetime:
        # The pattern first: fromisoformat also takes week dates, missing offsets and spaces.
        if type(value) is not str or not _INSTANT.fullmatch(value):
            raise self.make_error("instant")
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise self.make_error("instant") from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class Day(Leaf):
    """A calendar date, years 1900 to 2199; loads as a date."""

    default_error_messages = {"day": say.NOT_A_DAY}

    def check(self, value: Any) -> date:
        if type(value) is not str or not _DAY.fullmatch(value):
            raise self.make_error("day")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.make_error("day") from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


class Jurisdiction(Leaf):
    """A place of the shipped reference data: ``US``, ``MX-BCN``, ``US-CA:06073``, ``MX-BCN:02004``."""

    default_error_messages = {"place": say.NOT_A_PLACE}

    def check(self, value: Any) -> str:
        if type(value) is not str or not places.is_jurisdiction(value):
            raise self.make_error("place")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": places.PATTERN}


class Many(fields.List[Any]):
    """A list of ``least`` to ``most`` items; the count is checked before any item is looked at."""

    default_error_messages = {
        "required": say.REQUIRED,
        "null": say.NULL,
        "invalid": say.NOT_A_LIST,
        "count": say.COUNT,
        "repeated": say.REPEATED,
        "validator_failed": say.NOT_A_LIST,
    }

    def __init__(self, item: fields.Field[Any], most: int, *, least: int = 0, unique: bool = False, **options: Any):
        super().__init__(item, metadata=item.metadata, **options)  # a list is as sensitive as its items
        self.least, self.most, self.unique = least, most, unique

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Count first, then look at the items."""
        if value is missing or value is None:
            return super().deserialize(value, attr, data, **kwargs)
        if type(value) is not list:
            raise self.make_error("invalid")
        if not self.least <= len(value) <= self.most:
            raise self.make_error("count", min=self.least, max=self.most)
        loaded, flawed = self._load_items(value, kwargs)
        if flawed:
            raise ValidationError(flawed, valid_data=loaded)
        if self.unique and len(set(loaded)) != len(loaded):
            raise self.make_error("repeated")
        return loaded

    def _load_items(self, items: list[Any], options: dict[str, Any]) -> tuple[list[Any], dict[int, Any]]:
        """The sound items, and the messages for the first flawed ones: more would only cost time."""
        loaded, flawed = [], {}
        for index, item in enumerate(items):
            try:
                loaded.append(self.inner.deserialize(item, **options))
            except ValidationError as error:
                flawed[index] = error.messages
                if len(flawed) == MAX_FLAWED:
                    break
        return loaded, flawed


class One(fields.Nested):
    """A nested object."""

    default_error_messages = {
        "required": say.REQUIRED,
        "null": say.NULL,
        "type": say.NOT_AN_OBJECT,
        "validator_failed": say.NOT_AN_OBJECT,
    }

    def __init__(self, metadata: Metadata, schema: type[Schema] | Schema, **options: Any) -> None:
        super().__init__(schema, metadata=metadata, **options)
