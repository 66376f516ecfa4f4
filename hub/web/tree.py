"""`GET /v1/audit/head`, `/entries`, `/proofs/inclusion` and `/proofs/consistency`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask_smorest import Blueprint

from hub.store import Connection, transaction
from hub.tree import Proof, prove_consistency, prove_inclusion, read_entries, read_head
from hub.web import shapes
from hub.web.auth import answer
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.reading import Asking

T = TypeVar("T")

bp = Blueprint("tree", __name__, url_prefix="/v1/audit", description="The audit, and proof that nobody changed it")


@bp.get("/head")
@takes(bp)
@bp.response(200, shapes.TreeHead)
def show_head() -> dict[str, Any]:
    """The newest signed head. Keep it: whatever the audit becomes must be shown to begin with it."""
    head, signed = _read(read_head)
    return {"size": head.size, "root": head.root.hex(), "at": head.at.isoformat(), "signed": signed}


@bp.get("/entries")
@takes(bp, shapes.EntriesQuery)
@bp.response(200, shapes.AuditEntries)
def show_entries(after: int, limit: int) -> dict[str, Any]:
    """What the audit says of the caller's own agency, in the order of the tree."""
    found = _read(lambda conn, asking: read_entries(conn, asking, after=after, limit=limit))
    following = found[-1].index if found else after
    return {"entries": [{"index": line.index, "line": line.text} for line in found], "next": following}


@bp.get("/proofs/inclusion")
@takes(bp, shapes.InclusionQuery)
@bp.response(200, shapes.InclusionProof)
def show_inclusion(entry: int, size: int | None) -> dict[str, Any]:
    """That one of the caller's own entries is in the tree."""
    proof = _read(lambda conn, asking: prove_inclusion(conn, asking, entry, size))
    leaf = proof.leaf.hex() if proof.leaf else None
    return {"entry": entry, "index": proof.index, "size": proof.size, "leaf": leaf, "path": _hex(proof)}


@bp.get("/proofs/consistency")
@takes(bp, shapes.ConsistencyQuery)
@bp.response(200, shapes.ConsistencyProof)
def show_consistency(first: int, size: int | None) -> dict[str, Any]:
    """That the tree only grew: the later one begins with the earlier one."""
    proof = _read(lambda conn, asking: prove_consistency(conn, asking, first, size))
    return {"first": first, "size": proof.size, "path": _hex(proof)}


def _read(use_case: Callable[[Connection, Asking], T]) -> T:
    hub = current_hub()

    def read(asking: Asking) -> T:
        with transaction(hub.pool, asking.reader) as conn:
            asking.require_current(conn)
            return use_case(conn, asking)

    return answer(read)


def _hex(proof: Proof) -> list[str]:
    return [step.hex() for step in proof.path]
