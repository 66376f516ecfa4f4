"""Read each reader's feed with the agency's own command, and hold it against what was expected."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.demo.stage import PATIENCE_S
from hub.errors import Unavailable
from schemas import wire
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hub.demo.cast import Player
    from hub.demo.expecting import Expected
    from hub.demo.stage import Node, Running

AGAIN_S = 0.5
UNREADABLE = Text("{profile} cannot read its feed: {why}", "{profile} no puede leer su lista: {why}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An expected event beside what the gateway gave, and the hub's id of that."""

    expected: Expected
    got: str | None
    hub_id: str | None = None

    @property
    def is_right(self) -> bool:
        """
        Equal in every member, or both nothing; `time` aside: a row that states none is given the moment it is read,
        and the dry run that the expectation comes from read it at another.
        """
        return _timeless(self.got) == _timeless(self.expected.text)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader got: a verdict for each published event, and ids of events that nobody expected."""

    player: Player
    verdicts: list[Verdict]
    unasked: list[str]


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


def compare(
    node: Node, player: Player, expected: Sequence[Expected], running: Running
) -> tuple[list[Verdict], list[str]]:
    """Each expected event beside what the reader got; also the ids of events that nobody expected."""
    wanted = {(one.event.source, one.event.id): one for one in expected}
    got = {(one["event"]["source"], one["event"]["id"]): one for one in _tail(profile(node, player), running)}
    verdicts = [_verdict(one, got.get(key)) for key, one in wanted.items()]
    return verdicts, [event_id for source, event_id in got.keys() - wanted.keys()]


def _tail(as_whom: Path, running: Running) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_S
    ran = running.run("tail", "--as", str(as_whom), "--json", "--once")
    while ran.returncode != 0 and time.monotonic() < deadline:  # a busy gateway may have kept it waiting too long
        time.sleep(AGAIN_S)
        ran = running.run("tail", "--as", str(as_whom), "--json", "--once")
    if ran.returncode != 0:
        raise Unavailable(UNREADABLE.format(profile=as_whom.stem, why=ran.stderr.strip()))
    items = [json.loads(line) for line in ran.stdout.splitlines()]
    return [item for item in items if "event" in item]


def _verdict(expected: Expected, item: dict[str, Any] | None) -> Verdict:
    if item is None:
        return Verdict(expected, None)
    return Verdict(expected, wire.encode(item["event"]).decode(), item["id"])
