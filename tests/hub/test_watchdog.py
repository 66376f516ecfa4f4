"""A worker that stands still is ended from within."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from hub.workers.watchdog import DEAD


def run(program: str) -> int:
    """The exit status of a program that may use `watched`."""
    given = "import time\nfrom hub.workers.watchdog import watched\n" + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", given], check=False, timeout=20).returncode


def test_a_worker_that_no_longer_asks_is_ended() -> None:
    ended_with = run(
        """
        watched(lambda: False, stuck_s=0.5)
        time.sleep(15)
        """
    )

    assert ended_with == DEAD


def test_a_worker_that_keeps_asking_goes_on() -> None:
    ended_with = run(
        """
        stopping = watched(lambda: False, stuck_s=1.5)
        for _ in range(30):
            stopping()
            time.sleep(0.1)
        """
    )

    assert ended_with == 0


def test_a_worker_that_was_told_to_end_and_does_not_is_ended() -> None:
    ended_with = run(
        """
        stopping = watched(lambda: True, ending_s=0.5)
        for _ in range(150):
            stopping()
            time.sleep(0.1)
        """
    )

    assert ended_with == DEAD
