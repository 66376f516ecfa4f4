"""`puente up`: a whole node from one command, as often as it is wanted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from hub.embedded.install import kafka_jars
from tests.support.cast import ESCALATION_FILE, LIMITS_FILE
from tests.support.services import state_folder
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]


def test_a_node_comes_up_where_one_has_run_before() -> None:
    """Given what a former run has left of its addresses, when it is started again, then it starts its own services."""
    kafka_jars()
    with state_folder() as folder:
        config = folder / "hub.toml"
        config.write_text(
            f'[node]\nstate_dir = "{folder}"\nlimits_file = "{LIMITS_FILE}"\n'
            f'escalation_file = "{ESCALATION_FILE}"\n'
            "[gateway]\nport = 0\nmanagement_port = 0\n[stream]\nport = 0\n"
        )
        (folder / "us").mkdir()
        left = {
            "PUENTE_DATABASE_URL": "postgresql://nobody@/gone?host=/nowhere",
            "PUENTE_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        }
        (folder / "us" / "running.json").write_text(json.dumps(left))
        log = folder / "up.log"
        with log.open("wb") as output:
            node = subprocess.Popen(
                [sys.executable, "-m", "hub.cli", "up", "--config", str(config)],
                env=os.environ | {"PYTHONPATH": str(ROOT), "LC_ALL": "C"},
                stdout=output,
                stderr=output,
            )
        try:
            is_up = until(
                lambda: "Node us:" in log.read_text("utf-8") or node.poll() is not None, within_s=120, what="the node"
            )
            assert (is_up, node.poll()) == (True, None), log.read_text("utf-8")
        finally:
            node.send_signal(signal.SIGTERM)
            node.wait(60)
