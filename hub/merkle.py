"""RFC 6962 Merkle trees: arithmetic alone, which knows neither where hashes are kept nor what was hashed.

A tree of any size is made of *complete* subtrees, each named by its height and its place at that height. They never
change once they are full, so they are what is stored; every root and every proof is folded from them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

_sha256 = hashlib.sha256

EMPTY_ROOT = _sha256(b"").digest()
HASH_BYTES = 32
STRIDE = 8  # complete subtrees are stored at heights 8, 16, ...: what lies between is folded from at most 256 hashes


class Node(NamedTuple):
    """A complete subtree: the leaves `place << height` to `((place + 1) << height) - 1`. Height 0 is a leaf."""

    height: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is signed of a tree: how many leaves it has, what they come to, and when that was so."""

    size: int
    root: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A leaf and the entry it stands for; `text` None: the entry is no longer there."""

    index: int
    hash: bytes
    text: str | None


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf (RFC 6962 section 2.1)."""
    return _sha256(b"\0" + content).digest()


def leaf_hashes(contents: Iterable[bytes]) -> list[bytes]:
    """The same for many."""
    return [_sha256(b"\0" + content).digest() for content in contents]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962 section 2.1)."""
    return _sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """A tree as far as growing it needs: the complete subtrees that make it, the largest and leftmost first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """
        As many hashes as the size has bits.

        Raises:
            ValueError: it is not so.
        """
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("as many hashes as the size has bits")

    @property
    def root(self) -> bytes:
        """The Merkle tree hash of all leaves."""
        return fold(self.hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that lie side by side, the largest first; as `cover` names them."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def grow(edge: Edge, leaves: Sequence[bytes]) -> tuple[Edge, dict[Node, bytes]]:
    """The tree after some more leaf hashes, and the subtrees of stored heights that they completed."""
    waiting = dict(zip(_heights(edge.size), edge.hashes, strict=True))
    size = edge.size + len(leaves)
    completed: dict[Node, bytes] = {}
    left: list[bytes] = []  # what has no right neighbour yet, the smallest first
    row, height = list(leaves), 0
    while row or edge.size >> height:
        if height and height % STRIDE == 0:
            first = edge.size >> height
            completed.update((Node(height, first + n), each) for n, each in enumerate(row))
        if height in waiting:
            row.insert(0, waiting[height])
        if len(row) % 2:
            left.append(row[-1])
        row = [_sha256(b"\1" + one + other).digest() for one, other in zip(row[::2], row[1::2], strict=False)]
        height += 1
    return Edge(size, tuple(reversed(left))), completed


def _heights(size: int) -> Iterator[int]:
    """Of the complete subtrees that make a tree of this size, the largest first."""
    return (height for height in reversed(range(size.bit_length())) if size >> height & 1)


def cover(first: int, past: int) -> tuple[Node, ...]:
    """The fewest complete subtrees over the leaves `first` to `past - 1` of one half of a tree."""
    nodes = []
    for height in _heights(past - first):
        nodes.append(Node(height, first >> height))
        first += 1 << height
    return tuple(nodes)


def inclusion(index: int, size: int) -> tuple[tuple[Node, ...], ...]:
    """What each hash of an audit path covers (RFC 6962 section 2.1.1): that leaf `index` is in a tree of `size`."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    path = []
    first, past = 0, size
    while past - first > 1:
        middle = first + _left_half(past - first)
        if index < middle:
            path.append(cover(middle, past))
            past = middle
        else:
            path.append(cover(first, middle))
            first = middle
    return tuple(reversed(path))


def consistency(old: int, new: int) -> tuple[tuple[Node, ...], ...]:
    """What each hash of a consistency proof covers (RFC 6962 section 2.1.2): that `new` leaves begin with `old`."""
    if not 0 < old <= new:
        raise ValueError("a proof leads from a tree of at least one leaf to one that is no smaller")
    proof = []
    first, past = 0, new
    while past != old:
        middle = first + _left_half(past - first)
        if old <= middle:
            proof.append(cover(middle, past))
            past = middle
        else:
            proof.append(cover(first, middle))
            first = middle
    if first:  # otherwise the old tree is a subtree of the new one, and its root is known
        proof.append(cover(first, past))
    return tuple(reversed(proof))


def _left_half(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def fill(proof: Sequence[Sequence[Node]], known: Mapping[Node, bytes]) -> list[bytes]:
    """The hashes of a proof, from those of the subtrees it covers."""
    return [fold([known[node] for node in covered]) for covered in proof]


def is_included(leaf: bytes, index: int, head: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the tree of this size and root has `leaf` at `index` (RFC 9162 section 2.1.3.2)."""
    size, root = head
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(step, found)
            while here and not here & 1:  # the right edge skips levels at which it has no neighbour
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, step)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the new tree (size, root) begins with the old one (RFC 9162 section 2.1.4.2)."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return not proof and old_root == new_root
    if not 0 < old_size < new_size:
        return False
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    here, last = old_size - 1, new_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    found_old = found_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            found_old, found_new = node_hash(step, found_old), node_hash(step, found_new)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found_new = node_hash(found_new, step)
        here, last = here >> 1, last >> 1
    return last == 0 and found_old == old_root and found_new == new_root
