"""
An admin's day, typed at a terminal against a running node.

Two persons found the node, everything else goes through the API: a shelter joins and asks for a grant, the police look
at what it would change, approve it, share an alert, see who read it, and end the grant. Every command and what it
printed is shown; the day holds when each ended as it should.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.store import grants
from tests.proof.stage import Stage, stage
from tests.proof.verdict import Run, Verdict
from tests.support import events
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
POLICE, REFUGE, OPERATOR = "us-ca-sdpd", "us-ca-refuge", "us-operator"
PEOPLE = {
    "olga": f"{OPERATOR}.olga",
    "omar": f"{OPERATOR}.omar",
    "ana": f"{POLICE}.ana",
    "beto": f"{POLICE}.beto",
    "rosa": f"{REFUGE}.rosa",
}
MACHINES = {"sdpd": POLICE, "refuge": REFUGE}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GRANT = f"{REFUGE}-from-sdpd"
AGREEMENT = f"{POLICE}-mou"


@dataclass(slots=True)
class Terminal:
    """Somebody's terminal: runs `puente`, shows what was typed and printed, and counts what did not end as expected."""

    folder: Path
    node: Stage
    typed: int = 0
    surprises: list[str] = field(default_factory=list)

    def type(self, line: str, *, ends: int = 0, shown: bool = True) -> str:
        """Run `puente LINE`; what it printed."""
        command = [sys.executable, "-m", "hub.cli", *shlex.split(line)]
        environment = {**os.environ, **self.node.environment, "PYTHONPATH": str(ROOT), "COLUMNS": "110"}
        ran = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if shown:
            print(f"$ puente {line}\n{ran.stdout}{ran.stderr}", end="", flush=True)
        self.typed += shown
        if ran.returncode != ends:
            self.surprises.append(f"{line.split(' --')[0]}: exit {ran.returncode}, not {ends}")
        return ran.stdout

    def says(self, what: str, printed: str, *, absent: bool = False) -> None:
        """Note it when a printed text does not hold `what` (or does, where it must not)."""
        if (what in printed) is absent:
            self.surprises.append(f"{'unexpected' if absent else 'missing'}: {what}")


def day(_run: Run) -> Verdict:
    """From an empty node to a revoked grant."""
    with tempfile.TemporaryDirectory(prefix="puente-day-") as name, stage(Path(name)) as node:
        Path(name).chmod(0o711)  # PostgreSQL, started by root, is another user
        terminal = Terminal(Path(name) / "desk", node)
        terminal.folder.mkdir()
        with node.database() as conn:
            grants.replace_imported(conn, [], bytes(32))  # what other proofs share by; this node begins with nothing
        for file, client in (PEOPLE | MACHINES).items():
            _profile(terminal, file, client)
        _found(terminal)
        _join(terminal)
        _grant(terminal)
        hub_id = _share(terminal)
        _look_back(terminal, hub_id)
        _end(terminal)
    for surprise in terminal.surprises:
        print(f"! {surprise}")
    return Verdict(
        held=not terminal.surprises, figures={"commands": terminal.typed, "surprises": len(terminal.surprises)}
    )


def _profile(terminal: Terminal, file: str, client: str) -> None:
    lines = {
        "gateway": terminal.node.gateway,
        "issuer": terminal.node.told.node.issuer,
        "agency": client.partition(".")[0],
        "client_id": client,
        "key_file": f"{file}.pem",
    }
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    (terminal.folder / f"{file}.toml").write_text(text, "utf-8")


def _found(terminal: Terminal) -> None:
    """Two persons found the node; a third command of the kind is refused."""
    founders = '--person olga --name "Olga Ruiz" --key olga.pem --person omar --name "Omar Diaz" --key omar.pem'
    terminal.type(f"init {founders}")
    terminal.type(f"init {founders}", ends=1)


def _join(terminal: Terminal) -> None:
    """Both agencies are registered, their people enrolled by one person and confirmed by another."""
    for agency, name, kind in ((POLICE, "San Diego Police", "law_enforcement"), (REFUGE, "Refuge shelter", "ngo")):
        terminal.type(
            f'agency register {agency} --name "{name}" --kind {kind} --jurisdiction US-CA:06073 --as olga.toml'
        )
    for file, person in (("ana", "Ana Soto"), ("rosa", "Rosa Vega")):
        terminal.type(
            f'person add {PEOPLE[file]} --name "{person}" --role agency_admin --key {file}.pem --as olga.toml'
        )
        terminal.type(f"person confirm {PEOPLE[file]} --as olga.toml", ends=1)  # one person is not two
        terminal.type(f"person confirm {PEOPLE[file]} --as omar.toml")
    terminal.type(f'person add {PEOPLE["beto"]} --name "Beto Lara" --role agency_admin --key beto.pem --as ana.toml')
    terminal.type(f"person confirm {PEOPLE['beto']} --as omar.toml")
    terminal.type(f"agency key add {POLICE} --key sdpd.pem --as ana.toml")
    terminal.type(f"agency key add {REFUGE} --key refuge.pem --as rosa.toml")
    right = terminal.type(
        f"right propose {POLICE} --type 'alert.*' --jurisdiction US-CA:06073 --until {_in(365)} --as ana.toml"
    )
    found = UUID.search(right)
    terminal.type(f"right approve {found.group() if found else '?'} --as omar.toml")


