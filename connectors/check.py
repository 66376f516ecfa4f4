"""A dry run: each event that would be published and each refusal, without publishing or remembering anything."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text as Rich

from connectors.config import Config
from connectors.runner import described
from connectors.source import Blank, Item, Source, SourceFailed
from schemas.flaws import Flaw
from schemas.label import DEFAULT_TLP
from schemas.texts import Text

TITLE = Text("Connector {name}: what {agency} would publish", "Conector {name}: lo que publicaría {agency}")
LABEL = Text("Label", "Etiqueta")
NOBODY_ABROAD = Text("(none: stays in its country)", "(ninguno: se queda en su país)")
WHOEVER = Text("(whoever holds a grant)", "(quien tenga una concesión)")
SUMMARY = Text(
    "{events} events, {refusals} refused, {unknown} documents unread",
    "{events} eventos, {refusals} rechazados, {unknown} documentos sin leer",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a dry run came to."""

    events: int = 0
    refusals: int = 0
    unknown: int = 0

    @property
    def is_fine(self) -> bool:
        """Whether everything there is would be published."""
        return not self.refusals and not self.unknown

    def plus(self, item: Item) -> Summary:
        """With one more item."""
        return Summary(
            events=self.events + len(item.events),
            refusals=self.refusals + len(item.refusals),
            unknown=self.unknown + bool(item.unknown),
        )


def items(source: Source) -> Iterator[Item]:
    """Everything the source holds; one that fails as a whole ends with an unread item saying so."""
    try:
        yield from source.items(Blank())
    except SourceFailed as failure:
        yield Item(document="-", unknown=(Flaw(path="", code=failure.code, text=failure.text),))


def as_lines(config: Config, source: Source, out: TextIO) -> Summary:
    """One JSON object per line: the connector with its label, each event and refusal, and the summary."""
    summary = Summary()
    _line(out, kind="connector", name=config.name, agency=config.agency, label=effective_label(config.label))
    for item in items(source):
        summary = summary.plus(item)
        where = {"document": item.document, "position": item.position}
        for remark in item.remarks:
            _line(out, kind="remark", **where, text=remark.as_dict())
        for event in item.events:
            _line(out, kind="event", **where, event=event)
        for refusal in item.refusals:
            for one in refusal.flaws:
                _line(out, kind="refusal", document=refusal.document, position=refusal.position, **_flaw(one))
        for one in item.unknown:
            _line(out, kind="unread", **where, **_flaw(one))
    _line(out, kind="summary", **asdict(summary))
    return summary


def as_text(config: Config, source: Source, console: Console, language: str) -> Summary:
    """The same for a person."""
    console.print(Rich(TITLE.format(name=config.name, agency=config.agency).in_(language), style="bold"))
    console.print(Rich(LABEL.in_(language)))
    for name, value in effective_label(config.label, language).items():
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        console.print(Rich(f"  {name}: {told}"), soft_wrap=True)
    summary = Summary()
    for item in items(source):
        summary = summary.plus(item)
        _show(item, console, language)
    counts = SUMMARY.format(**asdict(summary)).in_(language)
    console.print(Rich(counts, style="green" if summary.is_fine else "red"))
    return summary


def effective_label(label: Mapping[str, Any], language: str | None = None) -> dict[str, Any]:
    """The label with what leaving something out means; for people in words."""
    shown = {"tlp": DEFAULT_TLP, "rel_to": [], "audience": []} | dict(label)
    if language is not None:
        shown["rel_to"] = shown["rel_to"] or NOBODY_ABROAD.in_(language)
        shown["audience"] = shown["audience"] or WHOEVER.in_(language)
    return shown


def _show(item: Item, console: Console, language: str) -> None:
    for remark in item.remarks:
        console.print(Rich(f"{item.document}: {remark.in_(language)}", style="dim"), soft_wrap=True)
    for event in item.events:
        place = " ".join(filter(None, (item.document, item.position)))
        console.print(Rich(f"+ {place} → {event['type']} {event['id']}", style="green"), soft_wrap=True)
        content = json.dumps(event, ensure_ascii=False, indent=2)
        console.print(Rich(textwrap.indent(content, "    ")), soft_wrap=True)
        for defect in event.get("defects", ()):
            console.print(Rich(f"  ! {defect['code']}: {defect['text'][language]}", style="yellow"))
    for line in described(item, language):
        console.print(Rich(f"- {line}", style="red"), soft_wrap=True)


def _flaw(one: Flaw) -> dict[str, Any]:
    return {"path": one.path, "code": one.code, "text": one.text.as_dict()}


def _line(out: TextIO, **content: Any) -> None:
    out.write(json.dumps(content, ensure_ascii=False, default=str) + "\n")
