"""Text for people in English and Spanish, which says whether a machine translated it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from schemas.complaints import BAD_CHARACTER, LENGTH, NOT_AN_OBJECT, NOT_TEXT, UNKNOWN
from schemas.fields import Leaf, Line, Prose
from schemas.forms import LANGUAGE_PATTERN, language
from schemas.sensitivity import PUBLIC, Metadata
from schemas.texts import Text

LANGUAGES = ("en", "es")
TRANSLATIONS = ("human", "machine", "none")
NO_TEXT = Text('Give the text in "en" or "es".', 'Dé el texto en "en" o "es".', code="no-text")
BAD_TRANSLATION = Text(
    "translation must be human, machine or none.", "translation debe ser human, machine o none.", code="unknown-code"
)
NO_ORIGINAL = Text(
    "A machine translation must name the language of the original.",
    "Una traducción automática debe indicar el idioma del original.",
    code="no-original",
)


class Bilingual(Leaf):
    """
    ``{"en", "es", "translation", "original"}``: at least one text of at most ``max_chars`` characters.

    ``translation`` says how the other language came about (``none``: it did not, or both are originals);
    ``original`` is the BCP 47 tag of the source text, required when a machine translated.
    """

    default_error_messages = {
        "object": NOT_AN_OBJECT,
        "member": UNKNOWN,
        "text": NOT_TEXT,
        "length": LENGTH,
        "character": BAD_CHARACTER,
        "empty": NO_TEXT,
        "translation": BAD_TRANSLATION,
        "original": NO_ORIGINAL,
    }

    def __init__(self, metadata: Metadata, max_chars: int, *, one_line: bool = False, **options: Any) -> None:
        super().__init__(metadata, **options)
        self.max_chars = max_chars
        text: Prose = Line(PUBLIC, max_chars) if one_line else Prose(PUBLIC, max_chars)
        self._members: Mapping[str, Leaf] = {"en": text, "es": text, "original": language(PUBLIC)}

    def check(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise self.make_error("object")
        if len(value) > len(self._members) + 1:
            raise self.make_error("member")
        problems: dict[str, list[Any]] = {}
        for name, inner in value.items():
            field = self._members.get(name)
            if field is not None:
                try:
                    field.deserialize(inner)
                except ValidationError as error:
                    problems[name] = list(error.messages)
            elif name != "translation":
                problems[name] = [UNKNOWN]
            elif inner not in TRANSLATIONS:
                problems[name] = [BAD_TRANSLATION]
        if problems:
            raise ValidationError(problems)
        if "en" not in value and "es" not in value:
            raise self.make_error("empty")
        if value.get("translation") == "machine" and "original" not in value:
            raise self.make_error("original")
        return value

    def json_schema(self) -> dict[str, Any]:
        text = {"type": "string", "minLength": 1, "maxLength": self.max_chars}
        return {
            "type": "object",
            "properties": {
                "en": text,
                "es": text,
                "original": {"type": "string", "pattern": f"^(?:{LANGUAGE_PATTERN})$"},
                "translation": {"enum": list(TRANSLATIONS)},
            },
            "anyOf": [{"required": ["en"]}, {"required": ["es"]}],
            "additionalProperties": False,
        }


def machine_members(value: Mapping[str, Any]) -> frozenset[str]:
    """The members of a bilingual object that a machine wrote; they are never shown to the public."""
    if value.get("translation") != "machine":
        return frozenset()
    original = str(value.get("original", "")).partition("-")[0].lower()
    return frozenset(name for name in LANGUAGES if name != original)
