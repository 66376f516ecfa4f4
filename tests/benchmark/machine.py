"""What the figures were measured on, and what processes cost: read from the system, without names of hosts."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.embedded.install import kafka_jars
from hub.embedded.postgres import RunningPostgres

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def facts(server: RunningPostgres) -> str:
    """One line: cores, processor, memory, versions, kernel."""
    told = subprocess.run([str(server.programs / "postgres"), "--version"], capture_output=True, text=True, check=True)
    kafka = next(jar.stem for jar in kafka_jars() if jar.stem.startswith("kafka_2"))
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return ", ".join(
        (
            f"{os.cpu_count()} cores",
            _processor(),
            f"{memory_gb:.0f} GB memory",
            f"Python {platform.python_version()}",
            f"PostgreSQL {told.stdout.split()[2]}",
            f"Kafka {kafka.rpartition('-')[2]}",
            f"{platform.system()} {platform.release().partition('-')[0]}",
        )
    )


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parents.setdefault(int(_stat(int(folder.name))[1]), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, ()))
    return found


def cpu_s(pid: int) -> float:
    """User and system seconds that a process and those below it have used."""
    used = 0
    for one in tree(pid):
        with suppress(OSError):
            stat = _stat(one)
            used += int(stat[11]) + int(stat[12])
    return used * TICK_S


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) `stat` behind the program's name: state, parent, ... utime is [11], stime [12]."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@contextmanager
def paused(pids: Iterable[int]) -> Iterator[None]:
    """Stop processes for a while, so that what is measured next has the machine for itself."""
    held = [one for pid in pids for one in tree(pid)]
    for pid in held:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(held):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
