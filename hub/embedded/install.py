"""Fetches what no wheel carries, Apache Kafka's jars: exactly those of `jgo.lock.toml`, each used only as pinned."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.env import LockFile
from jgo.maven import Artifact, MavenContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hub.embedded.errors import NotInstalled
from hub.embedded.process import claim
from schemas.texts import Text

HERE = Path(__file__).parent
SPEC = HERE / "jgo.toml"
LOCK = HERE / "jgo.lock.toml"
CACHE = Path(".puente/maven")

FETCHING = Text("Fetching Apache Kafka (45 MB, once)", "Descargando Apache Kafka (45 MB, una vez)")
TIMEOUT_S = 60
TRIES = 3
WAIT_FOR_OTHERS_S = 600.0  # another process of ours may be filling the same cache


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jar:
    artifact: Artifact
    path: Path
    sha256: str

    def is_pinned(self) -> bool:
        """Whether it is there and is the one that was pinned."""
        if not self.path.is_file():
            return False
        with self.path.open("rb") as content:
            return file_digest(content, "sha256").hexdigest() == self.sha256


def kafka_jars(
    cache: Path = CACHE, *, lock: Path = LOCK, console: Console | None = None, language: str = "en"
) -> tuple[Path, ...]:
    """
    Every jar of `lock`, by default all a broker needs, from `cache`; what is missing is fetched, with a progress bar.

    `cache` has the layout of a Maven repository and may serve several state folders. Where the jars come from is
    the user's own client configuration (jgo's repositories, the proxy variables of the environment); without one it
    is Maven Central. No Java and no Maven is needed.

    Raises:
        NotInstalled: a jar cannot be had, or is not the one that was pinned.
    """
    cache.mkdir(parents=True, exist_ok=True)
    jars = _pinned_jars(cache, lock)
    if not all(jar.is_pinned() for jar in jars):
        claimed = claim(cache, wait_s=WAIT_FOR_OTHERS_S)
        try:
            missing = [jar for jar in jars if not jar.is_pinned()]
            with _progress(len(missing), console, language) as advance:
                for jar in missing:
                    _fetch(jar)
                    advance()
        finally:
            os.close(claimed)
    return tuple(jar.path for jar in jars)


def _pinned_jars(cache: Path, lock: Path) -> list[_Jar]:
    repositories = GlobalSettings.load().repositories or None
    context = MavenContext(repo_cache=cache.absolute(), remote_repos=repositories, timeout=TIMEOUT_S)
    jars = []
    for pin in LockFile.load(lock).dependencies:
        artifact = context.project(pin.groupId, pin.artifactId).at_version(pin.version).artifact()
        path, sha256 = artifact.cached_path, pin.sha256
        if path is None or sha256 is None:
            raise NotInstalled(
                Text("{jar} is not pinned by a hash", "{jar} no está fijado con un hash").format(jar=artifact)
            )
        jars.append(_Jar(artifact=artifact, path=path, sha256=sha256))
    return jars


def _fetch(jar: _Jar) -> None:
    failure = "sha256"
    for _ in range(TRIES):
        jar.path.unlink(missing_ok=True)  # half a file, left by a fetch that was killed, would be taken for the whole
        try:
            jar.artifact.resolve()
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's own are RuntimeErrors
            failure = type(error).__name__
            continue
        if jar.is_pinned():
            return
    jar.path.unlink(missing_ok=True)
    raise NotInstalled(
        Text(
            "cannot fetch {jar} ({failure}): is Maven Central, or the repository jgo is configured with, in reach?",
            "no se puede descargar {jar} ({failure}): ¿se alcanza Maven Central o el repositorio configurado en jgo?",
        ).format(jar=jar.path.name, failure=failure)
    )


@contextmanager
def _progress(total: int, console: Console | None, language: str) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=console is None) as progress:
        task = progress.add_task(FETCHING.in_(language), total=total)
        yield lambda: progress.advance(task)


if __name__ == "__main__":
    try:
        kafka_jars(console=Console(stderr=True))
    except NotInstalled as error:
        sys.exit(f"{error.text} / {error.text.es}")
