"""Proof `border`: two nodes and a wire between them; whatever becomes of it, what was released is over there once."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from hub.embedded import postgres
from tests.proof import border_hostile, border_kills, border_link, border_lives, border_places
from tests.proof.border_canaries import canaries, write_plainly
from tests.proof.border_load import read_again
from tests.proof.border_scene import Part, Scene, scene
from tests.proof.border_stage import Stage, stage
from tests.proof.ledger import Entry, compare
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.verdict import NotRun, Run, Verdict
from tests.support.services import Databases, state_folder

LOGS = Path(".puente/proof/border")


def border(run: Run) -> Verdict:
    """
    Faults of the link, kills, a hostile peer, random lives, colliding codes, and a search for what must not cross.

    Raises:
        NotRun: this machine lacks what it takes, or does not permit it.
    """
    if not sys.platform.startswith("linux"):
        raise NotRun("network namespaces are there on Linux only")
    require_kafka()
    print(f"seed {run.seed}{' (short run)' if run.quick else ''}", flush=True)
    began_s = time.monotonic()
    with state_folder() as folder:
        try:
            with stage(folder) as made:
                print(f"both nodes are up after {time.monotonic() - began_s:.0f} s", flush=True)
                parts = _at_two_nodes(made, run)
            parts += _at_two_databases(folder, run)
        finally:
            keep_logs(folder, LOGS)
    unmet = [name for part in parts for name in part.unmet]
    figures = {name: figure for part in parts for name, figure in part.figures.items()}
    figures |= {"seed": run.seed, "duration_s": round(time.monotonic() - began_s)}
    figures |= {"unmet": ",".join(unmet)} if unmet else {}
    return Verdict(held=not unmet, figures=figures | ({"length": "SHORT"} if run.quick else {}))


def _at_two_nodes(made: Stage, run: Run) -> list[Part]:
    for post in made.both:
        write_plainly(post)
    with scene(made, run.seed) as played:
        parts = [border_link.unreachable(made)]
        parts += border_link.link(played, border_link.QUICK if run.quick else border_link.FULL)
        parts.append(border_kills.kills(played, border_kills.QUICK if run.quick else border_kills.FULL, run.seed))
        parts.append(border_hostile.hostile(played))
        parts.append(played.fault("after", 60, 6.0, lambda: time.sleep(6)))
        parts.append(_again(played))
        parts.append(canaries(played))
        return [_sums(played, played.entries), *parts]


def _at_two_databases(folder: Path, run: Run) -> list[Part]:
    """What needs no processes: what is decided and kept on either side."""
    server = postgres.start(folder / "databases", fsync=False)
    try:
        with closing(Databases(server)) as databases:
            return [
                border_lives.lives(databases, border_lives.QUICK if run.quick else border_lives.FULL, run.seed),
                border_places.places(databases, border_places.QUICK if run.quick else border_places.FULL),
            ]
    finally:
        server.stop()


def _again(played: Scene) -> Part:
    """Who comes only now finds the same."""
    part = Part()
    for own, there in played.ways:
        for post, expected in ((own, "acknowledged"), (there, "released")):
            due = [fact for load in played.loads if load.writer.post is own for fact in getattr(load, expected)]
            names = {load.name for load in played.loads}
            found = [fact for fact in read_again(post).get(own.poster, ()) if fact.subject.partition("-")[0] in names]
            entry = compare(f"again-{own.id}-at-{post.id}", due, found)
            played.entries.append(entry)
            part.require(f"{entry}", entry.is_clean)
    return part


def _sums(played: Scene, entries: Sequence[Entry]) -> Part:
    return Part(
        figures={
            "events": sum(len(load.acknowledged) for load in played.loads),
            "released": sum(len(load.released) for load in played.loads),
            "lost": sum(entry.lost for entry in entries),
            "doubled": sum(entry.doubled for entry in entries),
            "unreleased": sum(entry.foreign for entry in entries),
            "misordered": sum(entry.misordered for entry in entries),
            **played.books,
        }
    )
