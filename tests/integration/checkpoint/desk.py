"""A node's settings file and certificates in a folder, and the commands that are typed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from hub.cli import cli
from tests.support.border import HOST, Side
from tests.support.cast import ESCALATION_FILE, LIMITS_FILE


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the commands of one node are typed."""

    side: Side
    config: Path

    def run(self, *words: str, typed: str | None = None) -> Result:
        """`puente peer` with these words."""
        environment = {"PUENTE_DATABASE_URL": self.side.node.url, "LC_ALL": "C"}
        told = ["peer", *words, "--config", str(self.config)]
        return CliRunner().invoke(cli, told, env=environment, input=typed)

    def does(self, *words: str, typed: str | None = None) -> Result:
        """The same, which must succeed."""
        done = self.run(*words, typed=typed)
        assert done.exit_code == 0, done.output
        return done


def desk(side: Side, folder: Path) -> Desk:
    """A node's settings file, beside the folder that its keys are in."""
    certificate = side.authority.issue_cert(HOST)
    (folder / f"{side.name}.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    (folder / f"{side.name}.key").write_bytes(certificate.private_key_pem.bytes())
    (folder / f"{side.name}-authority.pem").write_bytes(side.authority.cert_pem.bytes())
    config = folder / f"{side.name}.toml"
    config.write_text(
        f'[node]\nid = "{side.name}"\ncountry = "{side.name.upper()}"\nstate_dir = "{folder}"\n'
        f'limits_file = "{LIMITS_FILE}"\nescalation_file = "{ESCALATION_FILE}"\n'
        f'[border]\nurl = "{side.url}"\ncertificate_file = "{side.name}.pem"\n'
        f'key_file = "{side.name}.key"\nauthority_file = "{side.name}-authority.pem"\n'
    )
    return Desk(side, config)
