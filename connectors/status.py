"""How a connector is doing: a small JSON file beside its journal, and a log line for each change."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.texts import Text

FILE = "status.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one reading of the source came to."""

    items: int = 0
    events: int = 0
    published: int = 0
    refused: int = 0
    unknown: int = 0  # documents that could not be read; never counted as "no alerts"
    set_aside: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why the last reading did not come through, by class of error."""

    where: str  # source, documents, broker, journal
    code: str
    text: Text
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    One connector's state.

    ``state``: ok = the source was read in full and everything is acknowledged; unknown = it could not be read, wholly
    or in part; unpublished = read, but not acknowledged; starting; stopped.
    """

    connector: str
    agency: str
    topic: str
    state: str = "starting"
    pid: int = field(default_factory=os.getpid)
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    fault: Fault | None = None
    tally: Tally = field(default_factory=Tally)
    totals: dict[str, int] = field(default_factory=dict)

    def lag_s(self, now: datetime) -> float | None:
        """Seconds since everything was last known to be read and acknowledged; None = never."""
        return (now - self.last_success).total_seconds() if self.last_success else None

    def healthy(self, now: datetime) -> Status:
        """After a full reading with everything acknowledged."""
        return replace(self, state="ok", last_success=now, fault=None)

    def troubled(self, state: str, where: str, text: Text, now: datetime) -> Status:
        """After one that failed; the fault keeps the time it began."""
        before = self.fault
        since = before.since if before and (before.where, before.code) == (where, text.code) else now
        return replace(self, state=state, fault=Fault(where=where, code=text.code, text=text, since=since))


def write(state_dir: Path, status: Status) -> None:
    """Replace the status file in one step, so that a reader never sees half of it."""
    target = state_dir / FILE
    temporary = target.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(as_json(status), file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


def read(state_dir: Path) -> dict[str, Any] | None:
    """What the file says; None = this connector never ran here."""
    try:
        content = json.loads((state_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def as_json(status: Status) -> dict[str, Any]:
    """The form of the file: times in RFC 3339, texts in both languages."""
    content = asdict(status)
    for name in ("last_attempt", "last_success"):
        content[name] = _time(getattr(status, name))
    if status.fault:
        content["fault"] = {
            "where": status.fault.where,
            "code": status.fault.code,
            "text": status.fault.text.as_dict(),
            "since": _time(status.fault.since),
        }
    return content


def tell(before: Status, after: Status) -> None:
    """One log line when the state or the fault changed; it names codes and counts, never content."""
    fault = (after.fault.where, after.fault.code) if after.fault else None
    if before.state == after.state and fault == ((before.fault.where, before.fault.code) if before.fault else None):
        return
    level = logging.INFO if after.state in ("ok", "starting", "stopped") else logging.WARNING
    where, code = fault or ("-", "-")
    log.log(level, "connector %s: %s where=%s code=%s", after.connector, after.state, where, code)


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
