"""The audit as a Merkle log: grow it and sign its head; prove it to those who read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.authority import READ_AUDIT
from hub.directory import Kind, Role
from hub.errors import Invalid, NotVisible, Unavailable
from hub.merkle import EMPTY_ROOT, Edge, Head, consistency, fill, grow, inclusion
from hub.policy import Decision
from hub.reading import require_scope
from hub.store import audit, tree
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from hub.merkle import Line, Node
    from hub.principal import Principal
    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.log import Leader

BEYOND = Text(
    "The newest signed tree has {size} entries.",
    "El árbol firmado más reciente tiene {size} entradas.",
    code="beyond-the-tree",
)
BACKWARDS = Text(
    "This must not be larger than `to`, which is {size}.",
    "No debe ser mayor que `to`, que es {size}.",
    code="backwards",
)
NOT_YET_IN = Text(
    "The entry came later than that: a tree with it has at least {size} entries.",
    "La entrada llegó después: un árbol que la incluye tiene al menos {size} entradas.",
    code="not-yet-in",
)
NOTHING = Decision(False, Text("no such entry", "no existe tal entrada"))


class Forked(Exception):
    """The stored tree is not the one whose head was signed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One round of the notary: who leads, at most how many entries, and for how long the lease is renewed."""

    leader: Leader
    most: int
    lease_ms: int
    settled_ms: int


def extend(conn: Connection, turn: Turn, sign: Callable[[Head], str], at: datetime) -> int:
    """
    Give leaves to entries that have none and sign the head they make, all or nothing; how many entries that were.

    Raises:
        hub.store.log.Deposed: another leads.
        Forked: what is stored is not what was signed; nothing was added.
    """
    with conn.transaction():
        first, leaves = tree.add_leaves(
            conn, turn.leader, most=turn.most, lease_ms=turn.lease_ms, settled_ms=turn.settled_ms
        )
        if leaves:
            edge = _signed_edge(conn, first)
            grown, completed = grow(edge, leaves)
            head = Head(size=grown.size, root=grown.root, at=at)
            tree.add_nodes(conn, completed)
            tree.add_head(conn, head, sign(head))
    return len(leaves)


def _signed_edge(conn: Connection, size: int) -> Edge:
    """The stored tree of this size, which is the one whose head was signed last."""
    try:
        edge = tree.edge(conn, size)
    except tree.Torn as error:
        raise Forked from error
    newest = tree.newest_head(conn)
    signed = (newest[0].size, newest[0].root) if newest else (0, EMPTY_ROOT)
    if signed != (size, edge.root):
        raise Forked
    return edge


def whose(principal: Principal) -> str | None:
    """The agency whose entries this principal may read: its own; None, which is everybody's, for the node's auditor."""
    person = principal.person
    is_node_auditor = person is not None and Role.AUDITOR in person.roles and principal.agency.kind is Kind.OPERATOR
    return None if is_node_auditor else principal.agency.id


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof against the tree of `size` entries; `index` and `leaf` are those of the entry, if it is about one."""

    size: int
    path: list[bytes]
    index: int | None = None
    leaf: bytes | None = None


def read_head(conn: Connection, asking: Asking) -> tuple[Head, str]:
    """
    The newest head and its signature.

    Raises:
        Denied: the token has no right to the audit.
        Unavailable: nothing is signed yet; that takes a second.
    """
    require_scope(conn, asking, READ_AUDIT)
    newest = tree.newest_head(conn)
    if newest is None:
        raise Unavailable
    return newest


def prove_inclusion(conn: Connection, asking: Asking, entry: int, size: int | None) -> Proof:
    """
    That one of the reader's entries is in the tree of `size`, or in the newest.

    Raises:
        Denied: the token has no right to the audit.
        NotVisible: no such entry, or not the reader's, which look alike, or it has no leaf yet; it is on record.
        Invalid: the tree is larger than the newest, or too small for the entry.
    """
    size = _size_of(read_head(conn, asking)[0], size, "/size")
    line = tree.line_of(conn, whose(asking.principal), entry)
    if line is None:
        version = asking.view.rules.version
        audit.record(conn, asking.principal, "audit.prove", NOTHING, policy=version, subject=str(entry))
        raise NotVisible
    if line.index >= size:
        raise Invalid((flaw("/size", NOT_YET_IN.format(size=line.index + 1)),))
    return Proof(size, _filled(conn, inclusion(line.index, size)), line.index, line.hash)


def prove_consistency(conn: Connection, asking: Asking, first: int, size: int | None) -> Proof:
    """
    That the tree of `size`, or the newest, begins with the tree of `first` entries.

    Raises:
        Denied: the token has no right to the audit.
        Invalid: a tree is larger than the newest, or the first larger than the second.
    """
    size = _size_of(read_head(conn, asking)[0], size, "/to")
    if first > size:
        raise Invalid((flaw("/from", BACKWARDS.format(size=size)),))
    return Proof(size, _filled(conn, consistency(first, size)))


def read_entries(conn: Connection, asking: Asking, *, after: int, limit: int) -> list[Line]:
    """
    The reader's entries in the order of the tree, behind leaf `after`.

    Raises:
        Denied: the token has no right to the audit.
    """
    require_scope(conn, asking, READ_AUDIT)
    newest = tree.newest_head(conn)
    past = newest[0].size if newest else 0
    return tree.lines_of(conn, whose(asking.principal), after=after, past=past, limit=limit)


def _size_of(newest: Head, wanted: int | None, path: str) -> int:
    if wanted is not None and wanted > newest.size:
        raise Invalid((flaw(path, BEYOND.format(size=newest.size)),))
    return newest.size if wanted is None else wanted


def _filled(conn: Connection, proof: Sequence[Sequence[Node]]) -> list[bytes]:
    return fill(proof, tree.nodes(conn, {node for covered in proof for node in covered}))
