"""The tree of RFC 6962, against its published vectors and against the RFC's own recursive definitions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.merkle import (
    EMPTY_ROOT,
    STRIDE,
    Edge,
    Node,
    consistency,
    cover,
    fill,
    fold,
    grow,
    inclusion,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
)

# The reference inputs of Certificate Transparency and the roots they must give, for trees of 0 to 8 leaves.
INPUTS = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Of the same reference: audit paths (leaf counted from 0, size) and consistency proofs (old size, new size).
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
PROOFS = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


# RFC 6962 section 2.1, word for word; slow, and nothing but the definitions.


def _h(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def k_of(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d: Sequence[bytes]) -> bytes:
    """The Merkle tree hash, with leaves already hashed."""
    if not d:
        return _h(b"")
    if len(d) == 1:
        return d[0]
    k = k_of(len(d))
    return _h(b"\x01" + mth(d[:k]) + mth(d[k:]))


def rfc_path(m: int, d: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(d) == 1:
        return []
    k = k_of(len(d))
    return [*rfc_path(m, d[:k]), mth(d[k:])] if m < k else [*rfc_path(m - k, d[k:]), mth(d[:k])]


def rfc_proof(m: int, d: Sequence[bytes], b: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*rfc_proof(m, d[:k], b), mth(d[k:])]
    return [*rfc_proof(m - k, d[k:], False), mth(d[:k])]


def leaves(count: int) -> list[bytes]:
    """Leaf hashes that all differ."""
    return [leaf_hash(b"%d" % number) for number in range(count)]


class Whole(dict[Node, bytes]):
    """Every complete subtree over some leaves, made by the definition when it is asked for."""

    def __init__(self, d: Sequence[bytes]) -> None:
        super().__init__()
        self._d = d

    def __missing__(self, node: Node) -> bytes:
        first = node.place << node.height
        covered = self._d[first : first + (1 << node.height)]
        assert len(covered) == 1 << node.height, f"{node} is not complete"
        return mth(covered)


def test_the_published_roots() -> None:
    hashed = [leaf_hash(each) for each in INPUTS]

    assert [grow(Edge(), hashed[:size])[0].root.hex() for size in range(9)] == ROOTS


@pytest.mark.parametrize(("at", "path"), PATHS.items())
def test_the_published_audit_paths(at: tuple[int, int], path: list[str]) -> None:
    index, size = at
    hashed = [leaf_hash(each) for each in INPUTS[:size]]

    found = fill(inclusion(index, size), Whole(hashed))

    assert [each.hex() for each in found] == path
    assert is_included(hashed[index], index, (size, bytes.fromhex(ROOTS[size])), found)


@pytest.mark.parametrize(("at", "proof"), PROOFS.items())
def test_the_published_consistency_proofs(at: tuple[int, int], proof: list[str]) -> None:
    old, new = at
    found = fill(consistency(old, new), Whole([leaf_hash(each) for each in INPUTS]))

    assert [each.hex() for each in found] == proof
    assert is_consistent((old, bytes.fromhex(ROOTS[old])), (new, bytes.fromhex(ROOTS[new])), found)


SIZES = st.integers(0, 1100)


@given(st.lists(st.integers(0, 300), max_size=8))
def test_a_tree_is_the_same_however_it_grew(steps: list[int]) -> None:
    d = leaves(sum(steps))
    edge, stored = Edge(), dict[Node, bytes]()
    for step in steps:
        edge, completed = grow(edge, d[edge.size : edge.size + step])
        assert not completed.keys() & stored.keys()
        stored |= completed

    whole = Whole(d)
    assert edge.root == mth(d)
    assert edge.hashes == tuple(whole[node] for node in cover(0, len(d)))
    wanted = {Node(h, i) for h in (STRIDE, 2 * STRIDE) for i in range(len(d) >> h)}
    assert stored == {node: whole[node] for node in wanted}


@given(st.data(), st.integers(1, 1100))
def test_every_audit_path_is_the_rfcs_and_holds(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    d = leaves(size)

    path = fill(inclusion(index, size), Whole(d))

    assert path == rfc_path(index, d)
    assert is_included(d[index], index, (size, mth(d)), path)


@given(st.data(), st.integers(1, 1100))
def test_every_consistency_proof_is_the_rfcs_and_holds(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    d = leaves(new)

    proof = fill(consistency(old, new), Whole(d))

    assert proof == rfc_proof(old, d)
    assert is_consistent((old, mth(d[:old])), (new, mth(d)), proof)


def changed(data: st.DataObject, path: list[bytes]) -> list[bytes]:
    """The same with one hash changed, one more, one less, or two exchanged."""
    other = st.binary(min_size=32, max_size=32)
    at = data.draw(st.integers(0, len(path)))
    ways = [[*path[:at], data.draw(other), *path[at:]]]
    if at < len(path):
        ways += [[*path[:at], data.draw(other), *path[at + 1 :]], [*path[:at], *path[at + 1 :]]]
    if at + 1 < len(path):
        ways.append([*path[:at], path[at + 1], path[at], *path[at + 2 :]])
    return data.draw(st.sampled_from(ways))


@given(st.data(), st.integers(1, 300))
def test_nothing_else_proves_inclusion(data: st.DataObject, size: int) -> None:
    d = leaves(size)
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size))
    path, head = rfc_path(index, d), (size, mth(d))

    assert not is_included(d[index], index, head, changed(data, path))
    assert not is_included(leaf_hash(b"x"), index, head, path)
    assert not is_included(d[index], index, (size, leaf_hash(b"x")), path)
    assert is_included(d[index], other, head, path) is (other == index)


@given(st.data(), st.integers(1, 300))
def test_nothing_else_proves_consistency(data: st.DataObject, new: int) -> None:
    d = leaves(new)
    old = data.draw(st.integers(1, new))
    before, after, proof = (old, mth(d[:old])), (new, mth(d)), rfc_proof(old, d)

    assert not is_consistent(before, after, changed(data, proof))
    assert not is_consistent((old, leaf_hash(b"x")), after, proof)
    assert not is_consistent(before, (new, leaf_hash(b"x")), proof)
    assert not is_consistent((0, EMPTY_ROOT), after, proof)
    assert old == new or not is_consistent(after, before, proof)


@given(SIZES)
def test_a_tree_is_covered_without_overlap_and_folds_to_its_root(size: int) -> None:
    d = leaves(size)
    nodes = cover(0, size)

    assert [leaf for node in nodes for leaf in range(node.place << node.height, node.place + 1 << node.height)] == list(
        range(size)
    )
    assert fold([Whole(d)[node] for node in nodes]) == mth(d)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_there_is_no_path_to_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_nothing_leads_back_or_from_nothing(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="leads from"):
        consistency(old, new)


@pytest.mark.parametrize(("size", "count"), [(1, 0), (0, 1), (6, 3), (-1, 1)])
def test_an_edge_has_as_many_hashes_as_its_size_has_bits(size: int, count: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        Edge(size, (EMPTY_ROOT,) * count)


def test_leaf_and_node_cannot_be_taken_for_each_other() -> None:
    left, right = leaves(2)

    assert leaf_hash(left + right) != node_hash(left, right)
