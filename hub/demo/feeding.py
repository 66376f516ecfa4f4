"""Run the connectors as an agency would, and learn from them what they published."""

from __future__ import annotations

import json
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.demo.stage import PATIENCE_S
from schemas import envelope
from schemas.texts import Text

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from hub.demo.stage import Node, Running
    from schemas.envelope import Event

# Exit statuses of `puente connector run`, as its help has them.
REFUSED, UNKNOWN, UNACKNOWLEDGED, RESTART = 1, 3, 4, 70
AGAIN_S = 1.0

UNEXPLAINED = Text("it ended with status {status}: {words}", "terminó con el estado {status}: {words}")
UNCHECKED = Text(
    "its dry run ended with status {status}: {words}", "su simulacro terminó con el estado {status}: {words}"
)
SILENT = Text("no words", "sin palabras")


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
    """
    What came of a connector: events it made, and what it refused or could not read, in words.

    `failure` says why it could not do its work at all; None when it could.
    """

    source: Source
    events: tuple[Event, ...]
    troubles: tuple[Text, ...]
    failure: Text | None


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


def feed(source: Source, running: Running) -> Fed:
    """
    Publish everything the source holds, once; what it published is what its dry run says it would.

    A new agency's topic and rules reach the broker a moment after it is enrolled, so the first runs may be refused.
    """
    deadline = time.monotonic() + PATIENCE_S
    ran = _puente(running, "run", source, "--once")
    while ran.returncode in (UNACKNOWLEDGED, RESTART) and time.monotonic() < deadline:
        time.sleep(AGAIN_S)
        ran = _puente(running, "run", source, "--once")
    failure = _failure(running, source, ran)
    checked = _puente(running, "check", source, "--json")  # after it: ids are keyed with a secret that it makes
    lines = [json.loads(line) for line in checked.stdout.splitlines()]
    if not lines or lines[-1]["kind"] != "summary":
        failure = failure or UNCHECKED.format(status=checked.returncode, words=_last_words(checked))
    return Fed(
        source,
        tuple(envelope.load(line["event"]) for line in lines if line["kind"] == "event"),
        tuple(_trouble(line) for line in lines if line["kind"] in ("refusal", "unread")),
        failure,
    )


def _failure(running: Running, source: Source, ran: subprocess.CompletedProcess[str]) -> Text | None:
    """Why a run came to nothing. That it refused or could not read some documents is no failure: it says which."""
    if ran.returncode in (0, REFUSED):
        return None
    told = _puente(running, "status", source, "--json")
    fault = json.loads(told.stdout)["fault"] if told.stdout else None
    if fault is None:
        return UNEXPLAINED.format(status=ran.returncode, words=_last_words(ran))
    if ran.returncode == UNKNOWN and fault["where"] == "documents":
        return None
    return Text(fault["text"]["en"], fault["text"]["es"])


def _last_words(ran: subprocess.CompletedProcess[str]) -> str:
    """The last line a command wrote about itself."""
    lines = ran.stderr.strip().splitlines()
    return lines[-1] if lines else SILENT


def _puente(running: Running, action: str, source: Source, option: str) -> subprocess.CompletedProcess[str]:
    overrides = [part for override in source.overrides for part in ("--set", override)]
    return running.run("connector", action, str(source.config), option, *overrides)


def _trouble(line: dict[str, Any]) -> Text:
    where = " ".join(filter(None, (line["document"], line.get("position"), line.get("path"))))
    return Text("{where}: {text}", "{where}: {text}").format(
        where=where, text=Text(line["text"]["en"], line["text"]["es"])
    )
