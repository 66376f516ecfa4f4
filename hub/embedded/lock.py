"""
Writes a `jgo.lock.toml` anew from the `jgo.toml` beside it: `python -m hub.embedded.lock CACHE [FOLDER]`.

CACHE is a Maven cache, FOLDER where the two are; without it the broker's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jgo.env import EnvironmentSpec, LockFile
from jgo.maven import MavenContext

from hub.embedded.install import HERE, LOCK, SPEC

AT_RUN_TIME = ("compile", "runtime")


def write_lock(cache: Path, folder: Path = HERE) -> None:
    """Resolve the coordinates as they are published today and pin every jar by sha256; no host is recorded."""
    spec = EnvironmentSpec.load(folder / SPEC.name)
    context = MavenContext(repo_cache=cache)
    asked = [context.create_dependency(coordinate) for coordinate in spec.coordinates]
    direct, transitive = context.resolver.resolve(asked)
    needed = [*direct, *(jar for jar in transitive if jar.scope in AT_RUN_TIME)]
    LockFile.from_resolved_dependencies(needed, environment_name=spec.name, java_version=spec.java_version).save(
        folder / LOCK.name
    )


if __name__ == "__main__":
    write_lock(*map(Path, sys.argv[1:]))
