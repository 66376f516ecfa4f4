"""The info blocks of an alert to bilingual members: one event in several languages, and who translated them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.cap import languages
from connectors.cap.document import DEFAULT_LANGUAGE, Info
from connectors.cap.settings import Reading
from schemas.alert import HEADLINE_CHARS, TEXT_CHARS
from schemas.fields import printable
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

CUT = Text(
    "The text is longer than {most} characters and was cut; the original has all of it.",
    "El texto supera {most} caracteres y se cortó; el original lo tiene completo.",
    code="text-cut",
)
NEITHER = Text(
    "The alert is in neither English nor Spanish; its headline stands as it is.",
    "La alerta no está en inglés ni en español; su título queda como está.",
    code="language-neither",
)
MAX_BLOCKS = 16
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One info block and what it is a rendering of."""

    info: Info
    tag: str  # BCP 47, en-US where none is given
    is_machine: bool


class Texts:
    """The renderings of one alert; members are built from it, and what had to be cut is noted in ``flaws``."""

    def __init__(self, infos: Sequence[Info], reading: Reading) -> None:
        self.flaws: list[Flaw] = []
        renderings = [_rendering(info, reading) for info in infos]
        self._main: dict[str, Rendering] = {}
        self._other: list[Rendering] = []
        for one in renderings:
            language = languages.of(one.tag)
            if language is not None and language not in self._main:
                self._main[language] = one
            else:
                self._other.append(one)
        human = [one.tag for one in renderings if not one.is_machine]
        self._original = human[0] if human else "und"
        if infos and not self._main:
            self.flaws.append(flaw(infos[0].path, NEITHER))

    @property
    def language(self) -> str:
        """``en`` or ``es``: that of the first block in one of them."""
        return next(iter(self._main), "en")

    @property
    def has_main(self) -> bool:
        """Whether any block is in one of our languages."""
        return bool(self._main)

    def language_of(self, info: Info) -> str | None:
        """``en`` or ``es`` if this block is the alert's rendering in that language."""
        return next((language for language, one in self._main.items() if one.info is info), None)

    def bilingual(
        self, read: Callable[[Info], tuple[str, str]], most: int, *, one_line: bool = False
    ) -> dict[str, Any] | None:
        """
        A member in our two languages; None if no block has it.

        ``read`` gives the name of the element and its text. A text in another language stands in where it must.
        """
        found: dict[str, Any] = {}
        for language, one in self._main.items():
            text = self.cut(one.info.path, read(one.info), most, one_line=one_line)
            if text:
                found[language] = text
        return self.credited(found) if found else None

    def credited(self, member: dict[str, Any]) -> dict[str, Any]:
        """A bilingual member that says so if a machine translated one of its languages."""
        if any(one.is_machine for language, one in self._main.items() if language in member):
            member |= {"translation": "machine", "original": self._original}
        return member

    def stand_in(self, read: Callable[[Info], tuple[str, str]], most: int) -> dict[str, Any] | None:
        """The text of an alert that is in neither language, under its own tag."""
        if self._main or not self._other:
            return None
        one = self._other[0]
        text = self.cut(one.info.path, read(one.info), most, one_line=True)
        return {"en": text, "translation": "none", "original": one.tag} if text else None

    def blocks(self) -> list[dict[str, Any]]:
        """Renderings in further languages, and further blocks in one of ours."""
        return [self._block(one) for one in self._other[:MAX_BLOCKS]]

    def cut(self, path: str, named: tuple[str, str], most: int, *, one_line: bool = False) -> str:
        """Printable text of at most ``most`` characters; one that had to be cut ends in an ellipsis."""
        name, written = named
        text = " ".join(printable(written).split()) if one_line else printable(written).strip()
        if len(text) <= most:
            return text
        self.flaws.append(flaw(f"{path}/{name}", CUT.format(most=most)))
        return text[: most - 1] + ELLIPSIS

    def _block(self, one: Rendering) -> dict[str, Any]:
        info = one.info
        members: Mapping[str, str] = {
            "event": self.cut(info.path, ("event", info.event), 200, one_line=True),
            "headline": self.cut(info.path, ("headline", info.headline), HEADLINE_CHARS, one_line=True),
            "description": self.cut(info.path, ("description", info.description), TEXT_CHARS),
            "instruction": self.cut(info.path, ("instruction", info.instruction), TEXT_CHARS),
            "contact": self.cut(info.path, ("contact", info.contact), 500),
            "area": self.cut(info.path, ("area", "; ".join(area.description for area in info.areas)), 1000),
        }
        block: dict[str, Any] = {name: text for name, text in members.items() if text}
        block["language"] = one.tag
        if one.is_machine:
            block["translation"] = "machine"
        return block


def _rendering(info: Info, reading: Reading) -> Rendering:
    tag = languages.written(info.language) if info.language else DEFAULT_LANGUAGE
    known = {tag.lower(), tag.partition("-")[0].lower()}
    by_parameter = any(
        pair.name.casefold() == reading.machine_parameter.casefold() and pair.value.casefold() == "machine"
        for pair in info.parameters
    )
    return Rendering(info=info, tag=tag, is_machine=by_parameter or not known.isdisjoint(reading.machine_languages))