def _grant(terminal: Terminal) -> None:
    """The shelter asks; the police look at what would change, and two of them approve."""
    (terminal.folder / "mou.pdf").write_bytes(b"the signed memorandum (sample)")
    terminal.type(
        f'agreement draft {AGREEMENT} --en "Sharing of alerts" --es "Intercambio de alertas" --basis "34 USC 20501" '
        f"--document mou.pdf --party {POLICE} --party {REFUGE} --until {_in(700)} --as ana.toml"
    )
    terminal.type(f"agreement approve {AGREEMENT} --as rosa.toml")
    terminal.type(
        f"grant propose {GRANT} --agreement {AGREEMENT} --source {POLICE} --reader {REFUGE} --type 'alert.*' "
        f"--jurisdiction US-CA --purpose locate-child --max-tlp amber+strict --clearance partner --until {_in(365)} "
        f"--as rosa.toml"
    )
    terminal.type(f"grant approve {GRANT} --as rosa.toml", ends=1)  # not the owning side, and the proposer
    terminal.type(f"grant effect {GRANT} --as ana.toml")
    _alert(terminal)
    terminal.type("preview alert.json --as ana.toml")
    terminal.type(f"grant approve {GRANT} --as ana.toml")
    terminal.type(f"grant approve {GRANT} --as ana.toml", ends=1)  # twice is not two
    terminal.type(f"grant approve {GRANT} --as beto.toml")
    terminal.says(REFUGE, terminal.type("preview alert.json --as ana.toml"))
    terminal.type("grant list --as rosa.toml")


def _alert(terminal: Terminal) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    data = {"expires": (now + timedelta(days=3)).isoformat()}
    event = events.alert(source=POLICE, id="day-1", subject="day-1", time=now.isoformat(), data=data)
    (terminal.folder / "alert.json").write_text(json.dumps(event), "utf-8")


def _share(terminal: Terminal) -> str:
    """The police publish; the shelter reads as a partner and says that it has seen it."""
    published = terminal.type("publish alert.json --as sdpd.toml")
    found = UUID.search(published)
    hub_id = found.group() if found else "?"
    until(lambda: hub_id in terminal.type("tail --once --as refuge.toml", shown=False), what="the alert has come")
    read = terminal.type("tail --once --as refuge.toml")
    terminal.says("[partner]", read)
    terminal.type(f"ack {hub_id} acknowledged --as refuge.toml")
    return hub_id


def _look_back(terminal: Terminal, hub_id: str) -> None:
    """Who saw it, on which grant, and why another one does not."""
    until(
        lambda: REFUGE in terminal.type(f"disclosures {hub_id} --as ana.toml", shown=False),
        what="the disclosure is indexed",
    )
    terminal.says(GRANT, terminal.type(f"disclosures {hub_id} --as ana.toml"))
    terminal.says(GRANT, terminal.type(f"explain {REFUGE} {hub_id} --as ana.toml"))
    terminal.type("grant matrix --csv --as olga.toml")


def _end(terminal: Terminal) -> None:
    """The grant ends, and with it every reading; a lost laptop is cut off; the audit says all of it, provably."""
    terminal.type(f'grant revoke {GRANT} --reason "the project ended" --as ana.toml')
    terminal.says("alert.missing_child.issued", terminal.type("tail --once --as refuge.toml"), absent=True)
    terminal.type(f'cut --person {PEOPLE["beto"]} --reason "laptop stolen" --as ana.toml')
    terminal.type("agency list --as beto.toml", ends=1)
    terminal.type("review start --as ana.toml")
    until(lambda: "hold" in _verified(terminal), what="the audit is signed")
    terminal.type("audit export audit.jsonl.gz")
    terminal.type("audit verify audit.jsonl.gz")


def _verified(terminal: Terminal) -> str:
    terminal.type("audit export early.jsonl.gz", shown=False)
    return terminal.type("audit verify early.jsonl.gz", shown=False)


def _in(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
