"""Children that never outlive their parent, and folders that only one of them may use at a time."""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hub.embedded.errors import FolderInUse

PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating-system user a child runs as; given only when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a child: its standard output and error go to `log`, its environment is `environment` alone."""

    command: Sequence[str]
    log: Path
    end_signal: signal.Signals
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None


def claim(folder: Path, *, wait_s: float = 15.0) -> int:
    """
    Lock `folder` and give the lock's descriptor, to be inherited by the service that uses the folder.

    The lock lives exactly as long as someone holds the descriptor. So it also covers a server whose parent
    was killed and that is still shutting down; that is what `wait_s` seconds are for.

    Raises:
        FolderInUse: another process still holds it.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise FolderInUse(folder) from None
            time.sleep(POLL_S)
        else:
            return descriptor


def spawn(launch: Launch, *, lock: int) -> subprocess.Popen[bytes]:
    """
    Start a child in a session of its own, so that Ctrl-C reaches only us and we end it in order.

    On Linux the kernel sends it `end_signal` when we end, whatever ended us. The kernel ties that to the thread
    that starts the child, so it is only asked for from the main thread; elsewhere the interpreter's exit does it.
    """
    account = launch.account
    tied = sys.platform == "linux" and threading.current_thread() is threading.main_thread()
    with launch.log.open("ab") as output:
        child = subprocess.Popen(
            launch.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(launch.environment),
            start_new_session=True,
            pass_fds=(lock,),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_die_with_parent(os.getpid(), launch.end_signal) if tied else None,
        )
    if not tied:
        atexit.register(stop, child, launch.end_signal)
    return child


def end_with(parent: int, end_signal: signal.Signals) -> None:
    """Have the kernel send this process `end_signal` when `parent`, which started it, ends; nothing but on Linux."""
    if sys.platform == "linux":
        _die_with_parent(parent, end_signal)()


def _die_with_parent(parent: int, end_signal: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def before_exec() -> None:
        # After the change of user, which would clear the setting (prctl(2)).
        libc.prctl(PR_SET_PDEATHSIG, int(end_signal))
        if os.getppid() != parent:  # it ended before the setting took hold
            os._exit(1)

    return before_exec


def stop(child: subprocess.Popen[bytes], end_signal: signal.Signals, *, wait_s: float = 20.0) -> None:
    """Ask a child to end, wait `wait_s` seconds, then end it; harmless when it has ended already."""
    if child.poll() is not None:
        return
    with suppress(ProcessLookupError):
        child.send_signal(end_signal)
    try:
        child.wait(wait_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], *, wait_s: float) -> bool:
    """Whether `ready()` came true within `wait_s` seconds while the child was alive."""
    deadline = time.monotonic() + wait_s
    while child.poll() is None and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(POLL_S)
    return False
