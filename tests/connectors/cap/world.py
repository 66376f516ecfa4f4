"""A connector in a folder of its own: its configuration, the real journal, and everything it would have published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.cap import source as cap
from connectors.config import Config, load
from connectors.journal import Journal
from connectors.source import Blank, Item
from schemas import envelope, wire

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "cap"


class Connector:
    """One CAP connector at work; an event counts as published once the journal has it acknowledged."""

    def __init__(self, folder: Path, sections: str = '[source]\nfolder = "inbox"\n', **connector: Any) -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.published: list[dict[str, Any]] = []
        self.configure(sections, **connector)

    def configure(self, sections: str, *, agency: str = "us-ca-sdpd", jurisdiction: str = "US-CA:06073") -> None:
        """Write the configuration anew."""
        path = self.folder / "connector.toml"
        common = {
            "name": "sample",
            "kind": "cap",
            "agency": agency,
            "jurisdictions": [jurisdiction],
            "state_dir": "state",
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in common.items()]
        path.write_text("\n".join(["[connector]", *lines, sections]), encoding="utf-8")
        self.config: Config = load(path)

    def drop(self, name: str, raw: bytes) -> None:
        """Put a document into the folder that the connector reads."""
        (self.inbox / name).write_bytes(raw)

    def read(self, *, crash: bool = False) -> list[Item]:
        """Read the source once and publish; ``crash`` stops it after it wrote down what it was about to send."""
        items: list[Item] = []
        with Journal(self.config.state_dir, self.config.name) as journal:
            self._send(journal)
            for item in cap.open_source(self.config).items(journal):
                items.append(item)
                assert journal.intend([item]) == []
                if crash:
                    return items
                self._send(journal)
                journal.finish([item])
        return items

    def check(self, *files: Path) -> list[Item]:
        """What a dry run says about these files."""
        return list(cap.open_source(self.config, files).items(Blank()))

    def _send(self, journal: Journal) -> None:
        pending = journal.pending()
        self.published += [dict(envelope.load(wire.decode(record.body).wire).wire) for record in pending]
        journal.settle([record.id for record in pending], {})


def event_of(
    raw: bytes, folder: Path, sections: str = '[source]\nfolder = "inbox"\n', **connector: Any
) -> dict[str, Any]:
    """The one event that a document becomes."""
    items = items_of(raw, folder, sections, **connector)
    events = [event for item in items for event in item.events]
    assert len(events) == 1, [item.refusals for item in items]
    return events[0]


def items_of(raw: bytes, folder: Path, sections: str = '[source]\nfolder = "inbox"\n', **connector: Any) -> list[Item]:
    """What a dry run makes of a document."""
    connector_ = Connector(folder, sections, **connector)
    path = folder / "document.xml"
    path.write_bytes(raw)
    return connector_.check(path)


def refused(items: list[Item]) -> set[str]:
    """The codes of all refusals."""
    return {flaw.code for item in items for refusal in item.refusals for flaw in refusal.flaws}


def unknown(items: list[Item]) -> list[str]:
    """The codes of all that could not be read."""
    return [flaw.code for item in items for flaw in item.unknown]


def defects(event: dict[str, Any]) -> set[str]:
    """The codes of an event's defects."""
    return {defect["code"] for defect in event.get("defects", ())}
