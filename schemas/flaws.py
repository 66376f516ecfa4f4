"""What is wrong with an input: a list of flaws, each with its place, a stable code and a bilingual text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schemas.texts import Text

MAX_FLAWS = 64  # reported per input; more would only repeat themselves
INVALID = Text("This value is not valid.", "Este valor no es válido.", code="invalid")
_SCHEMA = "_schema"  # marshmallow's key for what concerns an object as a whole
_PRINTABLE_MEMBER = re.compile(r"[A-Za-z0-9_$@.:+-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong; it never repeats a value from the input, which may be personal data."""

    path: str  # JSON pointer (RFC 6901), or the row, column or element path of another format
    code: str  # stable slug
    text: Text


class Malformed(Exception):
    """An input that breaks the published language; ``flaws`` says where and why."""

    def __init__(self, *flaws: Flaw) -> None:
        """Carry at least one flaw."""
        super().__init__("; ".join(f"{flaw.path or '/'}: {flaw.text}" for flaw in flaws))
        self.flaws: tuple[Flaw, ...] = flaws


def flaw(path: str, text: Text) -> Flaw:
    """A flaw whose code is the one its text carries."""
    return Flaw(path=path, code=text.code or INVALID.code, text=text)


def member(name: object) -> str:
    """One JSON pointer step; a name that could itself be personal data is shown as ``?``."""
    step = str(name)
    return step if _PRINTABLE_MEMBER.fullmatch(step) else "?"


def flatten(messages: object, path: str = "") -> Iterator[Flaw]:
    """Turn marshmallow's nested messages into flaws with JSON pointers, in input order."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from flatten(inner, path if key == _SCHEMA else f"{path}/{member(key)}")
    elif isinstance(messages, str):
        yield flaw(path, messages if isinstance(messages, Text) else INVALID)
    elif isinstance(messages, Iterable):
        for inner in messages:
            yield from flatten(inner, path)
