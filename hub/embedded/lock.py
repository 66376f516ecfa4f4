"""Writes `jgo.lock.toml` anew from `jgo.toml`: `python -m hub.embedded.lock FOLDER`, FOLDER being a Maven cache."""

from __future__ import annotations

import sys
from pathlib import Path

from jgo.env import EnvironmentSpec, LockFile
from jgo.maven import MavenContext

from hub.embedded.install import LOCK, SPEC

AT_RUN_TIME = ("compile", "runtime")


def write_lock(cache: Path) -> None:
    """Resolve the coordinates as they are published today and pin every jar by sha256; no host is recorded."""
    spec = EnvironmentSpec.load(SPEC)
    context = MavenContext(repo_cache=cache)
    asked = [context.create_dependency(coordinate) for coordinate in spec.coordinates]
    direct, transitive = context.resolver.resolve(asked)
    needed = [*direct, *(jar for jar in transitive if jar.scope in AT_RUN_TIME)]
    LockFile.from_resolved_dependencies(needed, environment_name=spec.name, java_version=spec.java_version).save(LOCK)


if __name__ == "__main__":
    write_lock(Path(sys.argv[1]))
