"""The operator of a node who copies it and puts a copy back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from click.testing import CliRunner, Result

from hub.cli import cli
from hub.copies import MANIFEST, SUMS, sha256_of
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Node, missing_child

CONFIG = '[node]\nstate_dir = "{state}"\n'


class Operator:
    """Somebody at the node's machine who types `puente backup` and `puente restore`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.copy = folder / "copy"
        self.state = folder / "us"
        self.config = folder / "hub.toml"
        self.config.write_text(CONFIG.format(state=folder))

    def types(self, command: str, *words: str) -> Result:
        """One command on the copy."""
        arguments = [command, str(self.copy), "--config", str(self.config), *words]
        return CliRunner().invoke(cli, arguments, env={"PUENTE_DATABASE_URL": self.url})

    def backs_up(self, *words: str) -> dict[str, Any]:
        """Makes a copy; its manifest."""
        done = self.types("backup", *words)
        assert done.exit_code == 0, done.output
        return self.manifest()

    def restores(self, *words: str) -> str:
        """Puts it back; what was said."""
        done = self.types("restore", *words)
        assert done.exit_code == 0, done.output
        return done.output

    def is_refused(self, *words: str) -> str:
        """Tries to put it back; why not."""
        done = self.types("restore", *words)
        assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output  # told, not fallen over
        return done.output

    def manifest(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.copy / MANIFEST).read_text())
        return told

    def rewrites(self, **told: object) -> None:
        """Change the manifest and its sum, as only its maker would."""
        (self.copy / MANIFEST).write_text(json.dumps(self.manifest() | told))
        sums = {**self.manifest()["files"], MANIFEST: sha256_of(self.copy / MANIFEST)}
        (self.copy / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))


@contextmanager
def at_work(operator: Operator) -> Iterator[Node]:
    """The node's gateway, up for so long: nothing is restored under a running one."""
    node = Node(operator.url)
    try:
        yield node
    finally:
        node.close()


def publish(node: Node, count: int) -> list[str]:
    alerts = [missing_child() for _ in range(count)]
    for alert in alerts:
        node.desk(POLICE).publish(alert)
    node.sequence()
    return [alert["id"] for alert in alerts]


def stored(operator: Operator) -> list[str]:
    """The events that the database holds."""
    with psycopg.connect(operator.url) as conn:
        return [row[0] for row in conn.execute("SELECT id FROM event ORDER BY hub_id")]


def read(node: Node, after: str = "") -> tuple[list[str], str]:
    """The ids behind a cursor in the shelter's feed, and the cursor behind them."""
    query: dict[str, Any] = {"after": after} if after else {}
    page = node.desk(SHELTER).get("/v1/feed", **query).get_json()
    return [entry["event"]["id"] for entry in page["events"]], page["next"]
