"""Read each reader's feed with the agency's own command, and hold it against what was expected."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.errors import Unavailable
from schemas import wire
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hub.demo.cast import Player
    from hub.demo.expecting import Expected
    from hub.demo.stage import Node

ARRIVE_S = 30.0
AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """An expected event beside what the gateway gave."""

    expected: Expected
    got: str | None

    @property
    def is_right(self) -> bool:
        """
        Equal in every member, or both nothing; `time` aside: a row that states none is given the moment it is read,
        and the dry run that the expectation comes from read it at another.
        """
        return _timeless(self.got) == _timeless(self.expected.text)


def _timeless(text: str | None) -> dict[str, Any] | None:
    return None if text is None else {**json.loads(text), "time": None}


def profile(node: Node, player: Player) -> Path:
    """The profile file with which an agency's commands reach its gateway."""
    path = node.told.state_dir / "agencies" / f"{player.agency.id}.toml"
    lines = {
        "gateway": node.url,
        "agency": player.agency.id,
        "client_id": player.agency.id,
        "key_file": str(node.client_key(player.agency.id)),
        "issuer": node.told.node.issuer,
    }
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()), "utf-8")
    return path


def compare(node: Node, player: Player, expected: Sequence[Expected]) -> tuple[list[Verdict], list[str]]:
    """Ask until everything expected is there or time is up; also the ids of events nobody expected."""
    wanted = {(one.event.source, one.event.id): one for one in expected}
    deadline = time.monotonic() + ARRIVE_S
    while True:
        got = {(event["source"], event["id"]): event for event in _tail(profile(node, player))}
        missing = [key for key, one in wanted.items() if one.text is not None and key not in got]
        if not missing or time.monotonic() > deadline:
            break
        time.sleep(AGAIN_S)
    verdicts = [Verdict(one, _canonical(got.get(key))) for key, one in wanted.items()]
    return verdicts, [event_id for source, event_id in got.keys() - wanted.keys()]


def _tail(as_whom: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "hub.cli", "tail", "--as", str(as_whom), "--json", "--once"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ, check=False)
    if ran.returncode != 0:
        raise Unavailable(Text("{why}", "{why}").format(why=ran.stderr.strip()))
    items = [json.loads(line) for line in ran.stdout.splitlines()]
    return [item["event"] for item in items if "event" in item]


def _canonical(event: dict[str, Any] | None) -> str | None:
    if event is None:
        return None
    return wire.encode(event).decode()
