"""Commands as somebody types them, against a gateway on a real port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner, Result
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.node import ISSUER, Node, client_key
from tests.support.waiting import POLL_S


class _Quiet(WSGIRequestHandler):
    """Says nothing about what was asked."""

    def log_request(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(node: Node) -> Iterator[str]:
    """The gateway of `node` on a free port of loopback; its URL."""
    server = make_server("127.0.0.1", 0, node.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where profiles and keys lie, and which gateway they name."""

    folder: Path
    gateway: str

    def profile(self, client_id: str, key: Path | None = None) -> Path:
        """The profile of a client, whose key is the one that `Node` enrols it with unless given."""
        if key is None:
            key = self.folder / f"{client_id}.pem"
            key.write_bytes(client_key(client_id).as_pem(private=True))
        file = self.folder / f"{client_id}.toml"
        agency = client_id.partition(".")[0]
        file.write_text(
            f'gateway = "{self.gateway}"\nagency = "{agency}"\nclient_id = "{client_id}"\n'
            f'key_file = "{key.name}"\nissuer = "{ISSUER}"\n'
        )
        return file

    def run(self, command: click.Command, *words: str, who: str) -> Result:
        """The command with these words, as this client, who has a profile."""
        profile = self.folder / f"{who}.toml"
        return CliRunner().invoke(command, [*words, "--as", str(profile if profile.exists() else self.profile(who))])

    def does(self, command: click.Command, *words: str, who: str) -> str:
        """The same, which must succeed; what it prints."""
        done = self.run(command, *words, who=who)
        assert done.exit_code == 0, done.output
        return done.stdout
