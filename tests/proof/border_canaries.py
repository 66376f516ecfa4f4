"""What is marked `resident` is searched for, byte by byte, in everything that the other node has written."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from tests.proof.border_post import Post
from tests.proof.border_scene import Part, Scene

# A value that is compressed is not found by its bytes, so nothing is, from before the first event on.
_PLAIN = """
SELECT format('ALTER TABLE %I.%I ALTER COLUMN %I SET STORAGE EXTERNAL', n.nspname, c.relname, a.attname)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage = 'x'
"""


def write_plainly(post: Post) -> None:
    """From now on the node's database compresses nothing."""
    for (statement,) in post.rows(_PLAIN):
        post.rows(str(statement))


def canaries(scene: Scene) -> Part:
    """
    None of one node's in what the other has written; and the search can find.

    It must find each canary at home, and over there the marker, which stands in the same events and was released.
    """
    print("canaries: searching all files of both nodes", flush=True)
    part = Part()
    found = {"at_home": 0, "released": 0, "strayed": 0}
    files = size = 0
    for own, there in scene.ways:
        writer = scene.writers[own.id]
        canary, marker = writer.canary.encode(), writer.marker.encode()
        for post in (own, there):
            post.rows("CHECKPOINT")
        home = [path for path in _written(own) if _holds(path, canary)]
        part.require(f"{own.id}-canary-at-home", any("postgres" in path.parts for path in home))
        part.require(f"{own.id}-canary-at-home-in-kafka", any("kafka" in path.parts for path in home))
        over_there = list(_written(there))
        released = [path for path in over_there if _holds(path, marker)]
        part.require(f"{own.id}-marker-at-{there.id}", any("postgres" in path.parts for path in released))
        strayed = [path for path in over_there if _holds(path, canary)]
        part.require(f"{own.id}-canary-at-{there.id}:{[str(path) for path in strayed[:3]]}", not strayed)
        found["at_home"] += len(home)
        found["released"] += len(released)
        found["strayed"] += len(strayed)
        files += len(over_there)
        size += sum(path.stat().st_size for path in over_there if path.exists())
    part.figures |= {f"canaries_{name}": count for name, count in found.items()}
    part.figures |= {"canary_files": files, "canary_mb": size >> 20}
    return part


def _written(post: Post) -> Iterator[Path]:
    """Database files, Kafka's log segments, logs, keys: everything in the node's folder."""
    yield from (path for path in post.folder.rglob("*") if path.is_file() and not path.is_symlink())


def _holds(path: Path, wanted: bytes) -> bool:
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return False
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
                return held.find(wanted) >= 0
    except (FileNotFoundError, ValueError):  # recycled meanwhile, or emptied
        return False
