"""Two whole nodes, each in a network namespace of its own, with nothing in common but the wire between them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trustme

from tests.proof.border_post import UP_S, Post
from tests.proof.border_wire import ADDRESSES, Wire, laid
from tests.proof.verdict import NotRun
from tests.support.waiting import until


@dataclass(slots=True, kw_only=True)
class Stage:
    """Both nodes and the wire."""

    us: Post
    mx: Post
    wire: Wire

    @property
    def both(self) -> tuple[Post, Post]:
        """The nodes."""
        return self.us, self.mx

    @property
    def ways(self) -> tuple[tuple[Post, Post], tuple[Post, Post]]:
        """The directions, each from one to the other."""
        return (self.us, self.mx), (self.mx, self.us)

    def watch(self) -> None:
        """Start again what has ended."""
        for post in self.both:
            post.keeper.watch()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """
    Both nodes up, trusting each other, agencies enrolled, grants in force; all of it gone after the block.

    Raises:
        NotRun: the machine does not permit it.
    """
    names = [f"puente-{os.getpid()}-{node}" for node in ("us", "mx")]
    with ExitStack() as stack:
        wire = stack.enter_context(laid(names))
        cast = (("us", "us-ca-sdpd", "us-ca-chp", "US-CA:06073"), ("mx", "mx-bcn-fge", "mx-bcn-sspc", "MX-BCN:02004"))
        posts = []
        for (node, poster, reader, place), name, address in zip(cast, names, ADDRESSES, strict=True):
            post = Post(
                id=node,
                namespace=name,
                address=address,
                folder=folder / node,
                authority=trustme.CA(),
                poster=poster,
                reader=reader,
                place=place,
            )
            posts.append(post)
            stack.callback(post.end)
            post.keeper.start()
        made = Stage(us=posts[0], mx=posts[1], wire=wire)
        for post in made.both:
            _until_up(post)
        _trust(made)
        yield made


def _until_up(post: Post) -> None:
    until(lambda: post.is_ready() or post.keeper.ended(), within_s=UP_S, what=f"node {post.id}")
    if post.keeper.ended():
        raise NotRun(f"node {post.id} does not start: {post.keeper.log.read_text('utf-8')[-500:]}")


def _holds(post: Post, query: str) -> bool:
    return post.rows(query) == [(True,)]


def _trust(made: Stage) -> None:
    """As docs/operations.md says: export, import with the fingerprint that was read aloud; then agencies and grants."""
    for own, other in made.ways:
        anchor = own.folder / f"{own.id}.anchor"
        said = own.does("peer", "export", "--out", str(anchor)).stderr
        found = re.search(r"fingerprint: ([0-9a-f ]+)", said)
        assert found is not None, said
        other.does("peer", "import", str(anchor), "--fingerprint", found[1].strip())
        for agency in (own.poster, own.reader):
            own.enrol(agency)
        own.grant(other.country, with_warnings=True)
    query = "SELECT out_seq > 0 AND out_seq = receipted AND in_seq > 0 FROM crossing"
    for post in made.both:
        until(partial(_holds, post, query), within_s=UP_S, what=f"the border of {post.id}")
