"""From the two Cedar files to policies that Cedar reads: phrases are written out, grants and consents put in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).parent
_LET = re.compile(r"^// let (?P<name>[A-Z_]+)(\((?P<parameters>[a-z, ]+)\))? = (?P<phrase>.+)$", re.MULTILINE)
_RULE = re.compile(r'@id\("(?P<id>[^"]+)"\)\n(?P<text>.+?;)\n', re.DOTALL)
FILES = ("rules.cedar", "grant.cedar")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A name for a condition, with words to be put in the place of its parameters."""

    parameters: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Rules:
    """The rules as they are written; a mutated set differs in one phrase or lacks one rule."""

    phrases: Mapping[str, Phrase]
    texts: Mapping[str, str]

    @classmethod
    def read(cls) -> Rules:
        """From the files beside this module."""
        written = "\n".join((HERE / name).read_text("utf-8") for name in FILES)
        phrases = {
            found["name"]: Phrase(tuple((found["parameters"] or "").replace(",", " ").split()), found["phrase"])
            for found in _LET.finditer(written)
        }
        return cls(phrases, {found["id"]: found["text"] for found in _RULE.finditer(written)})

    def written_out(self, text: str) -> str:
        """`text` without any phrase left in it."""
        names = "|".join(sorted(self.phrases, key=len, reverse=True))
        call = re.compile(rf"\b({names})\b(?:\(([^()]*)\))?")

        def put(found: re.Match[str]) -> str:
            phrase = self.phrases[found[1]]
            given = [word.strip() for word in (found[2] or "").split(",")] if phrase.parameters else []
            by_name = dict(zip(phrase.parameters, given, strict=True))
            words = re.compile(rf"\b({'|'.join(phrase.parameters)})\b") if by_name else None
            body = words.sub(lambda word: by_name[word[1]], phrase.text) if words else phrase.text
            return body + (f"({found[2]})" if found[2] is not None and not phrase.parameters else "")

        while (after := call.sub(put, text)) != text:
            text = after
        return text

    @cached_property
    def standing(self) -> str:
        """The rules that hold whatever is granted."""
        own = (f'@id("{rule}")\n{text}' for rule, text in self.texts.items() if rule not in ("grant", "consent"))
        return self.written_out("\n".join(own))

    @cached_property
    def _grant(self) -> tuple[str, str]:
        return self.written_out(self.texts["grant"]), self.written_out(self.texts["consent"])

    def policies(self, grants: Iterable[str], consents: Iterable[str]) -> str:
        """The whole set for a node with these grants and consents."""
        made = [self.standing]
        for grant in grants:
            opens, consented = (re.sub(r"\bG\b", f'Grant::"{grant}"', text) for text in self._grant)
            made.append(f'@id("{grant}")\n{opens}')
            made += [
                f'@id("{grant}/{consent}")\n' + re.sub(r"\bC\b", f'Consent::"{consent}"', consented)
                for consent in consents
            ]
        return "\n".join(made)
