"""Run the connectors as an agency would, and learn from them what they published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas import envelope
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hub.demo.stage import Node
    from schemas.envelope import Event

RUN_S = 120
ENROLLED_S = 30.0  # a new agency's topic and rules reach the broker a moment after it is enrolled
AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """One connector of the demo: its settings file, and what the demo sets over it."""

    config: Path
    node: Node
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.config.stem


@dataclass(frozen=True, slots=True)
class Fed:
    """What came of a connector: events it made, and what it refused or could not read, in words."""

    source: Source
    events: tuple[Event, ...]
    troubles: tuple[Text, ...]
    failure: str


def sources(folder: Path, nodes: Mapping[str, Node], chosen: Path | None) -> list[Source]:
    """The shipped connectors that need no network, or those that read the folder a user has named."""
    configs = sorted((folder / "input").glob("*.toml")) if chosen else sorted(folder.parent.glob("connectors/*.toml"))
    found = []
    for config in configs:
        document = tomllib.loads(config.read_text("utf-8"))
        if "url" in document["source"]:
            continue
        if chosen is not None and not any(chosen.glob(document["source"]["pattern"])):
            continue
        agency = document["connector"]["agency"]
        node = nodes[agency[:2]]
        overrides = _overrides(node, agency, config.stem)
        if chosen is not None:
            key = "folder" if document["connector"]["kind"] == "cap" else "path"
            overrides.append(f"source.{key}={json.dumps(str(chosen.absolute()))}")
        found.append(Source(config, node, tuple(overrides)))
    return found


def _overrides(node: Node, agency: str, name: str) -> list[str]:
    state = node.told.state_dir.absolute() / "connectors" / name
    return [
        f"connector.state_dir={json.dumps(str(state))}",
        f"kafka.bootstrap={json.dumps([node.bootstrap])}",
        f"kafka.topic_prefix={json.dumps(node.told.kafka.topic_prefix)}",
        f"oauth.token_endpoint={json.dumps(f'{node.url}/oauth/token')}",
        f"oauth.key_file={json.dumps(str(node.client_key(agency)))}",
    ]


def feed(source: Source) -> Fed:
    """Publish everything the source holds, once; what it published is what its dry run says it would."""
    deadline = time.monotonic() + ENROLLED_S
    ran = _puente("run", source, "--once")
    while ran.returncode not in (0, 1) and time.monotonic() < deadline:
        time.sleep(AGAIN_S)
        ran = _puente("run", source, "--once")
    checked = _puente("check", source, "--json")  # after it: ids are keyed with a secret that the first run makes
    lines = [json.loads(line) for line in checked.stdout.splitlines()]
    return Fed(
        source,
        tuple(envelope.load(line["event"]) for line in lines if line["kind"] == "event"),
        tuple(_trouble(line) for line in lines if line["kind"] in ("refusal", "unread")),
        ran.stderr.strip() if ran.returncode not in (0, 1) else "",
    )


def _puente(action: str, source: Source, option: str) -> subprocess.CompletedProcess[str]:
    overrides: Sequence[str] = [part for override in source.overrides for part in ("--set", override)]
    command = [sys.executable, "-m", "hub.cli", "connector", action, str(source.config), option, *overrides]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, env=os.environ, check=False)


def _trouble(line: dict[str, Any]) -> Text:
    where = " ".join(filter(None, (line["document"], line.get("position"), line.get("path"))))
    return Text("{where}: {text}", "{where}: {text}").format(
        where=where, text=Text(line["text"]["en"], line["text"]["es"])
    )
