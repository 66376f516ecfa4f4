"""Bilingual messages: everything a person reads is written once in English and once in Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Language = Literal["en", "es"]


def language_of(environment: Mapping[str, str]) -> Language:
    """
    The language of a terminal: Spanish if the locale says so, else English.

    As gettext asks: what a person prefers (GNU: LANGUAGE, of which the first counts), then LC_ALL, LC_MESSAGES, LANG.
    """
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "es" if locale.lower().startswith("es") else "en"


class Text(str):
    """
    One message in both languages; as a plain string it is the English one.

    It stays bilingual through ``format``, so a ``Text`` can stand wherever marshmallow takes a message.
    ``code`` is the slug that programs switch on when the message is a complaint; otherwise it is empty.
    """

    __slots__ = ("code", "es")
    es: str
    code: str

    def __new__(cls, en: str, es: str, *, code: str = "") -> Text:
        """Join the English and the Spanish wording of one message."""
        text = super().__new__(cls, en)
        text.es = es
        text.code = code
        return text

    def format(self, *args: object, **kwargs: object) -> Text:
        """Fill in both languages; a ``Text`` among the arguments is used in the matching language."""
        spanish_args = [_in_spanish(value) for value in args]
        spanish_kwargs = {key: _in_spanish(value) for key, value in kwargs.items()}
        return Text(str.format(self, *args, **kwargs), self.es.format(*spanish_args, **spanish_kwargs), code=self.code)

    def in_(self, language: str) -> str:
        """The wording in ``language`` ("es" or anything else for English) as a plain string."""
        return self.es if language == "es" else str(self)

    def as_dict(self) -> dict[str, str]:
        """The wire form: ``{"en": ..., "es": ...}``."""
        return {"en": str(self), "es": self.es}

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, str]]:
        return (str(self), self.es), {"code": self.code}

    def __copy__(self) -> Text:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Text:
        return self


def _in_spanish(value: object) -> object:
    return value.es if isinstance(value, Text) else value
